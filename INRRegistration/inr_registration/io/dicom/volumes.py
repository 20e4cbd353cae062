"""The volumes of a series: slices of one place and orientation are parted by time, echo, b-value and the like."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from inr_registration.io.dicom.frame import Frame
from inr_registration.io.dicom.split import Part, Same, split
from inr_registration.io.dicom.stack import runs, sort

SAME_TURN, SAME_STEP, SAME_PLACE = 1e-3, 1e-3, 1e-2
"""Slices belong together where their directions differ by less (cosines) and their pixel spacings (relative); they lie in one place
within this share of a pixel."""


def parts_of(frames: Sequence[Frame], same: Same) -> tuple[list[Part], int]:
    """Sort the placed slices of a series into volumes; single slices stay alone.

    Args:
        frames: The slices, each with its place.
        same: Compares pixels; asked only of slices in one place.

    Returns:
        The volumes in their order, and how many copies of slices were left out.

    Raises:
        InputError: Several slices lie in one place, and nothing tells them apart.
    """
    found, copies = [], 0
    for number, cluster in enumerate(_clusters(frames)):
        places = _places(cluster)
        kept = _without_copies(cluster, places, same)
        parts = split([frame for frame, _ in kept], np.array([place for _, place in kept]), same)
        copies += len(cluster) - sum(len(part.frames) for part in parts)
        for part in parts:
            pieces = runs(sort(part.frames))
            found += [Part(tuple(p), (*part.words, *(_stretch(p) if len(pieces) > 1 else ())), number) for p in pieces]
    return found, copies


def _stretch(frames: Sequence[Frame]) -> tuple[str]:
    """Between wide gaps: slices are missing, or these are volumes of their own."""
    return (f"from {frames[0].height:.1f} to {frames[-1].height:.1f} mm along their normal (a gap beside it)",)


def _clusters(frames: Iterable[Frame]) -> list[list[Frame]]:
    """Slices of one size, pixel spacing and orientation."""
    found: list[list[Frame]] = []
    for frame in frames:
        for cluster in found:
            if _alike(frame, cluster[0]):
                cluster.append(frame)
                break
        else:
            found.append([frame])
    return found


def _alike(one: Frame, other: Frame) -> bool:
    assert one.axes is not None
    assert other.axes is not None
    assert one.spacing is not None
    assert other.spacing is not None
    if one.size != other.size or one.colours != other.colours:
        return False
    return bool(np.abs(one.axes - other.axes).max() < SAME_TURN and np.allclose(one.spacing, other.spacing, rtol=SAME_STEP, atol=0))


def _places(frames: Sequence[Frame]) -> list[int]:
    """Number of the place of each slice, counted along the normal."""
    assert frames[0].spacing is not None
    near = SAME_PLACE * float(frames[0].spacing.min())
    order = np.argsort([frame.height for frame in frames], kind="stable")
    numbers, seen = [0] * len(frames), list[tuple[int, Frame]]()
    for n in order:
        frame, found = frames[n], None
        for number, other in reversed(seen):
            if frame.height - other.height > near:
                break
            if np.linalg.norm(np.subtract(np.asarray(frame.position), np.asarray(other.position))) <= near:
                found = number
                break
        if found is None:
            found = len(seen)
            seen.append((found, frame))
        numbers[n] = found
    return numbers


def _without_copies(frames: Sequence[Frame], places: Sequence[int], same: Same) -> list[tuple[Frame, int]]:
    """Leave out what is the same object with the same pixels in the same place: a file that was copied."""
    kept: dict[tuple[str, int, int], list[Frame]] = defaultdict(list)
    found = []
    for frame, place in zip(frames, places, strict=True):
        before = kept[frame.uid, frame.index, place]
        if not any(same(frame, other) for other in before):
            before.append(frame)
            found.append((frame, place))
    return found
