"""Where the map folds: voxels with det J <= 0, and how many regions they form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from INRRegistrationLib.core.volume import Volume

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Folding:
    """How much of a map folds.

    Args:
        voxels: How many voxels of the whole fixed grid have det J <= 0.
        regions: How many regions they form, where voxels that share a face belong together.
        worst: Index (i, j, k) of the smallest det J; None where nothing folds.
    """

    voxels: int
    regions: int
    worst: tuple[int, int, int] | None


def find_folding(jacobian: Volume) -> Folding:
    """Count the folding voxels of a det J volume on the fixed grid, and the regions that they form."""
    det = np.asarray(jacobian.values)
    folded = det <= 0
    voxels = int(folded.sum())
    if voxels == 0:
        return Folding(0, 0, None)
    k, j, i = np.unravel_index(int(np.argmin(np.where(folded, det, np.inf))), det.shape)
    return Folding(voxels, count_regions(folded), (int(i), int(j), int(k)))


def count_regions(folded: npt.NDArray[np.bool_]) -> int:
    """Number of face-connected regions of a (k, j, i) mask.

    Each voxel starts as its own region; neighbours hand each other the smaller number, and numbers are looked up until
    they name themselves (pointer jumping), so that long regions need few rounds.
    """
    cells = np.flatnonzero(folded)
    first, second = _neighbours(folded, cells)
    owner = np.arange(len(cells))
    while True:
        before = owner.copy()
        smaller = np.minimum(owner[first], owner[second])
        np.minimum.at(owner, owner[first], smaller)
        np.minimum.at(owner, owner[second], smaller)
        while not np.array_equal(owner, owner[owner]):
            owner = owner[owner]
        if np.array_equal(before, owner):
            return int((owner == np.arange(len(cells))).sum())


def _neighbours(folded: npt.NDArray[np.bool_], cells: Ints) -> tuple[Ints, Ints]:
    """Pairs of positions in ``cells`` (sorted flat indices) whose voxels share a face: two arrays (pairs,)."""
    firsts, seconds = [], []
    for axis, step in enumerate((folded.shape[1] * folded.shape[2], folded.shape[2], 1)):
        has_next = (cells // step) % folded.shape[axis] < folded.shape[axis] - 1
        at = np.minimum(np.searchsorted(cells, cells + step), len(cells) - 1)
        touching = has_next & (cells[at] == cells + step)
        firsts.append(np.flatnonzero(touching))
        seconds.append(at[touching])
    return np.concatenate(firsts), np.concatenate(seconds)
