"""`make bench`: instances decided exactly in a second, by `isthmus hunt separation`.

An instance: n = 4, d = 2, width 2, planted, entries up to 3, as drawn; nothing is passed over. It
is decided when its components of exact fits are known and, where there are several, which of them
AdamW and Muon reach first, all exactly or by proved bounds. Starting the processes is not counted:
the first hunt does that.
"""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from theory.hunt import Space, hunt, named
from theory.parallel import Jobs

SPACE = Space(n=(4, 4), d=(2, 2), width=(2, 2), entries=3)
INSTANCES = 2048


@pytest.mark.parametrize("jobs", [1, 2])
def test_separation(benchmark: BenchmarkFixture, jobs: int) -> None:
    def run() -> float:
        found = hunt(
            named("separation"), space=SPACE, instances=INSTANCES, finds=INSTANCES, jobs=Jobs(jobs)
        )
        assert found.tested == INSTANCES
        return found.rate

    run()
    rates = []
    benchmark.pedantic(lambda: rates.append(run()), rounds=3)
    benchmark.extra_info |= {"instances per second": round(max(rates))}
