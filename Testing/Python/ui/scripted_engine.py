"""An engine that does what a test says, in place of minutes of fitting: it goes on until it is let go, stopped or cancelled."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np
from given import Given

from inr_registration.core import (
    MAPS,
    Command,
    Curve,
    Doubt,
    Grid,
    ModelState,
    Outcome,
    Problem,
    Progress,
    Quality,
    Report,
    Result,
    Settings,
    SplineTransform,
    Verdict,
    Volume,
)
from inr_registration.slicer.logic import Done, Task
from inr_registration.slicer.scene import scene_arrays

PACE_S = 0.002
SMALL = (slice(2, 4), slice(2, 4), slice(2, 4))
LARGE = (slice(8, 12), slice(8, 12), slice(8, 12))
SQUEEZED = (slice(4, 6), slice(14, 16), slice(18, 20))
FOLDS = [(SMALL, -0.5), (LARGE, -0.1), (SQUEEZED, 0.25)]
"""Boxes (k, j, i) and the det J in them: two fold, one squeezes."""


@dataclass
class Script:
    """What the engine is to do.

    Attributes:
        finish: Once set, the fit ends by itself.
        error: Raised in the worker instead of a result.
        outcome: Of a fit that ends by itself.
        keeps: Whether there is a result though the outcome is a bad one.
        folds: Boxes (k, j, i slices) in which det J is set, and to what.
        uncertainty: Whether the method has one.
        verdict: The quality control's judgement, of a method that has one.
        doubts: Places where nothing speaks for the map.
        strain: Whether the method gives strain maps.
        shift_mm: Displacement along L, to tell results apart.
        tasks: Every task that was taken on.
    """

    finish: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None
    outcome: Outcome = Outcome.ITERATION_LIMIT
    keeps: bool = False
    folds: list[tuple[tuple[slice, slice, slice], float]] = field(default_factory=list)
    uncertainty: bool = False
    verdict: Verdict | None = None
    doubts: tuple[Doubt, ...] = ()
    strain: bool = False
    shift_mm: float = 1.5
    tasks: list[Task] = field(default_factory=list)

    def perform(self, task: Task, report: Report) -> Done:
        """Stands where ``logic.work.perform`` stands."""
        self.tasks.append(task)
        report(Progress("prepare", 0.05, 0.1))
        report(Progress("affine", 0.1, 0.2))
        outcome = self._fit(report)
        if self.error is not None:
            raise self.error
        result = Result(outcome, outcome.value, task.settings.to_json())
        if not outcome.usable and not self.keeps:
            return Done(result, None)
        report(Progress("finish", 0.95, 10.0, 1, 2))
        result = a_result(task.problem, task.settings, outcome, self)
        return Done(result, scene_arrays(task.problem, result, task.structures, task.threshold))

    def _fit(self, report: Report) -> Outcome:
        step = 0
        while not self.finish.wait(PACE_S):
            step += 1
            share = 0.1 + 0.8 * step / (step + 50)
            terms = {"local_ncc": 2 / (step + 9), "total": 0.1 + 2 / (step + 9)}
            answer = report(Progress("fit", share, 20.0 * share, int(share > 0.5), 2, step, terms))
            if answer is Command.CANCEL:
                return Outcome.CANCELLED
            if answer is Command.STOP:
                return Outcome.STOPPED
        return self.outcome


def a_result(problem: Problem, settings: Settings, outcome: Outcome, script: Script) -> Result:
    """A shift, with the det J that the script wants."""
    grid, values = problem.fixed.grid, np.asarray(problem.fixed.values, np.float32)
    det = np.ones(grid.shape, np.float32)
    for box, value in script.folds:
        det[box] = value
    shift = np.zeros((*grid.shape, 3), np.float32)
    shift[..., 0] = script.shift_mm
    sigma = Volume(np.full(grid.shape, 0.4, np.float32), grid, "uncertainty") if script.uncertainty else None
    return Result(
        outcome,
        outcome.value,
        settings.to_json(),
        timings_s={"fit": 2.5},
        history=(Curve("2 mm", {"total": [0.5, 0.3]}, [0, 9]),),
        device="CPU, 2 threads",
        model=ModelState({"software": {}}, {}),
        transform=_shift(grid, script.shift_mm),
        warped=Volume(values + 1, grid, "warped"),
        jacobian=Volume(det, grid, "jacobian"),
        derived=Given(shift, np.roll(values, 2, axis=2), np.roll(values, 1, axis=2)),
        uncertainty=sigma,
        verdict=script.verdict,
        doubts=script.doubts,
        maps={name: Volume(0.1 * values / values.max(), grid, name) for name in MAPS} if script.strain else {},
        quality=Quality(
            similarity={"correlation": (0.5, 0.9), "local correlation": (0.2, 0.6)},
            folding_percent=100 * float((det <= 0).mean()),
            det={"min": float(det.min()), "p1": 0.6, "median": 1.0, "p99": 1.7, "max": float(det.max())},
            sd_log_det=0.21,
            displacement_mm={"mean": 1.2, "p95": 4.4, "max": 7.5},
        ),
    )


def _shift(grid: Grid, shift_mm: float) -> SplineTransform:
    """A cubic B-spline with equal coefficients on a lattice well around the grid."""
    corners = grid.corners()
    low, high = corners.min(axis=0) - 60.0, corners.max(axis=0) + 60.0
    spacing = np.full(3, 20.0)
    size = np.ceil((high - low) / spacing).astype(int) + 1
    coefficients = np.zeros((*size[::-1], 3), np.float32)
    coefficients[..., 0] = shift_mm
    return SplineTransform(np.eye(4), coefficients, low, spacing, np.eye(3))
