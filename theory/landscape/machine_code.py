"""Functions of numbers and arrays as machine code, compiled once and kept in a file.

numba compiles them. Importing it takes a third of a second, and its first call as long, which is
more than many a landscape takes; but the object file that it makes is loaded in some hundredths of
a second by llvmlite, on which numba stands. The file lies beside the compiled modules, or in the
user's cache where these cannot be written.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib import import_module, metadata
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar

import llvmlite.binding as llvm
import numpy as np

from theory.types import Array

_Function = TypeVar("_Function", bound=Callable[..., Any])

_MODULES = ("kernel", "residues", "compiled_flood")  # which have what is compiled
_FOLDER = Path(__file__).parent
_NUMBERS = 3  # of each call, before its arrays
_COMPILED: list[Callable[..., Any]] = []


def compiled(function: _Function) -> _Function:
    """Let routines call a function."""
    _COMPILED.append(function)
    return function


class Routine:
    """A function that is called from Python: of up to three integers, then of arrays, to an
    integer."""

    def __init__(self, function: Callable[..., int], kinds: Sequence[str]) -> None:
        """kinds: the types of the arrays, as "f8[:, :]"."""
        self.function = function
        self._types = [np.dtype(kind.partition("[")[0]) for kind in kinds]
        self._dimensions = [kind.count(":") for kind in kinds]

    @property
    def symbol(self) -> str:
        """What it is called in the object file."""
        return f"isthmus.{self.function.__module__}.{self.function.__name__}"

    def on(self, *arrays: Array) -> Callable[..., int]:
        """With these arrays, which must stay where they are: to be called with the integers."""
        for array, kind, dimensions in zip(arrays, self._types, self._dimensions, strict=True):
            assert (array.dtype, array.ndim) == (kind, dimensions)
            assert array.flags.c_contiguous
        sizes = [size for array in arrays for size in array.shape]
        result, error = ctypes.c_int64(), ctypes.c_void_p()
        call = partial(
            _code(self.symbol),
            ctypes.byref(result),
            ctypes.byref(error),
            (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays)),
            (ctypes.c_int64 * len(sizes))(*sizes),
        )

        def called(a: int = 0, b: int = 0, c: int = 0, *, _: Any = arrays) -> int:
            failed = call(a, b, c)
            assert not failed
            return result.value

        return called

    def entry(self) -> str:
        """Python of the function with addresses and sizes of arrays in place of these."""
        arguments = [*"abc"[: self.function.__code__.co_argcount - len(self._types)]]
        first = 0
        for k, (kind, dimensions) in enumerate(zip(self._types, self._dimensions, strict=True)):
            shape = ", ".join(f"n[{first + axis}]" for axis in range(dimensions))
            arguments.append(f"carray(p[{k}], ({shape},), {kind.name})")
            first += dimensions
        return f"def entry(p, n, a, b, c): return function({', '.join(arguments)})"


def routine(*kinds: str) -> Callable[[Callable[..., int]], Routine]:
    """Make a function a routine of arrays of these types."""
    return lambda function: Routine(function, kinds)


@cache
def _code(symbol: str) -> Any:
    """What a call to a routine calls; its own result is not 0 where there was an error.

    No other thread runs meanwhile, as memory is kept from one call to the next.
    """
    kinds = [ctypes.c_void_p] * 4 + [ctypes.c_int64] * _NUMBERS
    return ctypes.PYFUNCTYPE(ctypes.c_int32, *kinds)(_engine().get_function_address(symbol))


_nothing = ctypes.CFUNCTYPE(None)(lambda: None)


@cache
def _engine() -> Any:
    """All routines, loaded."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    # What numba has for arrays that own memory; these do not.
    llvm.add_symbol("NRT_MemInfo_call_dtor", ctypes.cast(_nothing, ctypes.c_void_p).value)
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        jit=True,
        codemodel="jitdefault",
    )
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(_object(machine)))
    engine.finalize_object()
    return engine


def _object(machine: Any) -> bytes:
    """The object file, made where there is none of these sources for this machine."""
    key = hashlib.sha256()
    for name in (*_MODULES, "machine_code"):
        key.update((_FOLDER / f"{name}.py").read_bytes())
    versions = (platform.python_version(), metadata.version("numba"), metadata.version("llvmlite"))
    features = llvm.get_host_cpu_features().flatten()
    key.update(repr((versions, llvm.get_host_cpu_name(), features)).encode())
    name = f"routines-{key.hexdigest()[:16]}.o"
    cache_home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folders = (_FOLDER / "__pycache__", Path(cache_home) / "isthmus")
    for folder in folders:
        if (folder / name).is_file():
            return (folder / name).read_bytes()
    code = _compile(machine)
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            draft = folder / f"{name}.{os.getpid()}"
            draft.write_bytes(code)
            draft.replace(folder / name)
        except OSError:
            continue
        break
    return code


def _compile(machine: Any) -> bytes:
    numba: Any = import_module("numba")
    types = numba.types
    modules = [import_module(f"theory.landscape.{name}") for name in _MODULES]
    spaces = {module.__name__: dict(vars(module)) for module in modules}
    routines = [each for module in modules for each in vars(module).values()]
    routines = [each for each in routines if isinstance(each, Routine)]
    options = {"error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}

    def jitted(function: Any) -> Any:
        return numba.njit(**options)(FunctionType(function.__code__, spaces[function.__module__]))

    every = {each: jitted(each) for each in (*_COMPILED, *(each.function for each in routines))}
    for space in spaces.values():
        for name, value in space.items():
            function = value.function if isinstance(value, Routine) else value
            if isinstance(function, FunctionType) and function in every:
                space[name] = every[function]
    number = types.int64
    signature = number(types.CPointer(types.voidptr), types.CPointer(number), *[number] * _NUMBERS)
    whole = llvm.parse_assembly("")
    for each in dict.fromkeys(routines):
        space = {"function": every[each.function], "carray": numba.carray, **vars(types)}
        exec(each.entry(), space)
        entry = numba.njit(signature, **options)(space["entry"])
        [text] = entry.inspect_llvm().values()
        part = llvm.parse_assembly(text)
        [own] = [f for f in part.functions if "5entry" in f.name and not f.is_declaration]
        own.name = each.symbol
        whole.link_in(part)
    code: bytes = machine.emit_object(whole)
    return code
