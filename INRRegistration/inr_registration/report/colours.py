"""Colour tables, and which entry a value takes. Every table is (256, 3) uint8."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Values = npt.NDArray[np.floating]

FOLDING = (255, 0, 255)
"""Magenta: det J <= 0."""

DET_RANGE = (0.5, 2.0)
"""det J at the two ends of its colour table; the scale between them is logarithmic."""

_BLUE_WHITE_RED = [(0, (20, 62, 130)), (0.25, (88, 148, 208)), (0.5, (255, 255, 255)), (0.75, (232, 122, 92)), (1, (150, 16, 30))]
_FOLD_INDEX = 255
_ONE_INDEX = 127


def _ramp(stops: Sequence[tuple[float, tuple[int, int, int]]], entries: int) -> Bytes:
    places, colours = [place for place, _ in stops], np.array([colour for _, colour in stops], dtype=np.float64)
    at = np.linspace(0, 1, entries)
    return np.stack([np.interp(at, places, colours[:, channel]) for channel in range(3)], axis=1).round().astype(np.uint8)


def _det_table() -> Bytes:
    """Blue below 1, white at entry 127, red above; entry 255 is the folding colour."""
    return np.concatenate([_ramp(_BLUE_WHITE_RED, 255), np.array([FOLDING], dtype=np.uint8)])


GREY = _ramp([(0, (0, 0, 0)), (1, (255, 255, 255))], 256)
DETERMINANT = _det_table()
DIFFERENCE = _ramp([(0, (0, 0, 0)), (0.25, (52, 20, 84)), (0.5, (158, 42, 74)), (0.75, (238, 128, 40)), (1, (255, 246, 190))], 256)
DIVERGING = _ramp(_BLUE_WHITE_RED, 256)
UNCERTAINTY = _ramp([(0, (10, 20, 30)), (0.5, (30, 130, 130)), (1, (250, 240, 150))], 256)


def scaled(values: Values, low: float, high: float) -> Bytes:
    """Entry 0 at ``low`` and below, 255 at ``high`` and above, linear in between; what is not finite takes 0."""
    span = max(high - low, 1e-12)
    share = np.nan_to_num((values.astype(np.float64) - low) / span, nan=0.0, posinf=1.0, neginf=0.0)
    return (np.clip(share, 0, 1) * 255).round().astype(np.uint8)


def determinant_entries(det: Values, folded: npt.NDArray[np.bool_]) -> Bytes:
    """Entries of ``DETERMINANT`` for det J.

    Args:
        det: det J of each pixel, without unit.
        folded: Pixels to show as folding, whatever their det.
    """
    steps = np.log2(np.clip(np.nan_to_num(det.astype(np.float64), nan=1.0), *DET_RANGE)) / np.log2(DET_RANGE[1])
    entries = np.round(_ONE_INDEX * (1 + steps)).astype(np.uint8)
    return np.where(folded, np.uint8(_FOLD_INDEX), entries)


def over_grey(table: Bytes) -> Bytes:
    """A table whose first half is grey, dimmed, and whose second half is ``table`` with every other entry left out."""
    return np.concatenate([GREY[::2] // 2, table[::2]])


def over_grey_entries(grey: Bytes, values: Bytes, known: npt.NDArray[np.bool_]) -> Bytes:
    """Entries of ``over_grey``: colours where something is known, else the grey image."""
    return np.where(known, 128 + values // 2, grey // 2).astype(np.uint8)


def css(colour: npt.ArrayLike) -> str:
    """A colour (3,) as style sheets write it."""
    red, green, blue = (int(value) for value in np.asarray(colour))
    return f"#{red:02x}{green:02x}{blue:02x}"


def gradient(table: Bytes, entries: int = 255) -> str:
    """The first ``entries`` of a table as a CSS gradient from left to right."""
    stops = ", ".join(css(table[n]) for n in np.linspace(0, entries - 1, 17).round().astype(int))
    return f"linear-gradient(to right, {stops})"
