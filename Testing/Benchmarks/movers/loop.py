"""The fit of ``auto``, with what moves the control points left open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inr_registration.core import Problem, Settings, Stage, load_preset
from inr_registration.fields import SplineLattice, enough_squarings, exponential
from inr_registration.maps import Model
from inr_registration.methods import SMOOTHNESS, Prepared, prealign, prepare
from inr_registration.methods.passes import _level, _on_cells
from inr_registration.numerics import Knots
from inr_registration.optimise import Adam, cosine

Objective = Callable[[Tensor], Tensor]
"""Of a velocity (3, nk, nj, ni)."""


@dataclass
class Group:
    """Parameters that share a step size.

    Args:
        parameters: What is fitted.
        rate: First step of Adam, in their unit.
        betas: Of Adam.
    """

    parameters: list[Tensor]
    rate: float
    betas: tuple[float, float]


class Mover:
    """Gives the velocity of the control points of one stage; made anew for each stage.

    Args:
        place: Where it works.
        before: The mover of the stage before.
    """

    groups: list[Group]

    def __init__(self, place: Place, before: Mover | None) -> None:
        self.place, self.before = place, before

    def velocity(self) -> Tensor:
        """(3, nk, nj, ni), mm."""
        raise NotImplementedError

    def fit(self, objective: Objective, iterations: int, lr_end: float) -> None:
        """Adam, with a cosine, as in ``auto``."""
        optimisers = [Adam(group.parameters, group.betas) for group in self.groups]
        for iteration in range(iterations):
            for optimiser in optimisers:
                optimiser.forget_gradients()
            objective(self.velocity()).backward()
            for optimiser, group in zip(optimisers, self.groups, strict=True):
                optimiser.step(group.rate * cosine(iteration / iterations, lr_end))


@dataclass(frozen=True)
class Place:
    """One stage, for movers.

    Args:
        stage: As in the settings.
        knots: Of the velocity.
        voxel: Of the level, mm.
        box: (2, 3) that the knots cover, mm.
    """

    stage: Stage
    knots: Knots
    voxel: float
    box: npt.NDArray[np.float64]

    def coarser(self, factor: float) -> Knots:
        """Knots of the same box, further apart."""
        return Knots.covering(tuple(self.box[0]), tuple(self.box[1]), factor * self.knots.step[0])


@dataclass(frozen=True, eq=False)
class Loop:
    """A pair, aligned and ready to be fitted any number of times."""

    problem: Problem
    prepared: Prepared
    settings: Settings
    affine: npt.NDArray[np.float64]

    def run(self, mover: Callable[[Place, Mover | None], Mover]) -> tuple[Model, float]:
        """Fit all stages; the map, and the last objective at positions that do not change."""
        generator, last = torch.Generator().manual_seed(self.settings.seed), None
        for stage in self.prepared.usable_stages(self.settings):
            data = self.prepared.stage_data(stage, self.settings, self.affine)
            knots = Knots.covering(*map(tuple, self.prepared.box), stage.shrink * self.prepared.spacing * stage.control_spacing)
            level = _level(data, SplineLattice(knots, torch.zeros(3, *knots.shape)))
            last = mover(Place(stage, knots, float(data.fixed.grid.spacing.min()), self.prepared.box), last)
            with torch.no_grad():
                squarings = enough_squarings(last.velocity(), knots)

            def objective(velocity: Tensor, fixed: bool = False) -> Tensor:
                offset = torch.full((3,), 0.5) if fixed else torch.rand(3, generator=generator)
                moved = exponential(velocity, knots, squarings)  # noqa: B023 - used within the stage only
                weights = self.settings.regularity
                on_velocity = {name: weight for name, weight in weights.items() if name in SMOOTHNESS}
                on_map = {name: weight for name, weight in weights.items() if name not in SMOOTHNESS}
                terms = level.terms(moved)  # noqa: B023
                for chosen, values in ((on_map, moved), (on_velocity, velocity)):
                    terms |= _on_cells(chosen, values, knots, offset, self.settings.diffusion_knee)  # noqa: B023
                return torch.stack(list(terms.values())).sum()

            last.fit(objective, stage.iterations, self.settings.lr_end)
        assert last is not None
        with torch.no_grad():
            velocity = last.velocity()
            reached = float(objective(velocity, True))
            field = SplineLattice(knots, exponential(velocity, knots, squarings))
        return Model(field, self.prepared.frame, self.affine, self.prepared.box), reached


def aligned(problem: Problem) -> Loop:
    """The same steps as ``register`` up to the fit of ``auto``."""
    settings = replace(load_preset("auto").settings, device="cpu")
    prepared = prepare(problem, settings, torch.device("cpu"))
    affine, closest = prealign(prepared, settings, np.eye(4))[:2]
    prepared.choose_similarity(settings, closest)
    return Loop(problem, prepared, settings, affine)
