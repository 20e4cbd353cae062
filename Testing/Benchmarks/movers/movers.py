"""Lattices, networks, and both."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv3d, pad

from inr_registration.fields import Siren, respline
from inr_registration.methods import LATTICE_BETAS
from inr_registration.numerics import Knots
from inr_registration.optimise import cosine
from movers.loop import Group, Mover, Objective, Place

NETWORK_BETAS = (0.9, 0.99)
HISTORY = 8
"""Steps that L-BFGS remembers."""


class Lattice(Mover):
    """The control points move on their own, as in ``auto``."""

    def __init__(self, place: Place, before: Mover | None) -> None:
        super().__init__(place, before)
        start = torch.zeros(3, *place.knots.shape)
        if before is not None:
            start = respline(before.velocity().detach(), before.place.knots, place.knots)
        self.values = start.clone().requires_grad_(True)
        self.groups = [Group([self.values], place.stage.learning_rate * place.voxel, LATTICE_BETAS)]

    def velocity(self) -> Tensor:
        return self.values


class TwoLattices(Lattice):
    """This lattice and one of twice the spacing, moved together: features that neighbours share."""

    def __init__(self, place: Place, before: Mover | None) -> None:
        super().__init__(place, before)
        self.knots = place.coarser(2)
        self.shared = torch.zeros(3, *self.knots.shape, requires_grad=True)
        rate = place.stage.learning_rate * place.voxel
        self.groups = [Group([self.values], 0.7 * rate, LATTICE_BETAS), Group([self.shared], 0.5 * rate, LATTICE_BETAS)]

    def velocity(self) -> Tensor:
        return self.values + respline(self.shared, self.knots, self.place.knots)


class OfNetwork(Mover):
    """A sine network gives the velocity of each control point (SINR's idea, with a velocity)."""

    width, omega, rate = 48, 12.0, 2e-3

    def __init__(self, place: Place, before: Mover | None) -> None:
        super().__init__(place, before)
        generator = torch.Generator().manual_seed(0)
        kept = before.network if isinstance(before, OfNetwork) else None
        self.network = kept or Siren(self.width, 2, self.omega, True, generator)
        self.half = float(np.ptp(place.box, axis=0).max() / 2)
        self.knots = self.own_knots()
        self.points = self._points(self.knots)
        self.groups = [Group(list(self.network.parameters()), self.rate, NETWORK_BETAS)]

    def own_knots(self) -> Knots:
        return self.place.knots

    def velocity(self) -> Tensor:
        return self.half * self.network(self.points).reshape(3, *self.knots.shape)

    def _points(self, knots: Knots) -> Tensor:
        centre = self.place.box.mean(axis=0)
        x, y, z = ((knots.start[d] - centre[d] + knots.step[d] * np.arange(knots.count[d])) / self.half for d in range(3))
        k, j, i = np.meshgrid(z, y, x, indexing="ij")
        return torch.as_tensor(np.stack([i, j, k]).reshape(3, -1)).float()


class OfFasterNetwork(OfNetwork):
    """The same with higher frequencies and longer steps."""

    omega, rate = 25.0, 4e-3


class BesideNetwork(OfNetwork):
    """A network on a lattice of twice the spacing, added to the lattice: it for the smooth part, the lattice for the detail."""

    def __init__(self, place: Place, before: Mover | None) -> None:
        super().__init__(place, before)
        old = before.values.detach() if isinstance(before, BesideNetwork) else torch.zeros(3, *place.knots.shape)
        self.values = (old if before is None else respline(old, before.place.knots, place.knots)).clone().requires_grad_(True)
        self.groups.append(Group([self.values], place.stage.learning_rate * place.voxel, LATTICE_BETAS))

    def own_knots(self) -> Knots:
        return self.place.coarser(2)

    def velocity(self) -> Tensor:
        return self.values + respline(super().velocity(), self.knots, self.place.knots)


class WithConvolutions(Lattice):
    """A convolutional network on fitted features, added to the lattice: what it learns in one place serves in all."""

    channels, rate = 8, 3e-3

    def __init__(self, place: Place, before: Mover | None) -> None:
        super().__init__(place, before)
        generator, n = torch.Generator().manual_seed(0), self.channels
        self.features = (0.5 * torch.randn(1, n, *place.knots.shape, generator=generator)).requires_grad_(True)
        self.first = (torch.randn(n, n, 3, 3, 3, generator=generator) / (27 * n) ** 0.5).requires_grad_(True)
        self.second = torch.zeros(3, n, 3, 3, 3, requires_grad=True)
        self.groups.append(Group([self.features, self.first, self.second], self.rate, NETWORK_BETAS))

    def velocity(self) -> Tensor:
        hidden = torch.tanh(_convolved(self.features, self.first))
        return self.values + self.place.knots.step[0] * _convolved(hidden, self.second)[0]


def _convolved(values: Tensor, kernel: Tensor) -> Tensor:
    return conv3d(pad(values, (1,) * 6, mode="replicate"), kernel)


class LearnedSteps(Lattice):
    """Adam whose step grows while consecutive directions agree (hypergradient descent, Baydin et al., ICLR 2018)."""

    pace, limits = 0.15, (0.2, 5.0)

    def fit(self, objective: Objective, iterations: int, lr_end: float) -> None:
        (first, second), rate = self.groups[0].betas, self.groups[0].rate
        mean, square, factor = torch.zeros_like(self.values), torch.zeros_like(self.values), 1.0
        last: Tensor | None = None
        for iteration in range(iterations):
            gradient = torch.autograd.grad(objective(self.velocity()), self.values)[0]
            with torch.no_grad():
                if last is not None:
                    agreement = float((gradient * last).sum() / (gradient.norm() * last.norm()).clamp(min=1e-20))
                    factor = float(np.clip(factor * np.exp(self.pace * agreement), *self.limits))
                mean.lerp_(gradient, 1 - first)
                square.lerp_(gradient * gradient, 1 - second)
                unbiased = (square / (1 - second ** (iteration + 1))).sqrt() + 1e-8
                last = mean / (1 - first ** (iteration + 1)) / unbiased
                self.values.sub_(factor * rate * cosine(iteration / iterations, lr_end) * last)


def second_order(mover: type[Lattice] | type[OfNetwork]) -> type[Mover]:
    """The same, by L-BFGS with a line search, with as many evaluations as the others have iterations."""

    def fit(self: Mover, objective: Callable[..., Tensor], iterations: int, lr_end: float) -> None:
        del lr_end
        parameters = self.groups[0].parameters
        optimiser = torch.optim.LBFGS(
            parameters, max_iter=iterations, max_eval=iterations, history_size=HISTORY, line_search_fn="strong_wolfe",
            tolerance_change=0.0, tolerance_grad=0.0,
        )  # fmt: skip

        def closure() -> Tensor:
            optimiser.zero_grad()
            value = objective(self.velocity(), True)
            value.backward()
            return value.detach()

        optimiser.step(closure)

    return type(f"SecondOrder{mover.__name__}", (mover,), {"fit": fit})


def coarse_network(place: Place, before: Mover | None) -> Mover:
    """A network on the coarse levels, where all is smooth, and the lattice from then on."""
    return OfFasterNetwork(place, before) if place.stage.shrink >= 4 else Lattice(place, before)


MOVERS: dict[str, Callable[[Place, Mover | None], Mover]] = {
    "lattice": Lattice,
    "network of the control points": OfNetwork,
    "the same, higher frequencies": OfFasterNetwork,
    "network by L-BFGS": second_order(OfNetwork),
    "lattice and network": BesideNetwork,
    "network on coarse levels, then lattice": coarse_network,
    "lattice and convolutional network": WithConvolutions,
    "two lattices": TwoLattices,
    "lattice, learned steps": LearnedSteps,
    "lattice by L-BFGS": second_order(Lattice),
}
"""By the names of the table."""
