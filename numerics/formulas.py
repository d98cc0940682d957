"""Formulas in running text: between dollars, in the notation of a terminal, typeset in a page.

`$||W|| <= R_W$` is printed as it stands, without the dollars; a page has it as MathML. The notation
is that of the docstrings, not TeX: sub- and superscripts of more than a word are in brackets,
`x_(k+1)`, `sum_{i in S} lambda_i`; Greek letters, `relu`, `sqrt(...)` and `in` have their names;
`C(n, k)` is a binomial coefficient, ` . ` an inner product, `m*` an m with a star, `A times B` a
product of sets; `R^d` and `in R` are the reals.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import cache

from theory.errors import InputError

_FORMULA = re.compile(r"\$(?=[^\s$])([^$]*)(?<=\S)\$")


def plain(text: str) -> str:
    """A text for a terminal: its formulas as they stand."""
    return _FORMULA.sub(r"\1", text)


def typeset(text: str) -> str:
    """A text as HTML, its formulas as MathML. Raises InputError where one is not closed."""
    parts = _FORMULA.split(text)
    return "".join(
        _mathml(part) if k % 2 else html.escape(part, quote=False) for k, part in enumerate(parts)
    )


@cache
def _mathml(formula: str) -> str:
    """In pieces, between which a line may break: browsers break none."""
    from latex2mathml.converter import convert

    try:
        text = "<wbr>".join(convert(piece) for piece in _pieces(formula))
    except InputError:
        raise
    except Exception as error:  # of many classes, as what is wrong with the TeX
        raise _unread(formula) from error
    # HTML knows the namespace, and "inline" is what is assumed. Bars are as high as letters.
    text = re.sub(r"<math [^>]*>", "<math>", text).replace('stretchy="true"', 'stretchy="false"')
    return re.sub(r"&#x0*([0-9A-F]+);", _character, text)


def _character(reference: re.Match[str]) -> str:
    """The character itself, or the name that markup needs."""
    return html.escape(chr(int(reference[1], 16)))


def _unread(formula: str) -> InputError:
    return InputError(
        "formula",
        f"${formula}$ is not closed, or lacks a part; close its brackets, or leave out the dollars",
    )


def tex(formula: str) -> str:
    """A formula in TeX. Raises InputError where it is not closed."""
    return " ".join(_pieces(formula))


def _pieces(formula: str) -> Iterator[str]:
    """In TeX; each but the last ends with a relation or a comma that no bracket holds."""
    depth, piece = 0, []
    for part, token in _translated(formula):
        depth += token in _OPENING or part.startswith("\\left")
        depth -= token in _CLOSING or part.startswith("\\right")
        if depth < 0:
            raise _unread(formula)
        piece.append(part)
        if depth == 0 and token in _BREAKS:
            yield " ".join(piece)
            piece = []
    if depth:
        raise _unread(formula)
    if piece:
        yield " ".join(piece)


_TOKEN = re.compile(
    r"\d+(?:\.\d+)?(?:e[+-]?\d+)?|[A-Za-z]+|\|\||<=|>=|!=|->|<-|\+-|\.\.\.|(?<=\s)\.(?=\s)|\S"
)
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_BREAKS = frozenset(("=", "<=", ">=", "!=", "<", ">", "->", ",", "in"))

_SYMBOLS = {
    **{"<=": r"\le", ">=": r"\ge", "!=": r"\ne", "->": r"\to", "...": r"\dots"},
    **{"+-": r"\pm", "<-": r"\gets", ".": r"\cdot", "times": r"\times"},
    **{
        "{": r"\{",
        "}": r"\}",
        "%": r"\%",
        "&": r"\&",
        "#": r"\#",
        "*": "^{*}",
        "in": r"\in",
        "grad": r"\nabla",
    },
    **{name: rf"\{name}" for name in ("min", "max", "log", "exp", "det", "sum")},
    **{
        name: rf"\{name}"
        for name in (
            *("alpha", "beta", "gamma", "delta", "eps", "eta", "theta", "lambda", "mu", "nu"),
            *("rho", "sigma", "tau", "phi", "Theta", "Delta", "Lambda"),
        )
    },
    "eps": r"\varepsilon",
}
_BARS = {
    "|": (r"\left\lvert", r"\right\rvert"),
    "||": (r"\left\lVert", r"\right\rVert"),
}
_ROUND = {"sqrt": r"\sqrt{{{}}}", "ceil": r"\lceil {} \rceil", "floor": r"\lfloor {} \rfloor"}


def _translated(formula: str) -> list[tuple[str, str]]:
    """Parts in TeX, and the first token of each. Raises InputError where one is not closed."""
    try:
        return list(_parts(_TOKEN.findall(formula)))
    except (IndexError, ValueError):
        raise _unread(formula) from None


def _parts(tokens: list[str]) -> Iterator[tuple[str, str]]:
    """Parts in TeX, and the first token of each."""
    open_bars: list[str] = []
    k = 0
    while k < len(tokens):
        token, start = tokens[k], k
        k += 1
        following = tokens[k] if k < len(tokens) else ""
        if token in "_^":
            script, k = _script(tokens, k)
            part = f"{token}{{{script}}}"
        elif token in _BARS:
            closes = open_bars[-1:] == [token]
            part = _BARS[token][closes]
            if closes:
                open_bars.pop()
            else:
                open_bars.append(token)
        elif token in _ROUND and following == "(":
            inside, k = _bracketed(tokens, k)
            part = _ROUND[token].format(_joined(inside))
        elif token == "C" and following == "(":
            inside, k = _bracketed(tokens, k)
            comma = inside.index(",")
            part = rf"\binom{{{_joined(inside[:comma])}}}{{{_joined(inside[comma + 1 :])}}}"
        elif token == "R" and _are_reals(tokens, start):
            part = r"\mathbb{R}"
        else:
            part = _word(token)
        yield part, token


def _joined(tokens: list[str]) -> str:
    return " ".join(part for part, _ in _parts(tokens))


def _word(token: str) -> str:
    if token in _SYMBOLS:
        return _SYMBOLS[token]
    if "e" in token and token[0].isdigit():
        digits, _, exponent = token.partition("e")
        power = f"10^{{{int(exponent)}}}"
        return power if digits == "1" else rf"{digits} \cdot {power}"
    if len(token) > 1 and token.isalpha():
        return rf"\operatorname{{{token}}}"
    return token


def _are_reals(tokens: list[str], k: int) -> bool:
    """Whether this R is the reals, not a radius: `in R`, `times R`, or `R^d` with a letter."""
    before, after = tokens[max(k - 1, 0)], tokens[k + 1 : k + 3]
    return before in ("in", "times") or (after[:1] == ["^"] and after[1].islower())


def _script(tokens: list[str], k: int) -> tuple[str, int]:
    """What is below or above, and where it ends: a word, a number, or what is in brackets."""
    sign = ""
    if tokens[k] == "-":
        sign, k = "-", k + 1
    if tokens[k] in ("(", "{"):
        inside, k = _bracketed(tokens, k)
        return sign + _joined(inside), k
    token = tokens[k]
    indices = token.isalpha() and len(token) == 2 and token not in _SYMBOLS  # kj, XX
    return sign + (" ".join(token) if indices else _word(token)), k + 1


def _bracketed(tokens: list[str], k: int) -> tuple[list[str], int]:
    """What is between the bracket at k and its partner, and where that ends."""
    depth = 0
    for end in range(k, len(tokens)):
        depth += (tokens[end] in _OPENING) - (tokens[end] in _CLOSING)
        if depth == 0:
            return tokens[k + 1 : end], end + 1
    raise ValueError(f"{''.join(tokens[k:])!r} lacks a closing bracket")
