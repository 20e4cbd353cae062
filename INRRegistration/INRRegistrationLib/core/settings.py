"""How to register: one frozen, typed object with every default in one place, read from and written to JSON."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from INRRegistrationLib.core.errors import InputError

SIMILARITIES = ("mse", "ncc", "local_ncc", "nmi")
SIMILARITY_WEIGHTS = {"mse": 30.0, "ncc": 1.0, "local_ncc": 1.0, "nmi": 2.0}
"""Bring the similarity terms to about the same size, so that the regularity of a preset fits each of them."""
REGULARITIES = ("jacobian", "symmetric_jacobian", "bending", "diffusion")


@dataclass(frozen=True)
class Stage:
    """One level of the pyramid.

    Args:
        shrink: Working spacing of this level over the finest working spacing.
        iterations: Most iterations.
        learning_rate: First step size of Adam: weights of a network, or working voxels of this level for a lattice.
        points: Sampled points per iteration; 0 means every voxel of the level (lattices only).
        control_spacing: Distance of the lattice's control points in voxels of this level; unused by networks.
    """

    shrink: float
    iterations: int
    learning_rate: float
    points: int = 0
    control_spacing: float = 2.0


@dataclass(frozen=True)
class Representation:
    """What holds the displacement.

    Args:
        kind: ``siren`` and ``relu`` are coordinate networks; ``spline`` a cubic B-spline lattice of displacements;
            ``velocity`` the same lattice, its coefficients the exponential of a stationary velocity.
        width: Neurons of each hidden layer.
        depth: Hidden layers.
        omega: Frequency factor of the sines.
        zero_start: Start at exactly no displacement (last layer zero).
        coordinates: ``isotropic``: one scale in mm for all axes; ``per-axis``: [-1, 1] along each axis, as published.
    """

    kind: Literal["siren", "relu", "spline", "velocity"] = "velocity"
    width: int = 128
    depth: int = 3
    omega: float = 30.0
    zero_start: bool = True
    coordinates: Literal["isotropic", "per-axis"] = "isotropic"


@dataclass(frozen=True)
class Affine:
    """The linear pre-alignment.

    Args:
        kind: Degrees of freedom; ``none`` keeps the headers (or the initial transform) as they are.
        iterations: Most evaluations of the objective on each of its levels.
    """

    kind: Literal["none", "rigid", "affine"] = "affine"
    iterations: int = 60


@dataclass(frozen=True)
class Settings:
    """Everything that decides a registration, apart from its images.

    Args:
        method: The name under which people know this choice.
        representation: What holds the displacement.
        similarity: Weight of each similarity term (``mse``, ``ncc``, ``local_ncc``, ``nmi``), or ``{"auto": 1}``: chosen from
            the images once they are affinely aligned.
        local_ncc_radius: Window of local NCC is 2 * radius + 1 voxels of the level.
        regularity: Weight of each regularity term (``jacobian`` and ``symmetric_jacobian`` without unit, ``diffusion``
            without unit, ``bending`` in mm^2 because the energy is in mm^-2; with per-axis coordinates it has no unit).
        regularity_points: Share of the sampled points at which the regularity of a network is evaluated.
        affine: The linear pre-alignment.
        stages: The pyramid, coarse to fine.
        lr_end: Last learning rate over the first (cosine in between); 1 keeps it constant.
        tolerance: A stage stops early once the objective improves by less than this share over ``patience``
            iterations; 0 never stops early.
        patience: See ``tolerance``.
        outside_weight: Weight of the penalty, per voxel of the level, on points that leave the moving image.
        max_voxels: The finest working level has at most about this many voxels.
        clip_percent: Intensities are clipped at this percentile from either end before they are scaled to [0, 1].
        seed: Of every random number.
        device: ``auto`` (CUDA where there is one), ``cpu``, ``cuda`` or ``cuda:N``.
    """

    method: str = "auto"
    representation: Representation = field(default_factory=Representation)
    similarity: Mapping[str, float] = field(default_factory=lambda: {"auto": 1.0})
    local_ncc_radius: int = 2
    regularity: Mapping[str, float] = field(default_factory=lambda: {"diffusion": 0.5, "symmetric_jacobian": 0.1})
    regularity_points: float = 0.15
    affine: Affine = field(default_factory=Affine)
    stages: tuple[Stage, ...] = (Stage(8, 30, 0.8), Stage(4, 30, 0.8), Stage(2, 40, 0.8), Stage(1, 30, 0.5))
    lr_end: float = 0.1
    tolerance: float = 0.0
    patience: int = 50
    outside_weight: float = 0.01
    max_voxels: int = 8_000_000
    clip_percent: float = 0.5
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        _check_names("similarity", self.similarity, (*SIMILARITIES, "auto"))
        _check_names("regularity", self.regularity, REGULARITIES)
        if not any(weight > 0 for weight in self.similarity.values()):
            raise InputError("settings need a similarity term with a weight above 0")
        if "auto" in self.similarity and len(self.similarity) > 1:
            raise InputError("similarity 'auto' stands alone; leave the other terms out")
        _check_stages(self.stages, self.representation.kind)
        for name, low, high in _RANGES:
            _check_range(f"settings.{name}", getattr(self, name), low, high)
        for name, low, high in (("width", 1, 4096), ("depth", 1, 64), ("omega", 1e-3, 1e4)):
            _check_range(f"settings.representation.{name}", getattr(self.representation, name), low, high)
        _check_range("settings.affine.iterations", self.affine.iterations, 1, 10_000)

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries, lists, numbers and strings; ``from_json`` reads them back to an equal object."""
        plain: dict[str, Any] = _plain(self)
        return plain

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Settings:
        """Build settings from JSON data; what is left out keeps its default.

        Raises:
            InputError: A key is unknown or a value has the wrong type.
        """
        settings: Settings = _build(cls, data, "settings")
        return settings


