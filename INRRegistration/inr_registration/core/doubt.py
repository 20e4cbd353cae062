"""A place at which chance explains the fixed image as well as the map does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Doubt:
    """One connected region of the fixed image in which nothing speaks for the map.

    Args:
        place_lps: The point with the least support, LPS mm.
        centre_lps: Mean position, LPS mm; may lie outside a bent region.
        volume_mm3: In the fixed image.
        voxels: Of the coarse level on which it was found.
        bounds_mm: Size of the box around it along the voxel axes i, j, k, mm.
        lead: By how much more the map explains there than chance does (mean squared local correlation); may be below 0.
    """

    place_lps: Point
    centre_lps: Point
    volume_mm3: float
    voxels: int
    bounds_mm: Point
    lead: float


def doubt_note(doubts: Sequence[Doubt], share_percent: float) -> str:
    """What to say of them in one sentence; empty where there are none."""
    if not doubts:
        return ""
    first = "; ".join(f"{place_in_words(doubt.place_lps)} ({doubt.volume_mm3 / 1000:.3g} ml)" for doubt in doubts[:3])
    more = f" and {len(doubts) - 3} smaller ones" if len(doubts) > 3 else ""
    return f"in {share_percent:.0f} % of the tissue chance explains the image as well as the map does: look at {first}{more}"


def place_in_words(lps: Point) -> str:
    """A world point in the patient's directions, mm: ``L 12, A 30, S 5``."""
    letters = (("L", "R"), ("P", "A"), ("S", "I"))
    return ", ".join(f"{names[0] if value >= 0 else names[1]} {abs(value):.0f}" for names, value in zip(letters, lps, strict=True))
