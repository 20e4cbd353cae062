"""Displacements on a lattice of control points, read as a cubic B-spline."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from inr_registration.fields.asked import Asked
from inr_registration.numerics import kernels as compiled
from inr_registration.numerics.constants import constant
from inr_registration.numerics.jet import PAIRS, Jet
from inr_registration.numerics.knots import Knots
from inr_registration.numerics.sampling import sample
from inr_registration.numerics.spline import apply_axes, axis_matrix, basis, interpolating_matrix, locate

SQUARINGS = (3, 6)
"""Fewest and most doublings of a short time."""
SHORT = 0.75
"""Distance between control points up to which a displacement is short."""


class Lattice(nn.Module):
    """A cubic B-spline displacement field; subclasses say how its coefficients come about.

    Args:
        knots: Where the control points lie.
    """

    def __init__(self, knots: Knots) -> None:
        super().__init__()
        self.knots = knots

    def coefficients(self) -> Tensor:
        """Displacements of the control points, ``(3, nk, nj, ni)``."""
        raise NotImplementedError

    def evaluate(self, points: Tensor, order: int = 0) -> Jet:
        """Displacement and derivatives at ``(3, ...)`` points; outside the valid range the border value goes on."""
        return evaluate_at_points(self.coefficients(), self.knots, points, order)


class FreeLattice(Lattice):
    """A lattice with numbers of its own at each control point; subclasses are final.

    Args:
        knots: Where the control points lie.
        parameters: ``(3, nk, nj, ni)``, what is fitted, in the unit of the axes.
    """

    def __init__(self, knots: Knots, parameters: Tensor) -> None:
        super().__init__(knots)
        self.values = nn.Parameter(parameters)

    def refined(self, knots: Knots) -> Tensor:
        """Parameters on other knots that give the same spline (exactly, where the old knots are among the new)."""
        return respline(self.values.detach(), self.knots, knots)


class SplineLattice(FreeLattice):
    """Free-form deformation: the control points' displacements are themselves what is fitted."""

    def coefficients(self) -> Tensor:
        return self.values


class VelocityLattice(FreeLattice):
    """The coefficients are the exponential of a stationary velocity on the control points.

    Scaling and squaring (Arsigny et al., MICCAI 2006) with linear interpolation between control points. The result is
    again a cubic B-spline, so its derivatives and its export are exact; it folds far less easily than free coefficients.
    How often the time is doubled is decided by the velocity that it is made with.
    """

    def __init__(self, knots: Knots, parameters: Tensor) -> None:
        super().__init__(knots, parameters)
        self.squarings = enough_squarings(parameters, knots)

    def restart(self, velocity: Tensor) -> None:
        """Take on another velocity."""
        with torch.no_grad():
            self.values.copy_(velocity)
        self.squarings = enough_squarings(velocity, self.knots)

    def coefficients(self) -> Tensor:
        return exponential(self.values, self.knots, self.squarings)


def enough_squarings(velocity: Tensor, knots: Knots) -> int:
    """How often a time must be doubled for its first part to be short everywhere; fewest and most are ``SQUARINGS``."""
    fastest = float(velocity.detach().abs().max()) / min(knots.step)
    squarings, most = SQUARINGS
    while squarings < most and fastest > SHORT * 2**squarings:
        squarings += 1
    return squarings


def exponential(velocity: Tensor, knots: Knots, squarings: int) -> Tensor:
    """Displacements ``(3, nk, nj, ni)`` after unit time along a stationary velocity on the control points."""
    if compiled.usable(velocity):
        from inr_registration.numerics.kernels.exponential import exponential as fast  # loading the compiler takes a second

        return fast(velocity, (1 / knots.step[0], 1 / knots.step[1], 1 / knots.step[2]), squarings)
    shape = velocity.shape[1:]
    axes = [torch.linspace(-1, 1, n, dtype=velocity.dtype, device=velocity.device) for n in shape]
    identity = torch.stack(torch.meshgrid(*axes, indexing="ij")[::-1])
    scale = constant(tuple(2 / ((n - 1) * step) for n, step in zip(knots.count, knots.step, strict=True)), velocity)
    moved: Tensor = velocity / 2**squarings
    for _ in range(squarings):
        moved = moved + sample(moved, identity + moved * scale[:, None, None, None])
    return moved


