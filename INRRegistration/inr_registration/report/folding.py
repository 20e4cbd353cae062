"""Where the map folds: voxels with det J <= 0, and how many regions they form."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inr_registration.core.volume import Volume

Ints = npt.NDArray[np.int64]
STEPS = [step for step in itertools.product((-1, 0, 1), repeat=3) if step > (0, 0, 0)]
"""To the half of a voxel's 26 neighbours that come after it; the other half have it among theirs."""


@dataclass(frozen=True)
class Folding:
    """How much of a map folds.

    Args:
        voxels: How many voxels of the whole fixed grid have det J <= 0.
        regions: How many regions they form, where voxels that share a face, an edge or a corner belong
            together, as in the Slicer module: a fold is a thin sheet, mostly oblique to the voxel axes.
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
    """Number of regions of a (k, j, i) mask, each voxel connected with its 26 neighbours.

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
    """Pairs of positions in ``cells`` (sorted flat indices) whose voxels share a face, an edge or a corner: two arrays (pairs,)."""
    places = np.stack(np.unravel_index(cells, folded.shape))
    firsts, seconds = [], []
    for step in STEPS:
        target = places + np.array(step)[:, None]
        inside = np.flatnonzero(((target >= 0) & (target < np.array(folded.shape)[:, None])).all(axis=0))
        wanted = np.ravel_multi_index(tuple(target[:, inside]), folded.shape)
        at = np.minimum(np.searchsorted(cells, wanted), len(cells) - 1)
        touching = cells[at] == wanted
        firsts.append(inside[touching])
        seconds.append(at[touching])
    return np.concatenate(firsts), np.concatenate(seconds)
