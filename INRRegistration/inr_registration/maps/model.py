"""The fitted map, resolution-free: evaluated at any world point, saved to and loaded from plain arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inr_registration.core.catalogue import FIELD_KINDS
from inr_registration.core.result import ModelState
from inr_registration.core.settings import Representation
from inr_registration.fields.kinds import Field
from inr_registration.fields.lattice import Lattice, SplineLattice
from inr_registration.fields.network import Network, Siren, new_network
from inr_registration.maps.fitted_map import FittedMap, header
from inr_registration.numerics import checked
from inr_registration.numerics.frame import Frame
from inr_registration.numerics.jet import PAIRS, Jet
from inr_registration.numerics.knots import Knots
from inr_registration.terms.regularity import in_millimetres

Array = npt.NDArray[np.float64]

CHUNK = 65536
VOXELS_ALONG = 64
"""An image has at least about so many voxels along its longest side."""
WIDEST, DEEPEST, OMEGAS, MOST_KNOTS = 4096, 64, (1e-3, 1e4), 100_000
"""What a field in a file may have: as wide, deep and oscillating as settings allow, and control points along an axis."""


@dataclass(frozen=True, eq=False)
class Model(FittedMap):
    """One field under an affine: ``phi(p) = affine(p + u(p))``, fixed world point to moving world point, LPS mm.

    Outside the box in which it was fitted, a network keeps the displacement of the nearest point of the box.

    Args:
        field: Holds u in unit coordinates.
        frame: The unit coordinates.
        affine: (4, 4), applied after the displacement.
        box: (2, 3) lowest and highest unit coordinates that the field was fitted for.
    """

    field: Field
    frame: Frame
    affine: Array
    box: Array

    @property
    def unit_mm(self) -> float:
        sides = np.ptp(self.box, axis=0) * np.linalg.norm(self.frame.axes, axis=0)
        return min(1.0, float(sides.max()) / VOXELS_ALONG)

    def displacement(self, points: npt.ArrayLike) -> Array:
        """u(p) in mm at (n, 3) world points, (n, 3): the deformable part, before the affine."""
        return _rows(jet.value for jet in self._jets(points, 0))

    def gradient(self, points: npt.ArrayLike) -> Array:
        """du/dp at (n, 3) world points, (n, 3, 3) without unit, ``[:, i, d] = du_i / dp_d``."""
        return _rows(jet.first for jet in self._jets(points, 1))

    def hessian(self, points: npt.ArrayLike) -> Array:
        """d2u / dp2 at (n, 3) world points, (n, 3, 3, 3) in mm^-1, symmetric in the last two axes."""
        unique = _rows(jet.second for jet in self._jets(points, 2))
        full = np.empty((*unique.shape[:2], 3, 3))
        for q, (d, e) in enumerate(PAIRS):
            full[:, :, d, e] = full[:, :, e, d] = unique[:, :, q]
        return full

    def state(self, **extra: Any) -> ModelState:
        """Plain arrays and metadata from which ``load`` builds an equal model."""
        metadata = {
            **header("field"),
            "field": describe_field(self.field),
            "frame": self.frame.to_json(),
            "affine": self.affine.tolist(),
            "box": self.box.tolist(),
            **extra,
        }
        if isinstance(self.field, Lattice):
            return ModelState(metadata, arrays_of({"coefficients": self.field.coefficients()}))
        return ModelState(metadata, arrays_of(dict(self.field.named_parameters())))

    @classmethod
    def restored(cls, state: ModelState) -> Model:
        data = state.metadata
        return cls(build_field(data["field"], state.tensors), Frame.from_json(data["frame"]), checked.affine(data), checked.box(data))

    def on_cpu(self) -> Model:
        return replace(self, field=self.field.cpu())

    def _jets(self, points: npt.ArrayLike, order: int) -> Iterator[Jet]:
        """Jets in mm, by chunks."""
        unit = np.clip(self.frame.to_unit(np.asarray(points, dtype=np.float64).reshape(-1, 3)), *self.box)
        like = next(self.field.parameters())
        axes = torch.as_tensor(self.frame.axes).to(like)
        with torch.no_grad():
            for first in range(0, max(len(unit), 1), CHUNK):
                chunk = torch.as_tensor(unit[first : first + CHUNK].T.copy()).to(like)
                yield in_millimetres(self.field.evaluate(chunk, order), axes)


def describe_field(field: Field) -> dict[str, Any]:
    """What kind of field it is and its sizes, JSON-ready."""
    if isinstance(field, Lattice):
        return {"kind": "spline", "start": list(field.knots.start), "step": list(field.knots.step), "count": list(field.knots.count)}
    if not isinstance(field, Network):
        described: dict[str, Any] = field.describe()
        return described
    kind = "siren" if isinstance(field, Siren) else "relu"
    sizes = {"width": field.weights[0].shape[0], "depth": len(field.weights) - 1}
    return {"kind": kind, **sizes, **({"omega": field.omega} if isinstance(field, Siren) else {})}


def build_field(description: Mapping[str, Any], tensors: Mapping[str, npt.NDArray[np.float32]], ports: tuple[int, int] = (3, 3)) -> Field:
    """The field that ``describe_field`` and its tensors stand for; nothing is made before all of it was checked.

    Args:
        description: As a file has it.
        tensors: Likewise.
        ports: How many coordinates must go into a network, and how many components come out.

    Raises:
        ValueError: They do not fit each other.
        KeyError: Something is missing.
    """
    kind = description["kind"]
    if kind == "spline":
        return _build_lattice(description, tensors)
    if kind not in FIELD_KINDS:
        raise ValueError(f"unknown kind of field {kind!r}")
    if not FIELD_KINDS[kind].network:
        own = import_module(f"inr_registration.fields.{FIELD_KINDS[kind].module}")
        if not hasattr(own, "restored"):  # what is fitted by it is kept as another kind
            raise ValueError(f"unknown kind of field {kind!r}")
        restored: Field = own.restored(description, tensors)
        return restored
    width, depth = checked.count(description["width"], 1, WIDEST, "the width"), checked.count(description["depth"], 1, DEEPEST, "the depth")
    omega = checked.number(description["omega"], *OMEGAS, "omega") if kind == "siren" else 1.0
    sizes = [ports[0], *[width] * depth, ports[1]]
    shapes: dict[str, tuple[int, ...]] = {f"biases.{n}": (size,) for n, size in enumerate(sizes[1:])}
    weights = checked.same_shapes(tensors, shapes | {f"weights.{n}": (b, a) for n, (a, b) in enumerate(pairwise(sizes))})
    network = new_network(Representation(kind=kind, width=width, depth=depth, omega=omega), torch.Generator(), ports)
    network.load_state_dict({name: torch.as_tensor(value) for name, value in weights.items()})
    return network


def _build_lattice(description: Mapping[str, Any], tensors: Mapping[str, npt.NDArray[np.float32]]) -> SplineLattice:
    start, step = (tuple(checked.numbers(description[key], (3,), f"the {key} of the lattice").tolist()) for key in ("start", "step"))
    if min(step) <= 0:
        raise ValueError(f"the step of the lattice must be positive, got {step}")
    ni, nj, nk = (
        checked.count(n, 4, MOST_KNOTS, "a number of control points") for n in checked.numbers(description["count"], (3,), "the count")
    )
    coefficients = checked.same_shapes(tensors, {"coefficients": (3, nk, nj, ni)})["coefficients"]
    return SplineLattice(Knots(start, step, (ni, nj, nk)), torch.as_tensor(coefficients))


def arrays_of(tensors: Mapping[str, Tensor]) -> dict[str, npt.NDArray[np.float32]]:
    """Tensors as a model file holds them."""
    return {name: tensor.detach().cpu().float().contiguous().numpy() for name, tensor in tensors.items()}


def arrays_under(name: str, tensors: Mapping[str, npt.NDArray[np.float32]]) -> dict[str, npt.NDArray[np.float32]]:
    """Those of one part of a map of several parts, whose names begin with that of the part and a dot."""
    return {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}


def half_width(choice: Representation) -> int:
    """The largest width of which two networks have no more weights than one of the chosen width (180 for 256, as published)."""
    most = _weights(choice.width, choice.depth)
    return max(width for width in range(1, choice.width + 1) if width == 1 or 2 * _weights(width, choice.depth) <= most)


def _weights(width: int, depth: int) -> int:
    return 4 * width + (depth - 1) * width * (width + 1) + 3 * (width + 1)


def _rows(parts: Iterator[Tensor | None]) -> Array:
    """Join component-first chunks ``(3, ..., n)`` to one point-first float64 array ``(n, 3, ...)``."""
    joined = torch.cat([part for part in parts if part is not None], dim=-1)
    return joined.movedim(-1, 0).double().cpu().numpy()
