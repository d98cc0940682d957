"""`isthmus new`: files to begin with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from numerics.cli.output import EXIT_DONE
from numerics.cli.outputs import check_outputs
from theory.errors import InputError

app = typer.Typer(help="Write a file to begin with.")

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@app.command()
def claim(
    name: Annotated[str, typer.Argument(help="Of the theorem, such as spurious-valleys.")],
) -> int:
    """A theorem for the gallery, which runs as it is: NAME.py, here, to be changed.

    `isthmus verify NAME.py` verifies it; in theory/claims/gallery/ it is one of the gallery.
    """
    if not _NAME.fullmatch(name):
        raise InputError("name", f"{name!r} must be small letters, digits and single dashes")
    from theory.claims import CLAIMS
    from theory.claims.gallery import GALLERY

    if name in CLAIMS or name in GALLERY:
        raise InputError("name", f"{name!r} is a claim already")
    file = Path(f"{name.replace('-', '_')}.py")
    if file.exists():
        raise InputError("name", f"{file} is there already")
    check_outputs([], json=str(file))

    import theory.claims.gallery.template as template
    from numerics.files import write

    source = Path(template.__file__).read_text(encoding="utf-8")
    title = "".join(word.capitalize() for word in name.split("-"))
    write(file, source.replace("class Template(", f"class {title}("))
    print(f"{file}: change everything in it, then `isthmus verify {file}`")
    return EXIT_DONE
