"""Names with a number in them, as files and commands write them: leaky_relu:1/10, huber:1/2."""

from __future__ import annotations

import re
from fractions import Fraction

from theory.errors import InputError

_NUMBER = re.compile(r"[-+]?(\d{1,300}/\d{1,300}|\d{1,300}(\.\d{1,300})?|\.\d{1,300})", re.ASCII)


def name_and_number(text: str, field: str) -> tuple[str, Fraction | None]:
    """The two sides of the colon, the name in small letters; None where there is no number.

    Raises InputError where what follows the colon is no number, or divides by zero.
    """
    name, colon, number = text.strip().lower().partition(":")
    if not colon:
        return name, None
    if not _NUMBER.fullmatch(number):
        raise InputError(field, f"{number!r} in {text!r} is no number; write 0.1 or 1/10")
    try:
        return name, Fraction(number)
    except ZeroDivisionError:
        raise InputError(field, f"{number!r} divides by zero") from None
