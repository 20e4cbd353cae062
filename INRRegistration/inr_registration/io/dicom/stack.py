"""Slices as a stack: where they lie, whether evenly, and how uneven ones come to an even grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from inr_registration.core.errors import InputError
from inr_registration.core.grid import Grid
from inr_registration.io.dicom.frame import Floats, Frame

UNEVEN = 0.05
"""Slices are uneven where a slice lies further from its place than this share of the mean slice distance."""
WIDEST = 3.05
"""Slices further apart than this many usual distances do not belong to one volume: nothing is known of what lies between."""
STEEPEST = 0.5
"""Cosine between the way from slice to slice and the slices' normal: gantries tilt by 30 degrees."""
LOOSE = 0.25
"""Where all slice distances differ by less than this share from their mean, none is missing: positions may be rounded."""
MOST_ADDED = 3
"""An even grid has at most this many slices for each that was given."""


@dataclass(frozen=True, eq=False)
class Stack:
    """Slices along a line, first to last along their normal.

    Args:
        frames: In that order.
        grid: Even grid of the volume, sheared where the gantry was tilted.
        at: Where each slice lies, in slices of the grid, (n,); whole numbers in order where the slices are even.
        note: What the user should know; empty where there is nothing.
    """

    frames: tuple[Frame, ...]
    grid: Grid
    at: Floats
    note: str = ""

    @property
    def even(self) -> bool:
        """Whether the slices are those of the grid."""
        return self.grid.size[2] == len(self.frames) and bool((self.at == np.arange(len(self.frames))).all())


def sort(frames: Sequence[Frame]) -> list[Frame]:
    """First to last along the normal."""
    return sorted(frames, key=lambda frame: frame.height)


def runs(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Part sorted slices where a gap is too wide for one volume."""
    heights = np.array([frame.height for frame in frames])
    if len(heights) < 3:
        return [list(frames)]
    gaps = np.diff(heights)
    ends = [0, *(np.flatnonzero(gaps > WIDEST * np.median(gaps)) + 1), len(heights)]
    return [list(frames[first:last]) for first, last in pairwise(ends)]


def is_even(frames: Sequence[Frame]) -> bool:
    """Whether sorted slices lie at one distance from each other."""
    return len(frames) < 3 or _off(_places(frames)) <= UNEVEN


def stack_of(frames: Sequence[Frame]) -> Stack:
    """A stack of sorted slices of one size and orientation, each in another place.

    Raises:
        InputError: They do not lie one behind the other.
    """
    first, places = frames[0], _places(frames)
    assert first.axes is not None
    assert first.spacing is not None
    line = places[-1] - places[0]
    step = line / (len(frames) - 1)
    if line @ first.normal < STEEPEST * np.linalg.norm(line):
        raise InputError("its slices lie beside each other, not one behind the other; give a series of parallel slices in one stack")
    if _off(places) <= UNEVEN:
        at, note = np.arange(len(frames), dtype=np.float64), ""
    else:
        at, step, note = _even_steps(frames, places)
    affine = np.eye(4)
    affine[:3, :2] = first.axes.T * first.spacing
    affine[:3, 2], affine[:3, 3] = step, places[0]
    return Stack(tuple(frames), Grid((*first.size, round(at[-1]) + 1), affine), at, note)


def _places(frames: Sequence[Frame]) -> Floats:
    return np.array([frame.position for frame in frames], dtype=np.float64)


def _off(places: Floats) -> float:
    """Largest distance of a slice from its place on an even line, in mean slice distances."""
    step = (places[-1] - places[0]) / (len(places) - 1)
    off = np.linalg.norm(places - places[0] - np.arange(len(places))[:, None] * step, axis=1).max()
    return float(off / np.linalg.norm(step))


def _even_steps(frames: Sequence[Frame], places: Floats) -> tuple[Floats, Floats, str]:
    """Where uneven slices lie on an even grid, its step, and what to say."""
    line = places[-1] - places[0]
    along = np.array([frame.height - frames[0].height for frame in frames]) / (line @ frames[0].normal)
    aside = float(np.linalg.norm(places - places[0] - along[:, None] * line, axis=1).max())
    assert frames[0].spacing is not None
    if aside > frames[0].spacing.max() / 2:
        raise InputError(f"its slices are shifted against each other by up to {aside:.2f} mm, so they are no stack; give one stack")
    gaps = np.diff(along)
    count = _intervals(gaps)
    at = along * count
    at = np.where(np.abs(at - np.rint(at)) <= UNEVEN, np.rint(at), at)
    length = np.linalg.norm(line)
    missing = "; slices may be missing" if count > len(gaps) else ""
    note = (
        f"slices are not evenly spaced ({gaps.min() * length:.2f} to {gaps.max() * length:.2f} mm apart{missing}); "
        f"{len(frames)} slices were resampled to {count + 1} slices {length / count:.2f} mm apart, linearly between neighbours"
    )
    return at, line / count, note


def _intervals(gaps: Floats) -> int:
    """How many equal distances make the whole line, for distances of slices as shares of it."""
    own = gaps * len(gaps)
    if own.min() > 1 - LOOSE and own.max() < 1 + LOOSE:
        return len(gaps)
    finest = round(1 / gaps.min())
    return finest if finest < MOST_ADDED * (len(gaps) + 1) else round(1 / np.median(gaps))


def resample(values: npt.NDArray[np.generic], at: Floats, count: int, nearest: bool) -> npt.NDArray[np.generic]:
    """Bring slices (n, j, i) that lie at ``at`` to ``count`` even slices (k, j, i) of the same type.

    Args:
        values: The slices.
        at: Where they lie, in slices of the result, (n,), growing.
        count: Slices of the result.
        nearest: Take the nearest slice, as labels need it; else interpolate linearly, and round where values are whole.
    """
    wanted = np.arange(count, dtype=np.float64)
    below = np.clip(np.searchsorted(at, wanted, side="right") - 1, 0, len(at) - 2)
    weight = np.clip((wanted - at[below]) / (at[below + 1] - at[below]), 0, 1)
    if nearest:
        return values[below + (weight > 0.5)]
    made = np.empty((count, *values.shape[1:]), values.dtype)
    for n, (k, w) in enumerate(zip(below, weight, strict=True)):
        mixed = values[k] if w == 0 else values[k + 1] if w == 1 else (1 - w) * values[k].astype(float) + w * values[k + 1].astype(float)
        made[n] = mixed if values.dtype.kind == "f" else np.rint(mixed)
    return made