def evaluate_at_points(coefficients: Tensor, knots: Knots, points: Tensor, order: int = 0) -> Jet:
    """Gather the 64 control points that reach each of ``(3, ...)`` points; exact derivatives of the spline."""
    shape, flat = points.shape[1:], points.reshape(3, -1)
    learns = torch.is_grad_enabled() and (coefficients.requires_grad or points.requires_grad)
    if order < 2 and not learns and points.dtype == torch.float32 and compiled.usable(coefficients):
        from inr_registration.numerics.kernels.at_points import at_points  # loading the compiler takes a second

        value, slopes = at_points(coefficients.detach().numpy(), knots, flat.detach().numpy(), order == 1)
        first = None if slopes is None else torch.from_numpy(slopes).reshape(3, 3, *shape)
        return Jet(torch.from_numpy(value).reshape(3, *shape), first)
    places = [locate(flat[d], knots.start[d], knots.step[d], knots.count[d]) for d in range(3)]
    reach = torch.arange(4, device=points.device)
    (i, _), (j, _), (k, _) = places
    row = (k[:, None] + reach)[:, :, None, None] * knots.count[1] + (j[:, None] + reach)[:, None, :, None]
    index = row * knots.count[0] + (i[:, None] + reach)[:, None, None, :]
    # gather, not indexing: the gradient of indexing adds up in another order in every run
    near = coefficients.reshape(3, -1).gather(1, index.reshape(1, -1).expand(3, -1)).reshape(3, -1, 4, 4, 4)

    def blend(powers: tuple[int, int, int]) -> Tensor:
        w = [basis(places[d][1], powers[d]) / knots.step[d] ** powers[d] for d in range(3)]
        along_i = torch.einsum("cnkji,ni->cnkj", near, w[0])
        return torch.einsum("cnkj,nj,nk->cn", along_i, w[1], w[2]).reshape(3, *shape)

    first = torch.stack([blend(_powers(d)) for d in range(3)], dim=1) if order >= 1 else None
    second = torch.stack([blend(_powers(d, e)) for d, e in PAIRS], dim=1) if order >= 2 else None
    return Jet(blend((0, 0, 0)), first, second)


def evaluate_on_cells(coefficients: Tensor, knots: Knots, offset: Sequence[float] | Tensor, order: int) -> Jet:
    """The jet at one position in every cell of the lattice, ``(3, ck, cj, ci)`` and so on."""
    return evaluate_on_axes(coefficients, knots, [knots.sites(d, offset[d], coefficients) for d in range(3)], order)


def evaluate_on_axes(coefficients: Tensor, knots: Knots, positions: list[Tensor], order: int) -> Jet:
    """The jet at every combination of positions along x, y, z, ``(3, k, j, i)`` and so on: separable, no gathers."""
    matrices = [
        [axis_matrix(x, knots.start[d], knots.step[d], knots.count[d], power).to(coefficients) for power in range(order + 1)]
        for d, x in enumerate(positions)
    ]

    def blend(powers: tuple[int, int, int]) -> Tensor:
        return apply_axes(coefficients, *(matrices[d][powers[d]] for d in (2, 1, 0)))

    first = torch.stack([blend(_powers(d)) for d in range(3)], dim=1) if order >= 1 else None
    second = torch.stack([blend(_powers(d, e)) for d, e in PAIRS], dim=1) if order >= 2 else None
    return Jet(blend((0, 0, 0)), first, second)


def respline(coefficients: Tensor, old: Knots, new: Knots) -> Tensor:
    """Coefficients on the new knots that interpolate the old spline; beyond its valid range its border value goes on."""
    matrices = []
    for axis in (2, 1, 0):
        sites, solve = interpolating_matrix(new.count[axis])
        x = new.start[axis] + sites * new.step[axis]
        values = axis_matrix(x, old.start[axis], old.step[axis], old.count[axis])
        matrices.append((solve @ values).to(coefficients))
    return apply_axes(coefficients, *matrices).contiguous()


def _powers(*axes: int) -> tuple[int, int, int]:
    """How often a derivative differentiates along x, y, z."""
    return axes.count(0), axes.count(1), axes.count(2)


def field_for(asked: Asked) -> FreeLattice:
    """A lattice is refined to the stage's control points."""
    before = asked.before
    values = before.refined(asked.knots) if isinstance(before, FreeLattice) else torch.zeros(3, *asked.knots.shape)
    return (VelocityLattice if asked.representation.kind == "velocity" else SplineLattice)(asked.knots, values)