_RANGES = (
    ("max_voxels", 1000, 10**9),
    ("patience", 1, 10**6),
    ("local_ncc_radius", 1, 20),
    ("regularity_points", 0.001, 1),
    ("lr_end", 0, 1),
    ("tolerance", 0, 1),
    ("outside_weight", 0, 1e6),
    ("clip_percent", 0, 40),
)
"""Name, lowest and highest legal value."""


def _check_range(where: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise InputError(f"{where} must lie between {low:g} and {high:g}, got {value}")


def _check_stages(stages: tuple[Stage, ...], kind: str) -> None:
    if not stages:
        raise InputError("settings need at least one stage")
    for number, stage in enumerate(stages):
        where = f"settings.stages[{number}]"
        _check_range(f"{where}.shrink", stage.shrink, 0.25, 64)
        _check_range(f"{where}.iterations", stage.iterations, 1, 10**6)
        _check_range(f"{where}.learning_rate", stage.learning_rate, 1e-12, 100)
        _check_range(f"{where}.control_spacing", stage.control_spacing, 1, 64)
        _check_range(f"{where}.points", stage.points, 0, 10**8)
    if kind == "velocity" and any(stage.points for stage in stages):
        raise InputError("a velocity lattice is fitted on whole levels; set points to 0 in every stage")
    if kind in ("siren", "relu") and not all(stage.points for stage in stages):
        raise InputError("a network is fitted on sampled points; set points above 0 in every stage")


def _check_names(what: str, weights: Mapping[str, float], known: tuple[str, ...]) -> None:
    for name, weight in weights.items():
        if name not in known:
            raise InputError(f"unknown {what} '{name}'; known are {', '.join(known)}")
        if not 0 <= weight < float("inf"):
            raise InputError(f"the weight of {what} '{name}' must be a number from 0 up, got {weight}")


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _build(kind: Any, data: Any, where: str) -> Any:
    """Turn JSON data into the annotated type, naming the place of whatever does not fit."""
    origin = get_origin(kind)
    if dataclasses.is_dataclass(kind):
        if not isinstance(data, Mapping):
            raise InputError(f"{where} must be an object, got {data!r}")
        hints = get_type_hints(kind)
        unknown = sorted(set(data) - set(hints))
        if unknown:
            raise InputError(f"{where} has no key '{unknown[0]}'; known are {', '.join(hints)}")
        built = {key: _build(hints[key], item, f"{where}.{key}") for key, item in data.items()}
        return kind(**built)  # type: ignore[operator]
    if origin is tuple:
        if not isinstance(data, list | tuple):
            raise InputError(f"{where} must be a list, got {data!r}")
        return tuple(_build(get_args(kind)[0], item, f"{where}[{n}]") for n, item in enumerate(data))
    if origin in (Union, types.UnionType):
        return None if data is None else _build(get_args(kind)[0], data, where)
    if origin is Literal:
        if data not in get_args(kind):
            raise InputError(f"{where} must be one of {', '.join(map(str, get_args(kind)))}, got {data!r}")
        return data
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(data, Mapping):
            raise InputError(f"{where} must be an object, got {data!r}")
        return {str(key): _build(float, item, f"{where}.{key}") for key, item in data.items()}
    return _scalar(kind, data, where)


_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


def _scalar(kind: type, data: Any, where: str) -> Any:
    number = isinstance(data, int | float) and not isinstance(data, bool)
    if kind is float and number:
        return float(data)
    if kind is int and number and float(data).is_integer():
        return int(data)
    if kind in (bool, str) and isinstance(data, kind):
        return data
    raise InputError(f"{where} must be {_WORDS[kind]}, got {data!r}")
