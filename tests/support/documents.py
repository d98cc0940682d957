"""Certificates of landscapes made by hand, and changes to any, for tests that change them."""

from __future__ import annotations

import copy
from typing import Any

REMOVE = object()


def tampered(document: Any, at: tuple[Any, ...], value: Any) -> Any:
    """Another value, or REMOVE, in one place, at the end of a list too; copied on the way only."""
    last, *way = at
    document = copy.copy(document)
    if way:
        document[last] = tampered(document[last], tuple(way), value)
    elif value is REMOVE:
        del document[last]
    elif isinstance(document, list) and last == len(document):
        document.append(value)
    else:
        document[last] = value
    return document


# By hand: one neuron with f(u) = s (max(u, 0), max(-u, 0)) and y = (2, 1). The best fits with s = +
# are (2, 0) and (0, 1), of losses 1/2 and 2; between them lies f = 0, of loss 5/2.


def network(w: str, a: str = "1") -> dict[str, Any]:
    return {"W": [[w]], "a": [a]}


DIRECT = [network("2"), network("0"), network("-1")]
CUT: dict[str, Any] = {"value": "5/2", "cells": [[0]], "faces": [[0, 0, 0, 0], [0, 0, "sign", 0]]}
COMMON: dict[str, Any] = {
    "within": None,
    "format": "isthmus-certificate",
    "version": 1,
    "problem": {"X": [["1"], ["-1"]], "y": ["2", "1"]},
    "width": 1,
    "labelled": False,
    "states": [["+", "+-"], ["+", "-+"]],
    "duals": [["2", "1"], ["0", "1"], ["2", "0"]],  # bounds 5/2, 1/2, 2
}
COMPONENTS: dict[str, Any] = {
    **COMMON,
    "kind": "components",
    "level": "2",
    "minimum": "1/2",
    "minimum_network": network("4", "1/2"),
    "minimum_cover": [1, 2],
    "components": [
        {
            "minimum": "1/2",
            "representative": network("2"),
            "cells": [[0]],
            "links": [],
            "floor": [],
        },
        {
            "minimum": "2",
            "representative": network("-1/3", "3"),
            "cells": [[1]],
            "links": [],
            "floor": [2],
        },
    ],
    "walls": [[0, 0, 0, 0, 0]],
    "cover": [0],
    "barriers": [["1/2", "5/2"], ["5/2", "2"]],
    "cuts": [CUT],
    "paths": [{"from": 0, "to": 1, "breakpoints": DIRECT}],
}
BARRIER: dict[str, Any] = {
    **COMMON,
    "kind": "barrier",
    "value": "5/2",
    "networks": [network("1", "2"), network("-1")],
    "path": DIRECT,
    "cut": CUT,
}
