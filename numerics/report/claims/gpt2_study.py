"""What the study shows; its own page has more."""

from __future__ import annotations

from numerics.gpt2.report import claim_pictures
from numerics.report.sheets import Sheet
from theory.claims import Result
from theory.claims.gpt2_study import StudyClaim


def sheets(result: Result[None, None]) -> list[Sheet]:
    """What the study shows; its own page has more."""
    assert isinstance(result.claim, StudyClaim)
    return [Sheet("", claim_pictures(result.claim), columns=2, most=4)]
