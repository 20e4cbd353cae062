"""How to register: one frozen, typed object with every default in one place, read from and written to JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from inr_registration.core.catalogue import AUTO, FIELD_KINDS, REGULARITIES, SIMILARITIES
from inr_registration.core.errors import InputError
from inr_registration.core.from_json import build, plain
from inr_registration.core.weights import Weights

LARGEST_WEIGHT = 1e9
"""Of a term; a larger one says no more, and ends beyond single precision."""


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
            ``velocity`` the same lattice, its coefficients the exponential of a stationary velocity; ``sinr`` the same
            lattice, its coefficients the values of a sine network at the control points.
        width: Neurons of each hidden layer.
        depth: Hidden layers.
        omega: Frequency factor of the sines.
        zero_start: Start at exactly no displacement (last layer zero).
        coordinates: ``isotropic``: one scale in mm for all axes; ``per-axis``: [-1, 1] along each axis, as published.
    """

    kind: str = "velocity"
    width: int = 128
    depth: int = 3
    omega: float = 30.0
    zero_start: bool = True
    coordinates: Literal["isotropic", "per-axis"] = "isotropic"

    def __post_init__(self) -> None:
        if self.kind not in FIELD_KINDS:
            raise InputError(f"settings.representation.kind must be one of {', '.join(FIELD_KINDS)}, got {self.kind!r}")


@dataclass(frozen=True)
class Affine:
    """The linear pre-alignment.

    Args:
        kind: Degrees of freedom; ``none`` keeps the headers (or the initial transform) as they are; ``auto`` is affine, but
            keeps the headers where they are nearly as good: what breathes or bends is then not shared out to the whole body.
        iterations: Most evaluations of the objective on each of its levels.
    """

    kind: Literal["none", "rigid", "affine", "auto"] = "auto"
    iterations: int = 60


@dataclass(frozen=True)
class Cycle:
    """Two fields, one in each direction, that must undo each other.

    Args:
        weight: Of the cycle term; 0 fits both directions without it.
        form: ``value``: mean of ``|Phi_B(Phi_F(x)) - x|^2`` (weight per mm^2); ``gradient``: mean squared norm of its
            derivative (no unit), as GradICON; ``voxel``: mean over points and components in voxels, as published.
        share: Share of the sampled points at which the term is evaluated.
        ramp: Let the weight grow from 0 over the whole run, as the published code does.
        inverse: How the consensus inverts the backward map: Newton steps, or the Taylor forms of first and second order.
    """

    weight: float = 0.001
    form: Literal["value", "gradient", "voxel"] = "value"
    share: float = 0.25
    ramp: bool = False
    inverse: Literal["newton", "taylor1", "taylor2"] = "newton"


@dataclass(frozen=True)
class Geometry:
    """Coordinates that follow the anatomy.

    Args:
        kind: ``tube``: along the centrelines of the problem; ``cardiac``: around the long axis of the left ventricle.
        model: ``tangent``: the displacement lives in these coordinates alone; ``combined``: added to a plain field.
        radius_mm: Of the tube; unused by ``cardiac``.
        smoothing_mm: How far the smoothed centreline may stray from the given points.
    """

    kind: Literal["tube", "cardiac"] = "tube"
    model: Literal["tangent", "combined"] = "combined"
    radius_mm: float = 20.0
    smoothing_mm: float = 1.0


