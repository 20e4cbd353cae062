"""One fit without its export, and what is measured of it."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from inr_registration.core import Problem, Settings
from inr_registration.maps import Consensus, FittedMap, nearest_labels
from inr_registration.measure import quality
from inr_registration.methods import new_fit, prealign, prepare
from inr_registration.optimise import fit_stage
from inr_registration.terms import regularity

Array = npt.NDArray[np.float64]

CHECKED = 20_000
"""Random voxels of the fixed foreground or mask at which the determinant is looked at."""


def fitted(problem: Problem, settings: Settings, clipped: bool = False) -> tuple[FittedMap, Array, float]:
    """The same steps as ``register``, without export.

    Returns:
        The map, (n, 3) points where the fixed image counts, and the seconds of the fit.
    """
    prepared = prepare(problem, settings, torch.device("cpu"))
    affine, closest = prealign(prepared, settings, np.eye(4))[:2]
    prepared.choose_similarity(settings, closest)
    terms = regularity._ON_FIRST
    ours = terms["symmetric_jacobian"]
    began = time.perf_counter()
    try:
        if clipped:
            terms["symmetric_jacobian"] = _clipped
        fit = new_fit(problem, prepared, settings, affine, torch.Generator().manual_seed(settings.seed))
        for stage in prepared.usable_stages(settings):
            fit_stage(stage, fit.begin(stage), settings, lambda *_: None)
    finally:
        terms["symmetric_jacobian"] = ours
    seconds = time.perf_counter() - began
    index = np.argwhere(prepared.fixed.counted)
    chosen_index = index[np.random.default_rng(0).integers(len(index), size=CHECKED)]
    return fit.model(), prepared.fixed.grid.to_world(chosen_index[:, ::-1]), seconds


def _clipped(first: torch.Tensor) -> torch.Tensor:
    det = regularity.jacobian_determinant(first).clamp(0.1, 10)
    return (det + 1 / det - 2).mean()


def measured(model: FittedMap, problem: Problem, counted: Array) -> dict[str, Any]:
    """Error at landmarks or overlap of labels, folding, smoothness; of either network alone where there are two."""
    det = model.determinant(counted)
    row: dict[str, Any] = {"folding": float(100 * (det <= 0).mean()), "min_det": float(det.min())}
    row["sd_log_det"] = float(np.log(det.clip(1e-3)).std())
    if problem.fixed_landmarks is not None and problem.moving_landmarks is not None:
        before, after = (quality.tre(at, problem.moving_landmarks) for at in (problem.fixed_landmarks, model.map(problem.fixed_landmarks)))
        row |= {"before": before["mean"], "tre": after["mean"], "p95": after["p95"]}
        if isinstance(model, Consensus):
            row |= _both_ways(model, problem.fixed_landmarks, problem.moving_landmarks)
    if problem.fixed_labels is not None and problem.moving_labels is not None:
        row |= _overlap(model, problem)
    return row


def _overlap(model: FittedMap, problem: Problem) -> dict[str, float]:
    fixed, moving = problem.fixed_labels, problem.moving_labels
    assert fixed is not None
    assert moving is not None
    points = fixed.grid.all_points().reshape(-1, 3).astype(np.float64)
    labels = quality.common_labels(problem)
    shape = (*fixed.grid.shape, 3)
    values = [nearest_labels(moving.values, moving.grid, at.reshape(shape)) for at in (points, model.map(points))]
    before, after = (np.mean(list(quality.dice(fixed.values, pulled, labels).values())) for pulled in values)
    return {"before": float(before), "dice": float(after)}


def _both_ways(model: Consensus, fixed: Array, moving: Array) -> dict[str, Any]:
    """TRE of either network alone, and the ways to invert the backward one."""
    ways = {"forward": model.forward.map, "backward": model.through_backward}
    row: dict[str, Any] = {name: float(np.linalg.norm(way(fixed) - moving, axis=1).mean()) for name, way in ways.items()}
    for form in ("newton", "taylor1", "taylor2"):
        tried = replace(model, form=form)
        row[f"{form} tre"] = float(np.linalg.norm(tried.map(fixed) - moving, axis=1).mean())
        row[f"{form} missed"] = float(np.linalg.norm(model.backward.map(tried.through_backward(fixed)) - fixed, axis=1).mean())
    apart = model.discrepancy(fixed)
    error = np.linalg.norm(model.map(fixed) - moving, axis=1)
    ranks = [np.argsort(np.argsort(values)) for values in (apart, error)]
    return row | {"u_mean": float(apart.mean()), "u_rank": float(np.corrcoef(*ranks)[0, 1])}
