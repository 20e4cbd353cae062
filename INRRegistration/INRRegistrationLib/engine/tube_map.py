"""The fitted map of a displacement in tube coordinates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from INRRegistrationLib.core.centreline import Centreline
from INRRegistrationLib.core.result import ModelState
from INRRegistrationLib.engine.fields.jet import Jet
from INRRegistrationLib.engine.fields.tube import TubeField
from INRRegistrationLib.engine.fitted_map import FittedMap, header
from INRRegistrationLib.engine.frame import Frame
from INRRegistrationLib.engine.geometry.tube import Tubes
from INRRegistrationLib.engine.model import CHUNK, arrays_of, arrays_under, build_field, describe_field

Array = npt.NDArray[np.float64]


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
        if not data["centrelines"]:
            raise ValueError("no centreline")
        lines = tuple(Centreline.along(np.array(line["points"], float).reshape(-1, 3), line["step"]) for line in data["centrelines"])
        networks: dict[str, Any] = {"plain": None}
        for name, description in data["networks"].items():
            networks[name] = build_field(description, arrays_under(name, state.tensors))
        frame = Frame.from_json(data["frame"])
        along, across, other = (float(mm) for mm in data["scale"])
        tubes = Tubes(lines, float(data["radius_mm"]))
        field = TubeField(tubes, networks["network"], networks["plain"], frame, (along, across, other))
        return cls(field, np.array(data["affine"], float).reshape(4, 4), np.array(data["box"], float).reshape(2, 3))

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