@dataclass(frozen=True)
class Settings:
    """Everything that decides a registration, apart from its images.

    Args:
        method: The name under which people know this choice.
        representation: What holds the displacement.
        similarity: Weight of each similarity term (``SIMILARITIES``), or ``{"auto": 1}``: chosen from
            the images once they are affinely aligned.
        local_ncc_radius: Window of local NCC is 2 * radius + 1 voxels of the level.
        regularity: Weight of each regularity term, all without unit but ``bending``: in mm^2 because the energy is in
            mm^-2 (a network with per-axis coordinates has it without unit).
        diffusion_knee: Strain from which the diffusion of a lattice grows in proportion instead of with its square, so that
            organs may slide along each other; 0 squares it everywhere, else from 0.001.
        regularity_points: Share of the sampled points at which the regularity of a network is evaluated.
        affine: The linear pre-alignment.
        stages: The pyramid, coarse to fine; empty where nothing is to bend, which takes a rigid or affine map.
        lr_end: Last learning rate over the first (cosine in between); 1 keeps it constant.
        tolerance: A stage stops early once the objective improves by less than this share over ``patience``
            iterations; 0 never stops early.
        patience: See ``tolerance``.
        cycle: Fit both directions together; None fits one field.
        geometry: Coordinates that follow the anatomy; None uses those of the image.
        landmark_weight: Weight, per mm, of the mean distance between mapped fixed and moving landmarks; 0 leaves them
            to measuring.
        start: ``discrete`` searches displacements on a coarse grid before the first stage, for large motion.
        uncertainty: How it is estimated: ``cycle`` is how far two fields are apart; ``laplace`` how well the images pin the
            displacement down; ``perturbation`` how much of a small known bend a refit leaves; ``auto`` the one that did best
            for its cost on known warps with this method, or none.
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
    regularity: Mapping[str, float] = field(default_factory=lambda: {"diffusion": 0.6, "symmetric_jacobian": 0.5})
    diffusion_knee: float = 0.3
    regularity_points: float = 0.15
    affine: Affine = field(default_factory=Affine)
    stages: tuple[Stage, ...] = (Stage(8, 30, 1.3), Stage(4, 30, 1.3), Stage(2, 30, 1.6), Stage(1, 20, 0.8, control_spacing=2.5))
    lr_end: float = 0.1
    tolerance: float = 0.0
    patience: int = 50
    cycle: Cycle | None = None
    geometry: Geometry | None = None
    landmark_weight: float = 0.0
    start: Literal["none", "discrete"] = "none"
    uncertainty: Literal["none", "auto", "cycle", "laplace", "perturbation"] = "none"
    outside_weight: float = 0.01
    max_voxels: int = 8_000_000
    clip_percent: float = 0.5
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        for name in ("similarity", "regularity"):  # a frozen object whose dictionaries change is none
            object.__setattr__(self, name, Weights(getattr(self, name)))
        _check_names("similarity", self.similarity, (*SIMILARITIES, AUTO))
        _check_names("regularity", self.regularity, REGULARITIES)
        if not any(weight > 0 for weight in self.similarity.values()):
            raise InputError("settings need a similarity term with a weight above 0")
        if "auto" in self.similarity and len(self.similarity) > 1:
            raise InputError("similarity 'auto' stands alone; leave the other terms out")
        if self.stages or self.affine.kind not in ("rigid", "affine"):
            _check_stages(self.stages, self.representation.kind)
        for name, low, high in _RANGES:
            _check_range(f"settings.{name}", getattr(self, name), low, high)
        if self.diffusion_knee != 0:
            _check_range("settings.diffusion_knee", self.diffusion_knee, 0.001, 1000)
        for name, low, high in (("width", 1, 4096), ("depth", 1, 64), ("omega", 1e-3, 1e4)):
            _check_range(f"settings.representation.{name}", getattr(self.representation, name), low, high)
        _check_range("settings.affine.iterations", self.affine.iterations, 1, 10_000)
        if self.cycle is not None:
            _check_range("settings.cycle.weight", self.cycle.weight, 0, 1e6)
            _check_range("settings.cycle.share", self.cycle.share, 0.001, 1)
        if self.geometry is not None:
            _check_range("settings.geometry.radius_mm", self.geometry.radius_mm, 0.5, 500)
            _check_range("settings.geometry.smoothing_mm", self.geometry.smoothing_mm, 0, 100)
        _check_parts(self)

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries, lists, numbers and strings; ``from_json`` reads them back to an equal object."""
        data: dict[str, Any] = plain(self)
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Settings:
        """Build settings from JSON data; what is left out keeps its default.

        Raises:
            InputError: A key is unknown or a value has the wrong type.
        """
        settings: Settings = build(cls, data, "settings")
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
    ("landmark_weight", 0, 1e6),
    ("seed", 0, 2**63 - 1),
)
"""Name, lowest and highest legal value."""


def _check_range(where: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise InputError(f"{where} must lie between {low:g} and {high:g}, got {value}")


def _check_parts(settings: Settings) -> None:
    """Parts that exclude each other."""
    kind = settings.representation.kind
    if settings.cycle is not None and settings.geometry is not None:
        raise InputError("settings have both 'cycle' and 'geometry'; leave one of them out")
    if settings.geometry is not None and not FIELD_KINDS[kind].network:
        raise InputError(f"settings.geometry needs a network (siren or relu), got '{kind}'")
    tube = settings.geometry is not None and settings.geometry.kind == "tube"
    for name, asked in (("landmark_weight", settings.landmark_weight > 0), ("start", settings.start != "none")):
        if tube and asked:
            raise InputError(f"settings.{name} has no effect on tube coordinates; leave it out, or choose another method than geometry")
    if settings.uncertainty == "cycle" and settings.cycle is None:
        raise InputError("uncertainty 'cycle' needs two fields; choose a method whose name begins with cycle, or another uncertainty")


def _check_stages(stages: tuple[Stage, ...], kind: str) -> None:
    if not stages:
        raise InputError("settings need at least one stage, or a rigid or affine map to be left at that")
    for number, stage in enumerate(stages):
        where = f"settings.stages[{number}]"
        _check_range(f"{where}.shrink", stage.shrink, 0.25, 64)
        _check_range(f"{where}.iterations", stage.iterations, 1, 10**6)
        _check_range(f"{where}.learning_rate", stage.learning_rate, 1e-12, 100)
        _check_range(f"{where}.control_spacing", stage.control_spacing, 1, 64)
        _check_range(f"{where}.points", stage.points, 0, 10**8)
    if FIELD_KINDS[kind].points == "whole" and any(stage.points for stage in stages):
        raise InputError("a velocity lattice is fitted on whole levels; set points to 0 in every stage")
    if FIELD_KINDS[kind].points == "sampled" and not all(stage.points for stage in stages):
        raise InputError("a network is fitted on sampled points; set points above 0 in every stage")


def _check_names(what: str, weights: Mapping[str, float], known: tuple[str, ...]) -> None:
    for name, weight in weights.items():
        if name not in known:
            raise InputError(f"unknown {what} '{name}'; known are {', '.join(known)}")
        if not 0 <= weight <= LARGEST_WEIGHT:
            raise InputError(f"the weight of {what} '{name}' must be a number from 0 up to {LARGEST_WEIGHT:g}, got {weight}")
