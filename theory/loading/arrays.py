"""Tables in files of numpy."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from theory.errors import InputError
from theory.loading.tables import Table, listed
from theory.problem import require_few


def array_table(content: bytes, path: Path) -> Table:
    """The matrix in an NPY file; its columns have numbers, and one of them is the target."""
    import numpy as np

    try:
        array = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    except Exception as error:  # a broken or hostile file can raise nearly anything
        raise InputError(str(path), f"cannot be read: {error}") from None
    require_few(array.size, str(path))
    if array.ndim != 2 or array.dtype.names:
        raise InputError(
            str(path),
            f"holds an array of shape {array.shape}; it must be a matrix with the target among its "
            "columns; or put X and y into one file with np.savez('data.npz', X=X, y=y)",
        )
    return _table(path.name, _cells(array), range(array.shape[1]))


def archive_table(content: bytes, path: Path, target: str | None) -> Table:
    """The arrays in an NPZ file: X and y, or the columns of a table by their names.

    target: the name of the array in place of y.
    """
    import numpy as np

    try:
        # np.load would take a lone array for an archive.
        # What is packed may be much longer.
        unpacked = sum(each.file_size for each in zipfile.ZipFile(io.BytesIO(content)).infolist())
        require_few(unpacked // 8, str(path))
        with np.lib.npyio.NpzFile(io.BytesIO(content)) as archive:
            members = {key: archive[key] for key in archive.files}
    except InputError:
        raise
    except Exception as error:  # a broken or hostile archive can raise nearly anything
        raise InputError(str(path), f"cannot be read: {error}") from None
    arrays = {key: each for key, each in members.items() if isinstance(each, np.ndarray)}
    if not arrays:
        raise InputError(str(path), "is an archive without arrays")
    if "X" in arrays:
        return _separate(arrays, path, target or "y")
    columns = [_cells(each) for each in arrays.values() if each.ndim == 1]
    if len(columns) < len(arrays):
        raise InputError(str(path), "holds neither an array X nor one-dimensional columns")
    if len({*map(len, columns)}) > 1:
        raise InputError(str(path), "has columns of different lengths")
    return _table(path.name, [*zip(*columns, strict=True)], arrays)


def _separate(arrays: dict[str, Any], path: Path, target: str) -> Table:
    if target not in arrays:
        raise InputError(
            "target", f"{target!r} is not an array of {path.name}: {listed(sorted(arrays))}"
        )
    X, y = arrays["X"], arrays[target]
    for name, array, dimensions in (("X", X, 2), (target, y, 1)):
        if array.ndim != dimensions:
            meant = "a matrix (n, d)" if dimensions == 2 else "a vector (n,)"
            raise InputError(str(path), f"{name} is of shape {array.shape}, and must be {meant}")
    if len(X) != len(y):
        raise InputError(str(path), f"{target} has {len(y)} entries, but X has {len(X)} rows")
    return _table(path.name, _cells(X), range(X.shape[1]), y=_cells(y), y_name=target)


def _table(name: str, rows: list[Any], header: Iterable[object], **target: Any) -> Table:
    places = [f"row {k}" for k in range(len(rows))]
    return Table(name, [str(each) for each in header], rows, places, **target)


def _cells(array: Any) -> list[Any]:
    """Numbers of Python; floats of any length are doubles."""
    cells: list[Any] = (array.astype(float) if array.dtype.kind == "f" else array).tolist()
    return cells
