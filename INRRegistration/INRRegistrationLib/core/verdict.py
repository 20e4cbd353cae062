"""The quality control of one registration: a colour with its reasons in words, and what it cannot see."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

BLIND_SPOTS = (
    "Both directions can agree on a wrong answer: in tissue without texture, under masks that are wrong in the same way, or in a "
    "pattern that was matched one period off, such as the next rib (a symmetric match). Look at the warped image, the local "
    "similarity and the Jacobian too."
)
"""What a verdict cannot see; shown wherever a verdict is."""


class Level(Enum):
    """How a registration was judged."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True)
class Verdict:
    """A judgement by calibrated thresholds.

    Args:
        level: The worst of the single indicators.
        reasons: One sentence for each indicator that is not green, with the value and its threshold; for green, what was looked at.
        blind_spots: What no indicator can see.
    """

    level: Level
    reasons: tuple[str, ...]
    blind_spots: str = BLIND_SPOTS
