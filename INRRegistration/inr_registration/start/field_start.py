"""Letting a field of any representation start at a given displacement."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inr_registration.fields.cardiac import CardiacField
from inr_registration.fields.lattice import FreeLattice, Lattice, VelocityLattice, enough_squarings, exponential
from inr_registration.fields.network import Network
from inr_registration.numerics.frame import Frame
from inr_registration.numerics.knots import Knots
from inr_registration.numerics.spline import apply_axes, interpolating_matrix
from inr_registration.optimise.adam import Adam
from inr_registration.optimise.stopping import cosine

Array = npt.NDArray[np.float64]
Displacement = Callable[[Array], Array]
"""Displacements (n, 3) in mm at (n, 3) world points, before the affine."""

LOGARITHM_STEPS = 10
STEPS, POINTS, RATE = 200, 4000, 2e-3
"""Of Adam, when a network is taught the displacement."""


def start_at(
    field: Lattice | Network | CardiacField, frame: Frame, box: Array, displacement: Displacement, generator: torch.Generator
) -> None:
    """Make a new field give a displacement, as well as it can.

    Free control points interpolate it; a velocity is the one whose exponential does; a network is taught it by
    ``STEPS`` steps on random points.

    Args:
        field: Changed in place.
        frame: Of the field.
        box: (2, 3) unit coordinates in which it matters.
        displacement: In the world.
        generator: Source of random points, on the CPU.
    """
    if isinstance(field, FreeLattice):
        wanted = _coefficients(field.knots, frame, displacement).to(field.values)
        if isinstance(field, VelocityLattice):
            field.restart(_logarithm(wanted, field.knots))
        else:
            field.values.data.copy_(wanted)
    else:
        _teach(field, frame, box, displacement, generator)


def _coefficients(knots: Knots, frame: Frame, displacement: Displacement) -> Tensor:
    """Control points ``(3, nk, nj, ni)``, in unit coordinates, that interpolate the displacement."""
    sites, solve = zip(*(interpolating_matrix(n) for n in knots.count), strict=True)
    x, y, z = (knots.start[d] + sites[d] * knots.step[d] for d in range(3))
    k, j, i = torch.meshgrid(z, y, x, indexing="ij")
    points = frame.to_world(torch.stack([i, j, k], dim=-1).reshape(-1, 3).numpy())
    moved = displacement(points) @ np.linalg.inv(frame.axes).T
    values = torch.as_tensor(moved.T.copy()).reshape(3, *k.shape)
    return apply_axes(values, solve[2], solve[1], solve[0])


def _logarithm(wanted: Tensor, knots: Knots) -> Tensor:
    """The velocity whose exponential comes nearest to the displacements, by steps of what is still missing.

    Exact to first order at the start, and for every smooth map without folding the steps shrink what is missing.
    """
    velocity, best, least = wanted.clone(), wanted, float("inf")
    squarings = enough_squarings(wanted, knots)
    for _ in range(LOGARITHM_STEPS):
        missing = wanted - exponential(velocity, knots, squarings)
        size = float(missing.square().sum())
        if not size < least:
            break
        best, least = velocity, size
        velocity = velocity + missing
    return best


def _teach(
    field: Lattice | Network | CardiacField, frame: Frame, box: Array, displacement: Displacement, generator: torch.Generator
) -> None:
    """Adam on the mean squared difference in mm at random points, drawn once for the displacement to be read at."""
    like = next(field.parameters())
    low, high = torch.as_tensor(box)
    unit = (low + (high - low) * torch.rand(4 * POINTS, 3, generator=generator, dtype=torch.float64)).T
    wanted = torch.as_tensor(displacement(frame.to_world(unit.T.numpy())).T.copy()).to(like)
    unit, axes = unit.to(like), torch.as_tensor(frame.axes).to(like)
    optimiser = Adam(field.parameters())
    for step in range(STEPS):
        chosen = torch.randint(unit.shape[1], (POINTS,), generator=generator)
        chosen = chosen.to(unit.device)
        optimiser.forget_gradients()
        moved = axes @ field.evaluate(unit[:, chosen], 0).value
        (moved - wanted[:, chosen]).square().sum(dim=0).mean().backward()
        optimiser.step(RATE * cosine(step / STEPS, 0.05))
