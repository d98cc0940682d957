"""Claims: statements of theory that `isthmus verify` predicts, observes and compares."""

from __future__ import annotations

from theory.claims.bad_regions import BadRegions
from theory.claims.base import (
    VALID,
    Bounds,
    Claim,
    Observation,
    Prediction,
    Result,
    Trainer,
    Training,
    proof,
    verify,
)
from theory.claims.convex_equals_nonconvex import ConvexEqualsNonconvex
from theory.claims.curves_above_barrier import CurvesAboveBarrier
from theory.claims.finite_width_sandwich import FiniteWidthSandwich
from theory.claims.gpt2_cross_transition import Gpt2CrossTransition
from theory.claims.gpt2_polychain_beats_linear import Gpt2PolychainBeatsLinear
from theory.claims.gpt2_second_barriers import Gpt2SecondBarriers
from theory.claims.gpt2_second_beyond import Gpt2SecondBeyond
from theory.claims.gpt2_second_cross import Gpt2SecondCross
from theory.claims.gpt2_second_ensembles import Gpt2SecondEnsembles
from theory.claims.gpt2_second_parts import Gpt2SecondParts
from theory.claims.gpt2_second_paths import Gpt2SecondPaths
from theory.claims.gpt2_second_polar import Gpt2SecondPolar
from theory.claims.gpt2_second_spectrum import Gpt2SecondSpectrum
from theory.claims.gpt2_spectrum_preserved import Gpt2SpectrumPreserved
from theory.claims.implicit_bias import ImplicitBias
from theory.claims.kink_limits import KinkLimits
from theory.claims.margin import Margin
from theory.claims.not_implied_by_prior_work import NotImpliedByPriorWork
from theory.claims.permutation_is_not_enough import PermutationIsNotEnough
from theory.claims.region_interaction import RegionInteraction
from theory.claims.same_optimizer_connectivity import SameOptimizerConnectivity
from theory.claims.small_width_separation import SmallWidthSeparation
from theory.claims.staircase import Staircase
from theory.claims.valleys_in_balls import ValleysInBalls
from theory.claims.where_training_ends import WhereTrainingEnds
from theory.claims.width_n_plus_1 import WidthNPlus1
from theory.claims.width_profile import WidthProfile
from theory.errors import InputError, unknown

__all__ = [
    "CLAIMS",
    "VALID",
    "BadRegions",
    "Bounds",
    "Claim",
    "ConvexEqualsNonconvex",
    "CurvesAboveBarrier",
    "FiniteWidthSandwich",
    "Gpt2CrossTransition",
    "Gpt2PolychainBeatsLinear",
    "Gpt2SecondBarriers",
    "Gpt2SecondBeyond",
    "Gpt2SecondCross",
    "Gpt2SecondEnsembles",
    "Gpt2SecondParts",
    "Gpt2SecondPaths",
    "Gpt2SecondPolar",
    "Gpt2SecondSpectrum",
    "Gpt2SpectrumPreserved",
    "ImplicitBias",
    "KinkLimits",
    "Margin",
    "NotImpliedByPriorWork",
    "Observation",
    "PermutationIsNotEnough",
    "Prediction",
    "RegionInteraction",
    "Result",
    "SameOptimizerConnectivity",
    "SmallWidthSeparation",
    "Staircase",
    "Trainer",
    "Training",
    "ValleysInBalls",
    "WhereTrainingEnds",
    "WidthNPlus1",
    "WidthProfile",
    "claim",
    "proof",
    "verify",
]

CLAIMS: dict[str, Claim] = {
    claim.id: claim
    for claim in (
        SmallWidthSeparation(),
        PermutationIsNotEnough(),
        WidthNPlus1(),
        ImplicitBias(),
        ConvexEqualsNonconvex(),
        FiniteWidthSandwich(),
        SameOptimizerConnectivity(),
        CurvesAboveBarrier(),
        WidthProfile(),
        NotImpliedByPriorWork(),
        Staircase(),
        RegionInteraction(),
        WhereTrainingEnds(),
        KinkLimits(),
        ValleysInBalls(),
        BadRegions(),
        Margin(),
        Gpt2PolychainBeatsLinear(),
        Gpt2SpectrumPreserved(),
        Gpt2CrossTransition(),
        Gpt2SecondBarriers(),
        Gpt2SecondSpectrum(),
        Gpt2SecondPolar(),
        Gpt2SecondPaths(),
        Gpt2SecondCross(),
        Gpt2SecondParts(),
        Gpt2SecondBeyond(),
        Gpt2SecondEnsembles(),
    )
}


def claim(name: str) -> Claim:
    """A claim by its id, of the gallery too."""
    from theory.claims.gallery import GALLERY  # only when one is asked for: many modules

    known = CLAIMS | GALLERY
    try:
        return known[name]
    except KeyError:
        raise InputError("claim", unknown(name, known)) from None
