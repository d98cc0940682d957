"""Certificates: proof objects for the landscape, and the independent checker.

`theory.certificates.checker` stands alone; importing it through here loads nothing else.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from theory.certificates.producer import certify

__all__ = ["certify"]


def __getattr__(name: str) -> Any:
    # The producer needs numpy and the solvers; the checker must not load them.
    if name == "certify":
        from theory.certificates.producer import certify

        return certify
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
