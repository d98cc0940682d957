"""The stairs of the house go one way: each part imports only what stands before it here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import theory

ROOT = Path(theory.__file__).parents[1]

THEORY = (
    *("errors", "types", "text", "tables", "own_file", "parallel", "quiet", "names"),
    *("activation", "exact"),
    *(
        "semidefinite",
        "losses",
        "problem",
        "documents",
        "linear",
        "loading",
        "network",
        "geometry",
        "gauges",
        "within",
        "units",
    ),
    *("arrangement", "states", "cone_program", "landscape", "lines", "programs", "radii"),
    *("margins", "connectivity", "regions", "pictures", "certificates", "formal", "claims", "hunt"),
    *("strategies",),
)
NUMERICS = (
    *("files", "formulas", "coq", "training", "pictures", "page", "gpt2", "studies", "report"),
    "cli",
)
ORDER = [*(f"theory.{name}" for name in THEORY), *(f"numerics.{name}" for name in NUMERICS)]


def modules() -> dict[str, Path]:
    """All of both packages, by their dotted names."""
    found = {}
    for path in sorted([*ROOT.glob("theory/**/*.py"), *ROOT.glob("numerics/**/*.py")]):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(source: str) -> Iterator[str]:
    """What a source imports, wherever it does; all names that may be modules."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


class _WithoutPictures(ast.NodeTransformer):
    """Leaves out the pictures that methods `plot` ask for when they are called: these are the one
    thing that an object may take from after it."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        if node.name == "plot":
            node.body = [each for each in node.body if not self._is_picture(each)]
        return node

    @staticmethod
    def _is_picture(node: ast.stmt) -> bool:
        return isinstance(node, ast.ImportFrom) and ".pictures." in str(node.module)


def without_pictures(source: str) -> str:
    """The source without what `plot` imports to draw."""
    return ast.unparse(_WithoutPictures().visit(ast.parse(source)))


def part(module: str) -> str:
    """The part of the house that a module is in."""
    return ".".join(module.split(".")[:2])


MODULES = modules()
CHECKER = [
    name
    for name in MODULES
    if name.startswith("theory.certificates.") and name != "theory.certificates.producer"
]


def test_every_part_has_its_place() -> None:
    assert {part(name) for name in MODULES} - {"theory", "numerics"} == set(ORDER)


@pytest.mark.parametrize("name", [name for name in MODULES if "." in name])
def test_no_import_goes_back_up(name: str) -> None:
    later = ORDER[ORDER.index(part(name)) + 1 :]
    found = set(imported(without_pictures(MODULES[name].read_text())))
    found &= MODULES.keys()
    assert not [each for each in found if part(each) in later]


@pytest.mark.parametrize("name", CHECKER)
def test_the_checker_imports_the_problem_and_itself(name: str) -> None:
    found = set(imported(MODULES[name].read_text()))
    ours = {each for each in found if each in MODULES and each != "theory.certificates"}
    assert ours <= {*CHECKER, "theory.errors", "theory.problem"}


@pytest.mark.parametrize("package", ["theory", "numerics"])
def test_packages_of_tests_mirror_those_of_the_project(package: str) -> None:
    folders = {p.parent.name for p in ROOT.glob(f"tests/{package}/*/test_*.py")}
    assert folders <= {p.parent.name for p in ROOT.glob(f"{package}/*/__init__.py")}


def test_an_arrow_back_up_is_seen() -> None:
    source = "def f():\n    from theory.regions import optimizer_regions\n"
    assert "theory.regions" in set(imported(source))
    assert ORDER.index("theory.regions") > ORDER.index("theory.connectivity")


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("def plot():\n    from theory.pictures.data import draw_data\n    draw_data()", False),
        ("def plot():\n    from theory.regions import optimizer_regions\n    pass", True),
        ("def draw():\n    from theory.pictures.data import draw_data\n    draw_data()", True),
    ],
)
def test_only_plot_asks_for_pictures(source: str, seen: bool) -> None:
    found = set(imported(without_pictures(source)))
    assert any(name.startswith(("theory.pictures", "theory.regions")) for name in found) is seen
