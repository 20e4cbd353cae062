"""How irregular a displacement field is: means over points of textbook densities, so independent of how many there are.

Derivatives are per mm: Jacobians without unit, second derivatives in mm^-1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

import torch
from torch import Tensor

from inr_registration.core.catalogue import REGULARITY_TERMS
from inr_registration.core.errors import InputError
from inr_registration.numerics.constants import constant
from inr_registration.numerics.jet import PAIRS, Jet, cofactors, determinant, jacobian_determinant

FLOOR = 0.1
"""Below this determinant the symmetric Jacobian term and the volume term of hyperelastic go on as a straight line."""


def jacobian(first: Tensor) -> Tensor:
    """Mean of |det J - 1| (IDIR and the geometry-informed INR)."""
    return (jacobian_determinant(first) - 1).abs().mean()


def symmetric_jacobian(first: Tensor) -> Tensor:
    """Mean of ``(det J - 1) + (1 / det J - 1)``, which punishes halving and doubling alike.

    van Harten et al., IEEE TMI 43(2), 2024. There the determinant is clipped to [0.1, 10], so that a folded point feels
    no force; here the term goes on as its tangent below 0.1 (value 8.1, slope -99), and unclipped above.
    """
    return symmetric_density(jacobian_determinant(first)).mean()


def symmetric_density(det: Tensor) -> Tensor:
    """The symmetric Jacobian term at each determinant, same shape."""
    safe = det.clamp(min=FLOOR)
    line = (1 - 1 / FLOOR**2) * (det - FLOOR).clamp(max=0)
    return safe + 1 / safe - 2 + line


def hyperelastic(first: Tensor) -> Tensor:
    """Mean of the stored energy of lengths, areas and volumes, all with weight 1, as IDIR has it.

    ``|grad u|^2 / 2 + sum_columns max(|cof J column|^2 - 1, 0)^2 + (det J - 1)^4 / det J^2``: Burger, Modersitzki and
    Ruthotto, "A hyperelastic regularization energy for image registration", SIAM J. Sci. Comput. 35(1), 2013; areas may
    shrink at no cost. Their energy is infinite wherever det J <= 0. The formula alone is not: beyond 0 it is finite and
    falls, so that a step which jumps over 0 is pushed further. Here the volume part goes on as its tangent below
    det J = 0.1 (value 65.61, slope -1603.8): every folded point feels a force back.
    """
    identity = torch.eye(3, dtype=first.dtype, device=first.device)
    matrix = first + identity.reshape(3, 3, *[1] * (first.dim() - 2))
    length = (first**2).sum(dim=(0, 1)) / 2
    areas = ((cofactors(matrix) ** 2).sum(dim=0) - 1).clamp(min=0) ** 2
    return (length + areas.sum(dim=0) + volume_density(determinant(matrix))).mean()


def volume_density(det: Tensor) -> Tensor:
    """The volume term of the hyperelastic energy at each determinant, same shape."""
    safe = det.clamp(min=FLOOR)
    slope = 4 * (FLOOR - 1) ** 3 / FLOOR**2 - 2 * (FLOOR - 1) ** 4 / FLOOR**3
    return (safe - 1) ** 4 / safe**2 + slope * (det - FLOOR).clamp(max=0)


def diffusion(first: Tensor, knee: float = 0.0) -> Tensor:
    """Mean of the squared Frobenius norm g^2 of du/dx, or of ``2 k^2 (sqrt(1 + g^2 / k^2) - 1)`` with a knee k above 0.

    The latter is g^2 below the knee and 2 k g above, the pseudo-Huber form (Charbonnier et al., IEEE TIP 6(2), 1997) of total
    variation, which lets organs slide along each other (Vishnevskiy et al., IEEE TMI 36(2), 2017, without a knee).
    """
    square = (first**2).sum(dim=(0, 1))
    if knee <= 0:
        return square.mean()
    return (2 * square / (1 + (1 + square / knee**2).sqrt())).mean()


def bending(second: Tensor) -> Tensor:
    """Mean of the sum of all 27 squared second derivatives, in mm^-2 (Rueckert et al. 1999, eq. 7, with all cross terms)."""
    factors = constant(tuple(1.0 if d == e else 2.0 for d, e in PAIRS), second)
    squares = (second**2).flatten(2).mean(dim=2).sum(dim=0)
    return (factors * squares).sum()


def order_needed(weights: Mapping[str, float]) -> int:
    """How many derivatives the terms with a positive weight need: 0, 1 or 2."""
    return max((REGULARITY_TERMS[name].order for name, weight in weights.items() if weight > 0), default=0)


def regularity(weights: Mapping[str, float], jet: Jet, knee: float = 0.0) -> dict[str, Tensor]:
    """Each weighted regularity term of a field, by name; the knee is that of diffusion."""
    values: dict[str, Tensor] = {}
    for name, weight in weights.items():
        if weight <= 0:
            continue
        derivatives = jet.second if REGULARITY_TERMS[name].order == 2 else jet.first
        if derivatives is None:
            raise InputError(f"the field gives no derivatives of order {REGULARITY_TERMS[name].order}, which '{name}' needs; set it to 0")
        values[name] = weight * (diffusion(derivatives, knee) if name == "diffusion" else _term(name)(derivatives))
    return values


def _term(name: str) -> Callable[[Tensor], Tensor]:
    found: Callable[[Tensor], Tensor] = getattr(import_module(f"{__package__}.{REGULARITY_TERMS[name].module}"), name)
    return found


def in_millimetres(jet: Jet, axes: Tensor) -> Jet:
    """Turn derivatives by unit coordinates into derivatives by mm.

    Args:
        jet: Displacement and derivatives in unit coordinates.
        axes: ``(3, 3)`` matrix S with mm = S @ unit: value -> S u, Jacobian -> S G S^-1, second -> S H[S^-1, S^-1].
    """
    inverse = torch.linalg.inv(axes)
    value = torch.einsum("ab,b...->a...", axes, jet.value)
    first = None if jet.first is None else torch.einsum("ab,bc...,cd->ad...", axes, jet.first, inverse)
    if jet.second is None:
        return Jet(value, first)
    full = torch.stack([jet.second[:, [0, 3, 4]], jet.second[:, [3, 1, 5]], jet.second[:, [4, 5, 2]]], dim=1)
    moved = torch.einsum("ab,bcd...,ce,df->aef...", axes, full, inverse, inverse)
    return Jet(value, first, torch.stack([moved[:, d, e] for d, e in PAIRS], dim=1))
