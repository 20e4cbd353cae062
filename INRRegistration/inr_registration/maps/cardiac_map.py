"""A map fitted around the long axis of the left ventricle: evaluated at any world point, saved to and loaded from plain arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from inr_registration.core.result import ModelState
from inr_registration.fields.cardiac import PORTS, CardiacField
from inr_registration.fields.network import Network
from inr_registration.maps.fitted_map import FittedMap, header
from inr_registration.maps.model import CHUNK, arrays_of, arrays_under, build_field, describe_field
from inr_registration.numerics import checked
from inr_registration.numerics.frame import Frame
from inr_registration.numerics.jet import Jet
from inr_registration.terms.regularity import in_millimetres

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CardiacMap(FittedMap):
    """``phi(p) = affine(p + u(p))`` with u around a long axis, fixed world point to moving world point, LPS mm.

    Outside the box in which it was fitted, the displacement is that of the nearest point of the box.

    Args:
        field: Holds u in the unit coordinates of ``frame``.
        frame: Of the image.
        cardiac: Around the long axis.
        affine: (4, 4), applied after the displacement.
        box: (2, 3) lowest and highest unit coordinates that the field was fitted for.
    """

    field: CardiacField
    frame: Frame
    cardiac: Frame
    affine: Array
    box: Array

    def displacement(self, points: npt.ArrayLike) -> Array:
        return np.concatenate([jet.value.movedim(-1, 0).double().cpu().numpy() for jet in self._jets(points, 0)])

    def gradient(self, points: npt.ArrayLike) -> Array:
        parts = [jet.first for jet in self._jets(points, 1)]
        return np.concatenate([part.movedim(-1, 0).double().cpu().numpy() for part in parts if part is not None])

    def state(self, **extra: Any) -> ModelState:
        networks = {"network": self.field.network, **({} if self.field.plain is None else {"plain": self.field.plain})}
        metadata = {
            **header("cardiac"),
            "networks": {name: describe_field(network) for name, network in networks.items()},
            "frame": self.frame.to_json(),
            "cardiac": self.cardiac.to_json(),
            "affine": self.affine.tolist(),
            "box": self.box.tolist(),
            **extra,
        }
        return ModelState(metadata, arrays_of(dict(self.field.named_parameters())))

    @classmethod
    def restored(cls, state: ModelState) -> CardiacMap:
        data = state.metadata
        frame, cardiac = (Frame.from_json(data[key]) for key in ("frame", "cardiac"))
        described = checked.parts(data["networks"], ("network", "plain"), "the networks")
        checked.parts({key.partition(".")[0]: None for key in state.tensors}, tuple(described), "the tensors")
        network = build_field(described["network"], arrays_under("network", state.tensors), PORTS)
        plain = build_field(described["plain"], arrays_under("plain", state.tensors)) if "plain" in described else None
        if not isinstance(network, Network) or not isinstance(plain, Network | None):
            raise ValueError("a map around the heart needs networks")
        return cls(CardiacField(network, plain, frame, cardiac), frame, cardiac, checked.affine(data), checked.box(data))

    def on_cpu(self) -> CardiacMap:
        return replace(self, field=self.field.cpu())

    def _jets(self, points: npt.ArrayLike, order: int) -> list[Jet]:
        """Jets in mm, by chunks."""
        unit = np.clip(self.frame.to_unit(np.asarray(points, dtype=np.float64).reshape(-1, 3)), *self.box)
        like = next(self.field.parameters())
        axes = torch.as_tensor(self.frame.axes).to(like)
        with torch.no_grad():
            chunks = [torch.as_tensor(unit[first : first + CHUNK].T.copy()).to(like) for first in range(0, max(len(unit), 1), CHUNK)]
            return [in_millimetres(self.field.evaluate(chunk, order), axes) for chunk in chunks]
