"""A fit without what comes before and after it, judged on the way."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage

from inr_registration.core import Problem, Settings, Volume
from inr_registration.maps import FittedMap
from inr_registration.methods import PairFit, new_fit, prepare
from inr_registration.optimise import fit_stage

Judged = TypeVar("Judged")


def follow(
    problem: Problem, settings: Settings, judge: Callable[[FittedMap], Judged], at: Collection[int]
) -> tuple[PairFit, dict[int, Judged]]:
    """Fit the only stage of the settings on the CPU, with no pre-alignment.

    Args:
        problem: The images.
        settings: With one stage.
        judge: What is to be known about the map.
        at: After how many iterations.

    Returns:
        The finished fit, and what was known about its map at these moments.
    """
    (stage,) = settings.stages
    prepared = prepare(problem, settings, torch.device("cpu"))
    prepared.choose_similarity(settings, np.eye(4))
    fit = new_fit(problem, prepared, settings, np.eye(4), torch.Generator().manual_seed(settings.seed))
    objective = fit.begin(stage)
    seen: dict[int, Judged] = {}

    def tick(done: int, terms: dict[str, float]) -> None:
        del terms
        if done in at:
            seen[done] = judge(fit.model())

    fit_stage(stage, objective, settings, tick)
    fit.finished()
    return fit, seen


def correlation(model: FittedMap, points: npt.NDArray[np.float64], fixed: Volume, moving: Volume) -> float:
    """Pearson correlation of the fixed image at world points with the moving image at the mapped points."""
    pairs = ((fixed, points), (moving, model.map(points)))
    values = [ndimage.map_coordinates(v.values, v.grid.to_index(p)[:, ::-1].T, order=1, mode="nearest") for v, p in pairs]
    return float(np.corrcoef(values)[0, 1])
