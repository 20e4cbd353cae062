"""Coordinates along tubes: how far along the centreline, and how far off it in two directions.

``q = (w, u, v)``, all in mm, and ``rho(q) = c(w) + u U(w) + v V(w)`` with the frame (tangent, U, V) of the centreline. Its
volume element is ``g = 1 - k1 u - k2 v``. Van Harten et al., "Deformable image registration with geometry-informed implicit
neural representations", MIDL 2023; the frame, the volume element and the treatment of ends and crossings are our own.

Several centrelines share one coordinate w: they are laid end to end, with gaps as long as two extensions. Beyond its ends a
centreline goes straight on for one extension. A tube is all that is nearer to its centreline than the radius, so its ends are round.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from inr_registration.core.centreline import Centreline
from inr_registration.fields.geometry.curves import Curves
from inr_registration.numerics.jet import cofactors, determinant, inverse_times

Array = npt.NDArray[np.float64]

WALL = 0.8
"""Share of the radius up to which tube coordinates count in full; from there to the wall they fade out."""
CROSSING = 0.4
"""Where a second piece of the curve is farther away than the first by less than this share of the radius, they fade out too."""
EXTENSION = 2.0
"""How far a centreline goes on beyond its ends, in radii."""
NEWTON_STEPS = 3


@dataclass(frozen=True)
class Place:
    """Where points lie in the tubes; of n points, the m inside.

    Args:
        inside: (m,) which points these are.
        q: (3, m) tube coordinates, mm.
        weight: (m,) in [0, 1]: how much the tube's coordinates count there.
        slope: (3, m) its derivative by the point, per mm.
        ambiguous: (m,) whether a second piece of a curve is about as near.
    """

    inside: Tensor
    q: Tensor
    weight: Tensor
    slope: Tensor
    ambiguous: Tensor

    def every(self, stride: int) -> Place:
        """The places of every ``stride``-th of the n points."""
        kept = self.inside % stride == 0
        return Place(self.inside[kept] // stride, self.q[:, kept], self.weight[kept], self.slope[:, kept], self.ambiguous[kept])

    def like(self, other: Tensor) -> Place:
        """The same with its numbers on the device and of the type of another tensor."""
        device = other.device
        return Place(self.inside.to(device), self.q.to(other), self.weight.to(other), self.slope.to(other), self.ambiguous.to(device))


@dataclass(frozen=True, eq=False)
class Tubes:
    """The tubes around one or several centrelines.

    Args:
        centrelines: In world coordinates, LPS mm.
        radius: Of all of them, mm.
    """

    centrelines: tuple[Centreline, ...]
    radius: float

    @cached_property
    def curves(self) -> Curves:
        """The centrelines as one function of w."""
        return Curves(self.centrelines, EXTENSION * self.radius)

    @property
    def centre(self) -> Array:
        """What points are relative to, (3,) LPS mm."""
        return self.curves.centre

    @property
    def thickness(self) -> float:
        """Radius times the largest curvature; from 1 on, the coordinates overlap at a bend."""
        return self.radius * max(line.max_curvature for line in self.centrelines)

    def rho(self, q: Tensor) -> Tensor:
        """Points (3, n) at tube coordinates (3, n), mm from ``centre``."""
        ((c, u, v),) = self.curves.frames(q[0], 0)
        return c + q[1] * u + q[2] * v

    def rho_with_jacobian(self, q: Tensor) -> tuple[Tensor, Tensor]:
        """``rho`` and its derivative (3, 3, n), ``[i, d] = d rho_i / d q_d``."""
        (c, u, v), (dc, du, dv) = self.curves.frames(q[0], 0, 1)
        return c + q[1] * u + q[2] * v, torch.stack([dc + q[1] * du + q[2] * dv, u, v], dim=1)

    def volume_element(self, q: Tensor) -> Tensor:
        """Volume in the image per volume in tube coordinates, (n,): det of the derivative of ``rho``."""
        return determinant(self.rho_with_jacobian(q)[1])

    def locate(self, points: npt.ArrayLike) -> Place:
        """Where (n, 3) world points (LPS mm) lie in the tubes, in float64 on the CPU: ``rho(q)`` is the point again.

        Newton steps start from the nearest sample, so the nearest centreline wins.
        """
        world = np.asarray(points, dtype=np.float64)
        reach = self.radius + max(line.step for line in self.centrelines)
        distance, nearest = self._tree.query(world, distance_upper_bound=reach)
        near = np.flatnonzero(np.isfinite(distance))
        p, nearest = torch.as_tensor((world[near] - self.curves.centre).T.copy()), nearest[near]
        q = self._tau(p, nearest)
        away = p - self.curves.foot(q[0])
        kept = away.norm(dim=0) < self.radius
        p, q, away, nearest = p[:, kept], q[:, kept], away[:, kept], nearest[kept.numpy()]
        return Place(torch.as_tensor(near)[kept], q, *self._weights(p, q, away, nearest))

    def _tau(self, p: Tensor, nearest: npt.NDArray[np.intp]) -> Tensor:
        """Solve ``rho(q) = p`` by Newton steps from the nearest samples."""
        off = p.T.numpy() - (self.curves.samples[nearest] - self.curves.centre)
        across = np.einsum("nad,nd->an", self.curves.sample_across[nearest], off)
        q = torch.as_tensor(np.concatenate([self.curves.sample_w[nearest][None], across]))
        for _ in range(NEWTON_STEPS):
            at, slope = self.rho_with_jacobian(q)
            safe = torch.where(determinant(slope) > 0.02, slope, torch.eye(3, dtype=q.dtype)[:, :, None])
            q = q + inverse_times(safe, p - at)
        return q

    def _weights(self, p: Tensor, q: Tensor, away: Tensor, nearest: npt.NDArray[np.intp]) -> tuple[Tensor, Tensor, Tensor]:
        """Weight, its derivative, and whether a point is ambiguous."""
        distance = away.norm(dim=0)
        outward = self._outward(q, away / distance.clamp(min=1e-9))
        weight, slope = _fade((1 - distance / self.radius) / (1 - WALL))
        slope = -slope / ((1 - WALL) * self.radius) * outward
        ambiguous = torch.zeros(len(distance), dtype=torch.bool)
        rows, other = self._second_piece(p, nearest)
        if not len(rows):
            return weight, slope, ambiguous
        away_other = p[:, rows] - other
        far = away_other.norm(dim=0)
        width = CROSSING * self.radius
        clear, rise = _fade((far - distance[rows]) / width)
        apart = (away_other / far.clamp(min=1e-9) - outward[:, rows]) / width
        ambiguous[rows] = clear < 1
        slope[:, rows] = slope[:, rows] * clear + weight[rows] * rise * apart
        weight[rows] = weight[rows] * clear
        return weight, slope, ambiguous

    def _outward(self, q: Tensor, unit: Tensor) -> Tensor:
        """Derivative of the distance by the point: the unit vector away from the foot, as far as the foot stays where it is.

        Where a bend begins or ends, the spline of the frame is a little off the right angle, and the foot moves along.
        """
        slope = self.rho_with_jacobian(q)[1]
        by_point = cofactors(slope)[:, 0] / determinant(slope)
        along = (unit * self.curves.frames(q[0], 1)[0][0]).sum(dim=0)
        piece = self.curves.piece(q[0])
        moves = (q[0] > torch.as_tensor(self.curves.starts)[piece]) & (q[0] < torch.as_tensor(self.curves.ends)[piece])
        return unit - along * moves * by_point

    def _second_piece(self, p: Tensor, nearest: npt.NDArray[np.intp]) -> tuple[Tensor, Tensor]:
        """Which points have a second piece of curve in reach at all, and its point nearest to each, (3, rows)."""
        rivals = self._rivals
        rows = np.flatnonzero(np.isin(nearest, rivals))
        found, w = [], []
        for part in np.array_split(rows, max(len(rows) // 2048, 1)):
            gap = np.linalg.norm((p[:, part].T.numpy() + self.curves.centre)[:, None] - self.curves.samples[rivals], axis=2)
            local = np.abs(self.curves.sample_w[nearest[part]][:, None] - self.curves.sample_w[rivals]) < self._local
            gap = np.where(local, np.inf, gap)
            found.append(part[np.isfinite(gap.min(axis=1, initial=np.inf))])
            w.append(self.curves.sample_w[rivals][gap.argmin(axis=1)] if len(rivals) else np.zeros(0))
        chosen, at = torch.as_tensor(np.concatenate(found)), torch.as_tensor(np.concatenate(w))
        for _ in range(NEWTON_STEPS):
            c, dc, ddc = (frame[0] for frame in self.curves.frames(at, 0, 1, 2))
            off = p[:, chosen] - c
            at = at + (off * dc).sum(dim=0) / ((dc * dc).sum(dim=0) - (off * ddc).sum(dim=0)).clamp(min=0.2)
        return chosen, self.curves.foot(at)

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.curves.samples)

    @property
    def _local(self) -> float:
        """Two points nearer than this along a curve, half a turn of its tightest bend, cannot both be nearest to a point in the tube."""
        return np.pi * self.radius

    @cached_property
    def _rivals(self) -> npt.NDArray[np.intp]:
        """Samples that have another piece of curve so near that tubes overlap or nearly so."""
        pairs = self._tree.query_pairs((2 + CROSSING) * self.radius, output_type="ndarray")
        apart = np.abs(self.curves.sample_w[pairs[:, 0]] - self.curves.sample_w[pairs[:, 1]]) >= self._local
        return np.unique(pairs[apart])


def _fade(t: Tensor) -> tuple[Tensor, Tensor]:
    """Smooth step from 0 at t = 0 to 1 at t = 1, and its derivative."""
    s = t.clamp(0, 1)
    return s * s * (3 - 2 * s), 6 * s * (1 - s)
