"""One map from two that should undo each other: their mean, and how far they are apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from inr_registration.core.result import ModelState
from inr_registration.maps.fitted_map import FittedMap, header, load
from inr_registration.maps.model import Model, arrays_under
from inr_registration.maps.newton import newton
from inr_registration.numerics import checked

Array = npt.NDArray[np.float64]
Inverse = Literal["newton", "taylor1", "taylor2"]

STEPS = 8
"""Most Newton steps, halved ones among them; two or three suffice wherever both maps roughly agree."""
CLOSE_ENOUGH = 0.005
"""A point is inverted once the backward map brings it back this close, in voxels."""
UNRESOLVED = 0.5
"""A point farther than this from where it should come back to, in voxels, has no inverse worth the name."""
STEEPEST = 0.05
"""Below this determinant the backward map folds, or nearly so, and its inverse has no derivative to speak of."""
CHUNK = 65536


@dataclass(frozen=True, eq=False)
class Consensus(FittedMap):
    """``phi(x) = (phi_F(x) + phi_B^-1(x)) / 2``: the mean of the forward map and of the inverse of the backward map.

    Van Harten, Stoker, Isgum, IEEE TMI 43(2), 2024. The inverse is found from ``y0 = phi_F(x)`` by Newton steps with
    backtracking; the Taylor forms of the paper are there for comparison (the second order is the exact one).

    Args:
        forward: Fixed world point to moving world point.
        backward: Moving world point to fixed world point.
        voxel_mm: Of the finest level, for what counts as close.
        form: How the backward map is inverted.
    """

    most_sites = 200_000  # each takes an inversion, and ten times as many gained nothing

    forward: Model
    backward: Model
    voxel_mm: float
    form: Inverse = "newton"

    @property
    def unit_mm(self) -> float:
        return min(1.0, self.voxel_mm)

    @property
    def affine(self) -> Array:  # type: ignore[override]
        """(4, 4) that both maps share, fixed world to moving world."""
        return self.forward.affine

    def displacement(self, points: npt.ArrayLike) -> Array:
        """u(p) in mm at (n, 3) world points, (n, 3): the deformable part, before the affine."""
        return self._in_chunks(points, self._displacement)

    def gradient(self, points: npt.ArrayLike) -> Array:
        """du/dp at (n, 3) world points, (n, 3, 3) without unit: ``(J_F(x) + J_B(y)^-1) / 2`` with ``phi_B(y) = x``.

        Where the backward map folds, the derivative of the forward map alone.
        """
        return self._in_chunks(points, self._gradient)

    def through_backward(self, points: npt.ArrayLike) -> Array:
        """``phi_B^-1`` at (n, 3) fixed world points: (n, 3) moving world points."""
        return self._in_chunks(points, lambda x: invert(self.backward, x, self.forward.map(x), self.form, CLOSE_ENOUGH * self.voxel_mm))

    def discrepancy(self, points: npt.ArrayLike) -> Array:
        """How far both maps are apart at (n, 3) fixed world points: ``U = |phi_F(x) - phi_B^-1(x)|`` in mm, (n,).

        Where no inverse was found, at least the distance by which it was missed.
        """
        return self._in_chunks(points, self._discrepancy)

    def reversed(self) -> Consensus:
        """The consensus in the other direction, moving world point to fixed world point."""
        return replace(self, forward=self.backward, backward=self.forward)

    def state(self, **extra: Any) -> ModelState:
        """Plain arrays and metadata from which ``load`` builds an equal map."""
        parts = {"forward": self.forward.state(), "backward": self.backward.state()}
        own = {"voxel_mm": self.voxel_mm, "inverse": self.form, **{name: part.metadata for name, part in parts.items()}}
        tensors = {f"{name}.{key}": tensor for name, part in parts.items() for key, tensor in part.tensors.items()}
        return ModelState({**header("consensus"), **own, **extra}, tensors)

    @classmethod
    def restored(cls, state: ModelState) -> Consensus:
        data = state.metadata
        parts = []
        checked.parts({key.partition(".")[0]: None for key in state.tensors}, ("forward", "backward"), "the tensors")
        for name in ("forward", "backward"):
            description = data[name]
            if not isinstance(description, dict) or description.get("kind", "field") != "field":
                raise ValueError(f"the {name} map is not of kind 'field'")
            part = load(ModelState(description, arrays_under(name, state.tensors)))
            if not isinstance(part, Model):
                raise ValueError(f"the {name} map is of kind {data[name].get('kind')!r}")
            parts.append(part)
        if data["inverse"] not in ("newton", "taylor1", "taylor2"):
            raise ValueError(f"unknown way to invert {data['inverse']!r}")
        return cls(parts[0], parts[1], checked.number(data["voxel_mm"], 1e-6, 1e6, "the voxel size"), data["inverse"])

    def on_cpu(self) -> Consensus:
        return replace(self, forward=self.forward.on_cpu(), backward=self.backward.on_cpu())

    def _displacement(self, x: Array) -> Array:
        y = self.forward.map(x)
        middle = (y + invert(self.backward, x, y, self.form, CLOSE_ENOUGH * self.voxel_mm)) / 2
        return np.asarray((middle - self.affine[:3, 3]) @ np.linalg.inv(self.affine[:3, :3]).T - x)

    def _gradient(self, x: Array) -> Array:
        forward, backward = self.forward.jacobian(x), self.backward.jacobian(self.through_backward(x))
        sound = np.linalg.det(backward) * np.linalg.det(self.affine[:3, :3]) > STEEPEST
        other = forward.copy()
        other[sound] = np.linalg.inv(backward[sound])
        return np.asarray(np.linalg.inv(self.affine[:3, :3]) @ (forward + other) / 2 - np.eye(3))

    def _discrepancy(self, x: Array) -> Array:
        y = self.through_backward(x)
        apart = np.linalg.norm(self.forward.map(x) - y, axis=1)
        missed = np.linalg.norm(self.backward.map(y) - x, axis=1)
        return np.asarray(np.where(missed > UNRESOLVED * self.voxel_mm, np.maximum(apart, missed), apart))

    def _in_chunks(self, points: npt.ArrayLike, work: Callable[[Array], Array]) -> Array:
        """Work on few points at a time, so that memory stays small."""
        return np.concatenate([work(chunk) for chunk in _chunks(np.asarray(points, dtype=np.float64).reshape(-1, 3))])


def invert(backward: Model, x: Array, y0: Array, form: Inverse, tolerance_mm: float) -> Array:
    """The points (n, 3) that the backward map takes to x (n, 3), from a guess y0 (n, 3).

    With ``d = x - phi_B(y0)``, J and H the derivatives of phi_B at y0 and ``w = J^-1 d``: ``taylor1`` is ``y0 + w``, which
    is one Newton step; ``taylor2`` is ``y0 + w - J^-1 H[w, w] / 2``, the exact second order (published with the inverse
    of the Hessian, which is not the Hessian of the inverse).
    """
    if form == "newton":
        return newton(backward.map, backward.jacobian, x, y0, STEPS, tolerance_mm)
    jacobian = backward.jacobian(y0)
    flat = np.abs(np.linalg.det(jacobian)) < STEEPEST
    jacobian[flat] = backward.affine[:3, :3]
    w = np.linalg.solve(jacobian, (x - backward.map(y0))[:, :, None])[:, :, 0]
    if form == "taylor1":
        return np.asarray(y0 + w)
    second = backward.affine[:3, :3] @ np.einsum("nide,nd,ne->ni", backward.hessian(y0), w, w)[:, :, None]
    return np.asarray(y0 + w - np.linalg.solve(jacobian, second)[:, :, 0] / 2)


def _chunks(points: Array) -> Iterator[Array]:
    for first in range(0, max(len(points), 1), CHUNK):
        yield points[first : first + CHUNK]
