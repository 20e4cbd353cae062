"""A series of images along time, with one network that knows the time: the field from each image to the next is u(x, t)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from inr_registration.core import Problem, Settings, Volume
from inr_registration.fields import Network, Siren
from inr_registration.methods import Edge, GraphFit, SingleFit, prepare
from inr_registration.numerics import Jet
from inr_registration.optimise import fit_stage


class AtTime(Network):
    """The shared network at one time."""

    def __init__(self, shared: Network, time: float) -> None:
        nn.Module.__init__(self)
        self.shared, self.time = shared, time

    def evaluate(self, points: Tensor, order: int = 0) -> Jet:
        """As a field of three coordinates; order 0 or 1."""
        jet = self.shared.evaluate(torch.cat([points, torch.full_like(points[:1], self.time)]), order)
        return Jet(jet.value, None if jet.first is None else jet.first[:, :3])


def register_series(images: Sequence[Volume], settings: Settings) -> GraphFit:
    """Fit the fields from each image to the next; all parameters are those of one network."""
    generator = torch.Generator().manual_seed(settings.seed)
    kind = settings.representation
    shared = Siren(kind.width, kind.depth, kind.omega, True, generator, ports=(4, 3))
    edges = []
    for n, (fixed, moving) in enumerate(pairwise(images)):
        prepared = prepare(Problem(fixed, moving), settings, torch.device("cpu"))
        prepared.choose_similarity(settings, np.eye(4))
        side = SingleFit(prepared, settings, np.eye(4), generator)
        side.field = AtTime(shared, 2 * n / (len(images) - 2) - 1)
        edges.append(Edge((n, n + 1), side, f" {n}"))
    fit = GraphFit(edges)
    for stage in settings.stages:
        fit_stage(stage, fit.begin(stage), settings, lambda _done, _terms: None)
    return fit
