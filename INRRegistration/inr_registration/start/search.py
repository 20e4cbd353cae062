"""Where to start from when the headers do not say how the images lie to each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Array = npt.NDArray[np.float64]

SHIFTS = (-0.4, -0.2, 0.0, 0.2, 0.4)
"""Shares of the sides of the fixed image by which the start is shifted along each of its axes."""
SHORTLIST = 8
"""So many of all that were looked at are followed downhill."""
APART_DEGREES, APART_SHARE = 15.0, 0.1
"""Two starts closer than this in turn, and in shift as a share of the longest side, count as one on the shortlist."""


def half_turns(centre: Array, target: Array) -> Iterator[tuple[str, Array]]:
    """Half a turn about each axis of the world, with one centre (3,) upon the other, and what to call it."""
    for axis, letter in enumerate("LPS"):
        matrix = np.diag([1.0 if n in (axis, 3) else -1.0 for n in range(4)])
        matrix[:3, 3] = target - matrix[:3, :3] @ centre
        yield f"centres of mass and turned by half a turn about the axis {letter}: check the orientation in both headers", matrix


@cache
def orientations() -> Array:
    """Rotations (n, 3, 3) that leave none further than 40 degrees or so from one of them, with all quarter turns of the axes."""
    from scipy.spatial.transform import Rotation  # loading it takes a while, and most pairs do without

    found = np.concatenate([Rotation.create_group(name).as_matrix() for name in ("O", "I")])
    kept: list[Array] = []
    for matrix in found:
        if all(np.trace(matrix.T @ other) < 2.999 for other in kept):
            kept.append(matrix)
    return np.stack(kept)


def shortlist(
    loss: Callable[[Tensor], Tensor], start: Array | None, pivots: list[tuple[Array, Array]], sides: Array, like: Tensor, below: float
) -> list[Array]:
    """The most promising of many turned and of many shifted starts, different ones only, the best first.

    Args:
        loss: Of the coarsest level, by the (4, 4) map.
        start: (4, 4) the headers, to be shifted; None where they are not.
        pivots: (3,) points of the fixed world, and where in the moving world each is laid by a turned start, (3,).
        sides: (3, 3) sides of the fixed image as columns, mm.
        like: A tensor on the device of the loss, in double precision.
        below: Starts must have a loss below this.
    """
    tried = [*_turned(pivots), *([] if start is None else _shifted(start, sides))]
    with torch.no_grad():
        values = [float(loss(torch.as_tensor(matrix).to(like))) for matrix in tried]
    longest, centre = float(np.linalg.norm(sides, axis=0).max()), pivots[0][0]
    chosen: list[Array] = []
    for n in np.argsort(values, kind="stable"):
        if values[n] < below and all(_apart(tried[n], other, centre, longest) for other in chosen):
            chosen.append(tried[n])
        if len(chosen) == SHORTLIST:
            break
    return chosen


def _turned(pivots: list[tuple[Array, Array]]) -> Iterator[Array]:
    for centre, target in pivots:
        for turn in orientations():
            matrix = np.eye(4)
            matrix[:3, :3], matrix[:3, 3] = turn, target - turn @ centre
            yield matrix


def _shifted(start: Array, sides: Array) -> Iterator[Array]:
    for shares in np.stack(np.meshgrid(SHIFTS, SHIFTS, SHIFTS), axis=-1).reshape(-1, 3):
        matrix = start.copy()
        matrix[:3, 3] += start[:3, :3] @ sides @ shares
        yield matrix


def _apart(one: Array, other: Array, centre: Array, longest: float) -> bool:
    shift = (one - other)[:3, :3] @ centre + (one - other)[:3, 3]
    return turned_by(one, other) > APART_DEGREES or float(np.linalg.norm(shift)) > APART_SHARE * longest


def turned_by(matrix: Array, other: Array) -> float:
    """Angle in degrees of the rotation between two (4, 4) maps, their stretches left out."""
    first, last = (u @ vt for u, _, vt in (np.linalg.svd(m[:3, :3]) for m in (other, matrix)))
    return float(np.rad2deg(np.arccos(np.clip((np.trace(first.T @ last) - 1) / 2, -1, 1))))
