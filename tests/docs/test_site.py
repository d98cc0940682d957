"""The site as it is built: no warning, nothing from outside, links that lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urlsplit

import pytest
from command import ROOT

import theory

BUILD = (sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html")
SOURCES = {"img": "src", "script": "src", "link": "href", "source": "src", "iframe": "src"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `make docs` builds it: a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [*BUILD, "-c", "docs", "-d", str(folder / "trees"), ".", str(folder / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder / "site"


class Page(HTMLParser):
    """What a page loads, where its links lead, and which places it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag in SOURCES and SOURCES[tag] in values:
            self.loads.append(values[SOURCES[tag]])
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        self.places |= {values[name] for name in ("id", "name") if name in values}


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    """All of them."""
    return {
        path: Page(path.read_text(encoding="utf-8"))
        for path in site.rglob("*.html")
        if "_static" not in path.parts
    }


def outside(url: str) -> bool:
    """Whether it is not a file of the site."""
    return bool(urlsplit(url).scheme or urlsplit(url).netloc) and not url.startswith("data:")


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[Path, Page]) -> None:
    assert len(pages) > 40
    loads = [(path, url) for path, page in pages.items() for url in page.loads]
    for path in site.rglob("*.css"):
        urls = re.findall(r"(?:url\(|@import\s)\s*[\"']?([^\"')\s;]+)", path.read_text("utf-8"))
        loads += [(path, url) for url in urls]
    assert not [each for each in loads if outside(each[1])]
    # The few scripts are the theme's and the search's, which name no address to load from.
    for path in site.rglob("*.js"):
        assert not re.findall(
            r"(?:src|href|import)[\"'\s=(:]+https?://", path.read_text("utf-8")
        ), path


def test_links_inside_lead_somewhere(site: Path, pages: dict[Path, Page]) -> None:
    lost = []
    for path, page in pages.items():
        for url in {*page.links, *page.loads}:
            parts = urlsplit(url)
            if outside(url) or url.startswith("data:"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            found = pages.get(target)
            if not target.is_file() or (
                found and parts.fragment and unquote(parts.fragment) not in found.places
            ):
                lost.append((str(path.relative_to(site)), url))
    assert not lost


def test_links_of_the_readme_lead_somewhere() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) > 20
    assert not [link for link in links if not (ROOT / link).is_file()]


def test_signatures_name_types(site: Path) -> None:
    text = (site / "docs" / "api.html").read_text(encoding="utf-8")
    assert "ForwardRef" not in text


def test_everything_public_is_in_the_reference(site: Path, pages: dict[Path, Page]) -> None:
    places = pages[site / "docs" / "api.html"].places
    names = [name for name in theory.__all__ if not isinstance(getattr(theory, name), ModuleType)]
    assert not [name for name in names if f"theory.{name}" not in places]


def test_formulas_are_mathml_and_need_no_script(pages: dict[Path, Page]) -> None:
    texts = [path.read_text(encoding="utf-8") for path in pages]
    assert sum(text.count("<math ") for text in texts) > 50
    assert not [url for page in pages.values() for url in page.loads if "jax" in url.lower()]
