"""The answer: why the run ended, the transform, and how good it looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from inr_registration.core.doubt import Doubt
from inr_registration.core.grid import Part
from inr_registration.core.verdict import Verdict
from inr_registration.core.volume import Volume

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

WHOLE: Part = (slice(None), slice(None), slice(None))


class Outcome(Enum):
    """Why a registration ended; the value is the sentence for the user, with the remedy where one is needed."""

    CONVERGED = "Converged: the objective stopped improving."
    ITERATION_LIMIT = "Finished: all planned iterations were done."
    STOPPED = "Stopped by the user: the result so far was kept. Run again with more time for a better one."
    CANCELLED = "Cancelled by the user: nothing was kept."
    DIVERGED = "The fit diverged: the objective became infinite or undefined. Try stronger regularisation or a better initial alignment."
    OUT_OF_MEMORY = "Not enough memory. Try a mask, a smaller working size (max_voxels), or the CPU."

    @property
    def usable(self) -> bool:
        """Whether a run that ended so went as planned, or as the user wanted; it carries a transform."""
        return self in (Outcome.CONVERGED, Outcome.ITERATION_LIMIT, Outcome.STOPPED)


@dataclass(frozen=True, eq=False)
class ModelState:
    """A fitted transform as plain arrays: all that is needed to evaluate it again.

    Args:
        metadata: JSON-ready: representation, frame, affine, settings, versions, hashes of the inputs.
        tensors: Weights or coefficients by name.
    """

    metadata: dict[str, Any]
    tensors: dict[str, npt.NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class SplineTransform:
    """The map as an affine after a cubic B-spline, exactly what ITK and Slicer can hold natively.

    ``phi(p) = affine(p + sum_c B(p) coefficients_c)``, fixed world point to moving world point, LPS mm.

    Args:
        affine: ``(4, 4)``, applied after the spline.
        coefficients: ``(nk, nj, ni, 3)`` displacements of the control points, LPS mm.
        origin: World position of the first control point, (3,) LPS mm.
        spacing: Between control points, (3,) mm.
        direction: Lattice axes as columns, (3, 3), orthonormal.
        max_error_mm: Largest difference from the model at the points where it was checked; 0 where it is exact.
    """

    affine: Array
    coefficients: npt.NDArray[np.float32]
    origin: Array
    spacing: Array
    direction: Array
    max_error_mm: float = 0.0


@dataclass(frozen=True)
class Quality:
    """Indicators of a registration, before and after; never a single score.

    Args:
        similarity: name -> (before, after); higher is better.
        folding_percent: Share of voxels in the fixed mask where det J <= 0.
        det: min, p1, median, p99 and max of det J in the fixed mask.
        sd_log_det: Standard deviation of log det J in the fixed mask.
        displacement_mm: mean, p95 and max of the deformable displacement in the fixed mask, mm.
        tre_mm: ``{"before": {...}, "after": {...}}`` with mean, sd, median, p95 and max, where landmarks were given.
        dice: ``{label: (before, after)}`` where labels were given.
        strain: Mean Green-Lagrange strain of the left ventricle's wall (no unit) by direction (``radial``,
            ``circumferential``, ``longitudinal``) and part (``basal``, ``mid``, ``apical``, ``global``), where it was measured.
        notes: Sentences that a reader should know, such as a similarity that fell.
    """

    similarity: dict[str, tuple[float, float]] = field(default_factory=dict)
    folding_percent: float = 0.0
    det: dict[str, float] = field(default_factory=dict)
    sd_log_det: float = 0.0
    displacement_mm: dict[str, float] = field(default_factory=dict)
    tre_mm: dict[str, dict[str, float]] = field(default_factory=dict)
    dice: dict[str, tuple[float, float]] = field(default_factory=dict)
    strain: dict[str, dict[str, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Curve:
    """How the objective went in one stage.

    Args:
        name: Of the stage, for example ``4 mm``.
        terms: Values by name, one for each recorded iteration.
        iterations: At which iterations of the stage they were recorded.
    """

    name: str
    terms: dict[str, list[float]]
    iterations: list[int]


class Derived(Protocol):
    """What follows from the map and the images, computed where it is looked at: all of it takes five times the fixed image's memory.

    Each method gives the voxels of the fixed grid that slices (k, j, i) pick, by default all of them.
    """

    def displacement(self, part: Part = WHOLE) -> Floats:
        """(k, j, i, 3) displacement of the deformable part, LPS mm."""

    def before(self, part: Part = WHOLE) -> Floats:
        """(k, j, i) the moving image under the initial alignment alone."""

    def aligned(self, part: Part = WHOLE) -> Floats:
        """(k, j, i) the moving image after the affine part."""


@dataclass(frozen=True, eq=False)
class Result:
    """What ``register`` returns, whatever the ending. Images and the model are None unless it is usable.

    Args:
        outcome: Why the run ended.
        message: The outcome's sentence and, where there is one, the cause.
        settings: Complete, as used (JSON-ready).
        timings_s: Seconds per phase.
        history: One curve for each stage.
        device: What it ran on, in words.
        warnings: About the input.
        choices: What was decided on the way and why, for example the similarity for these modalities.
        model: The fitted transform.
        transform: The same map in a form that ITK and Slicer hold natively.
        warped: The moving image on the fixed grid, float32; ``background`` outside the moving image.
        jacobian: det J of the whole map at the fixed voxel centres.
        derived: Displacement, and the moving image before and after the affine part, on any part of the fixed grid.
        uncertainty: In mm on the fixed grid, where it was asked for: NaN where nothing is known.
        inverse: Moving world point to fixed world point, where the method gives one of its own (two fields).
        verdict: Of the quality control.
        doubts: Regions in which chance explains the fixed image as well as the map does, largest first.
        maps: Further images on the fixed grid by name, such as ``strain_radial``: NaN where undefined.
        quality: Indicators before and after.
    """

    outcome: Outcome
    message: str
    settings: dict[str, Any]
    timings_s: dict[str, float] = field(default_factory=dict)
    history: tuple[Curve, ...] = ()
    device: str = "cpu"
    warnings: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    model: ModelState | None = None
    transform: SplineTransform | None = None
    warped: Volume | None = None
    jacobian: Volume | None = None
    derived: Derived | None = None
    uncertainty: Volume | None = None
    inverse: SplineTransform | None = None
    verdict: Verdict | None = None
    doubts: tuple[Doubt, ...] = ()
    maps: Mapping[str, Volume] = field(default_factory=dict)
    quality: Quality | None = None

    @property
    def usable(self) -> bool:
        """Whether there is a transform: also after a fit that diverged, of its best state."""
        return self.transform is not None

    @cached_property
    def displacement(self) -> Floats | None:
        """(k, j, i, 3) displacement of the deformable part on the fixed grid, LPS mm; computed when it is first asked for."""
        return None if self.derived is None else self.derived.displacement()

    @cached_property
    def before(self) -> Volume | None:
        """The moving image on the fixed grid under the initial alignment alone; computed when it is first asked for."""
        return None if self.derived is None else self._like_warped(self.derived.before(), "before")

    @cached_property
    def aligned(self) -> Volume | None:
        """The moving image on the fixed grid after the affine part; computed when it is first asked for."""
        return None if self.derived is None else self._like_warped(self.derived.aligned(), "aligned")

    def _like_warped(self, values: Floats, name: str) -> Volume | None:
        return None if self.warped is None else Volume(values, self.warped.grid, name)
