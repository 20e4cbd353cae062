"""How large a file may be that is read as a whole: a larger one is a wrong file, or was made to fill the memory."""

from __future__ import annotations

from inr_registration.core.errors import InputError

POINTS_BYTES = 100_000_000
"""About a million points."""
MODEL_BYTES = 2_000_000_000
"""Control points at every second voxel of 1000 x 1000 x 1000."""
RUN_BYTES = 1_000_000
"""The description of a run in a scene, which has some hundreds."""


def check_size(size: int, most: int, what: str, remedy: str) -> None:
    """Look at a size before anything is read.

    Args:
        size: Bytes.
        most: Allowed bytes.
        what: What messages call it.
        remedy: What to give in its place.

    Raises:
        InputError: It is larger.
    """
    if size > most:
        raise InputError(f"{what}: {size / 1e6:,.0f} MB are more than the {most // 10**6} MB that are read; {remedy}")
