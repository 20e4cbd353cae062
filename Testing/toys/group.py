"""Three images whose maps are consistent: going round from the first to the second, the third and back leads nowhere else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from inr_registration.core import Problem, Settings, Volume
from inr_registration.methods import Edge, GraphFit, Loop, SingleFit, prepare
from inr_registration.optimise import fit_stage


def register_group(images: Sequence[Volume], settings: Settings, weight: float) -> GraphFit:
    """Fit a field from each image to the next, and from the last to the first, with the loop closed by this weight per mm^2."""
    generator, edges = torch.Generator().manual_seed(settings.seed), []
    for n, fixed in enumerate(images):
        other = (n + 1) % len(images)
        prepared = prepare(Problem(fixed, images[other]), settings, torch.device("cpu"))
        prepared.choose_similarity(settings, np.eye(4))
        edges.append(Edge((n, other), SingleFit(prepared, settings, np.eye(4), generator), f" {n}"))
    fit = GraphFit(edges, [Loop(edges, weight)] if weight > 0 else [])
    for stage in settings.stages:
        fit_stage(stage, fit.begin(stage), settings, lambda _done, _terms: None)
    return fit
