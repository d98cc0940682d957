"""How many random examples a property is tried on.

A test run tries few, always the same ones; `make fuzz` tries many, and fresh ones each time.
"""

from __future__ import annotations

from hypothesis import settings

# Exact arithmetic is slow on an unlucky example, and a shared machine slower still.
settings.register_profile("isthmus", deadline=None, derandomize=True, max_examples=20)
settings.register_profile("fuzz", deadline=None, max_examples=1000, print_blob=True)


def part(divisor: int) -> settings:
    """For a property whose examples take long: this part of the others' number."""
    whole = settings.default
    assert whole is not None
    return settings(max_examples=whole.max_examples // divisor)
