"""The quality control of one registration: a colour with its reasons in words, and what it cannot see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

BLIND_SPOTS = (
    "A map can explain an image and be wrong in places: in tissue without texture, where two organs slide along each other, or in a "
    "pattern that was matched one period off, such as the next rib (a symmetric match). Left and right of two people's brains cannot be "
    "told apart, nor can the halves of anything else that is symmetric. Look at the warped image and at the Jacobian too."
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
        measured: The numbers that were judged, by name, JSON-ready.
    """

    level: Level
    reasons: tuple[str, ...]
    blind_spots: str = BLIND_SPOTS
    measured: Mapping[str, Any] = field(default_factory=dict)
