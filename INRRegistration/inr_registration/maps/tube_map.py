"""The fitted map of a displacement in tube coordinates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from inr_registration.core.centreline import Centreline
from inr_registration.core.result import ModelState
from inr_registration.fields.geometry.tube import Tubes
from inr_registration.fields.network import Network
from inr_registration.fields.tube import TubeField
from inr_registration.maps.fitted_map import FittedMap, header
from inr_registration.maps.model import CHUNK, arrays_of, arrays_under, build_field, describe_field
from inr_registration.numerics import checked
from inr_registration.numerics.frame import Frame
from inr_registration.numerics.jet import Jet

Array = npt.NDArray[np.float64]

RADII_MM, STEPS_MM, MOST_SAMPLES = (0.5, 500.0), (1e-3, 100.0), 1_000_000
"""What a file may have: radii as settings allow them, steps along a centreline, and samples of it."""


@dataclass(frozen=True, eq=False)
class TubeMap(FittedMap):
    """``phi(p) = affine(p + u(p))`` with u along tubes, fixed world point to moving world point, LPS mm.

    Without a plain part, u is 0 outside the tubes. Outside the box in which it was fitted, the plain part is that of the
    nearest point of the box.

    Args:
        field: Holds u.
        affine: (4, 4), applied after the displacement.
        box: (2, 3) lowest and highest unit coordinates that the plain part was fitted for.
    """

    field: TubeField
    affine: Array
    box: Array

    def displacement(self, points: npt.ArrayLike) -> Array:
        return np.concatenate([jet.value.T.numpy() for jet in self._jets(points, 0)])

    def gradient(self, points: npt.ArrayLike) -> Array:
        return np.concatenate([jet.first.permute(2, 0, 1).numpy() for jet in self._jets(points, 1) if jet.first is not None])

    def state(self, **extra: Any) -> ModelState:
        field, tubes = self.field, self.field.tubes
        networks = {name: network for name, network in (("network", field.network), ("plain", field.plain)) if network is not None}
        metadata = {
            **header("tube"),
            "networks": {name: describe_field(network) for name, network in networks.items()},
            "centrelines": [{"points": line.points.tolist(), "step": line.step} for line in tubes.centrelines],
            "radius_mm": tubes.radius,
            "scale": list(field.scale),
            "frame": field.frame.to_json(),
            "affine": self.affine.tolist(),
            "box": self.box.tolist(),
            **extra,
        }
        return ModelState(metadata, arrays_of(dict(field.named_parameters())))

    @classmethod
    def restored(cls, state: ModelState) -> TubeMap:
        data = state.metadata
        described = checked.parts(data["networks"], ("network", "plain"), "the networks")
        checked.parts({key.partition(".")[0]: None for key in state.tensors}, tuple(described), "the tensors")
        network = build_field(described["network"], arrays_under("network", state.tensors))
        plain = build_field(described["plain"], arrays_under("plain", state.tensors)) if "plain" in described else None
        if not isinstance(network, Network) or not isinstance(plain, Network | None):
            raise ValueError("a map along tubes needs networks")
        along, across, other = checked.numbers(data["scale"], (3,), "the scale").tolist()
        if min(along, across, other) <= 0:
            raise ValueError(f"the scale must be positive, got {data['scale']}")
        tubes = Tubes(_lines(data["centrelines"]), checked.number(data["radius_mm"], *RADII_MM, "the radius"))
        field = TubeField(tubes, network, plain, Frame.from_json(data["frame"]), (along, across, other))
        return cls(field, checked.affine(data), checked.box(data))

    def on_cpu(self) -> TubeMap:
        return replace(self, field=self.field.cpu())

    def _jets(self, points: npt.ArrayLike, order: int) -> Iterator[Jet]:
        """Jets in mm, by chunks; all but the networks in float64."""
        world = np.asarray(points, dtype=np.float64).reshape(-1, 3)
        device = next(self.field.parameters()).device
        with torch.no_grad():
            for first in range(0, max(len(world), 1), CHUNK):
                chunk = world[first : first + CHUNK]
                xi = torch.as_tensor(np.clip(self.field.frame.to_unit(chunk), *self.box).T.copy()).to(device)
                jet = self.field.evaluate(xi, self.field.tubes.locate(chunk).like(xi), order)
                yield Jet(jet.value.cpu(), None if jet.first is None else jet.first.cpu())


def _lines(described: Any) -> tuple[Centreline, ...]:
    """The centrelines of a file, each at equal steps as it was written."""
    if not described:
        raise ValueError("no centreline")
    lines = []
    for line in described:
        points, step = checked.numbers(line["points"], (-1, 3), "a centreline"), checked.number(line["step"], *STEPS_MM, "a step")
        apart = np.linalg.norm(np.diff(points, axis=0), axis=1)
        if len(points) > MOST_SAMPLES or not ((0.5 * step < apart) & (apart < 2 * step)).all():
            raise ValueError(f"the {len(points)} points of a centreline are not {step} mm apart")
        lines.append(Centreline.along(points, step))
    return tuple(lines)
