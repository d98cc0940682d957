"""Where training ends on all data sets of the claim: the table of
proofs_notes/where-training-ends.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from numerics.training.trainer import trainer
from theory.claims import WhereTrainingEnds, verify
from theory.claims.where_training_ends import ALL, every


def rows() -> Iterator[str]:
    """One line of the table for each data set, as soon as all of its runs have their names; an
    optimizer's runs are counted in the order of `ALL`, without zeros at the end."""
    for name, data in every().items():
        result = verify(replace(WhereTrainingEnds(), data={name: data}), trainer)
        cells = [name]
        for ended in result.observation.evidence.values():
            counts = [(kind[0], ended.counts[kind]) for kind in ALL if ended.counts[kind]]
            cells.append(" ".join(f"{letter}{count}" for letter, count in counts))
        cells.append("holds" if result.holds else "is FALSE")
        yield f"| {' | '.join(cells)} |"
