"""Hunts for the smallest network that breaks a conjecture, shrunk, exact and certified.

>>> from theory.hunt import Space, hunt, minimal, named
>>> space = Space(n=(3, 3), d=(2, 2), width=(2, 2), entries=1)
>>> found = hunt(named("disconnected-at-width"), space=space, enumerate_all=True)
>>> result = minimal(found)
>>> result.problem.n, result.problem.width, result.facts["components"]
(3, 2, 2)
>>> from theory import check
>>> check(result.certificates["landscape"], result.problem).kind
'components'

`shipped.py` has the conjectures, `conjecture.py` says what one is, `instances.py` what is looked
through, `search.py` how, and `shrink.py` makes small what was found.
"""

from theory.hunt.conjecture import Conjecture, Facts, from_file, landscape_proof
from theory.hunt.instances import Drawn, Enumeration, Space, measure
from theory.hunt.search import Counterexample, Find, Hunt, hunt, minimal
from theory.hunt.shipped import CONJECTURES, named
from theory.hunt.shrink import shrink

__all__ = [
    "CONJECTURES",
    "Conjecture",
    "Counterexample",
    "Drawn",
    "Enumeration",
    "Facts",
    "Find",
    "Hunt",
    "Space",
    "from_file",
    "hunt",
    "landscape_proof",
    "measure",
    "minimal",
    "named",
    "shrink",
]
