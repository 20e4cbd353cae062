"""A field and its derivatives at a set of points."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
"""Order of the six unique second derivatives."""


@dataclass(frozen=True)
class Jet:
    """Value, first and second derivatives of a displacement field.

    Args:
        value: ``(3, ...)`` displacement.
        first: ``(3, 3, ...)``, ``[i, d] = du_i/dx_d``; None if not asked for.
        second: ``(3, 6, ...)``, ``[i, q] = d2u_i/dx_d dx_e`` with ``(d, e) = PAIRS[q]``; None if not asked for.
    """

    value: Tensor
    first: Tensor | None = None
    second: Tensor | None = None


def determinant(matrix: Tensor) -> Tensor:
    """Determinant of ``(3, 3, ...)`` matrices, ``(...)``, written out (no batched LAPACK)."""
    (a, b, c), (d, e, f), (g, h, i) = matrix
    det: Tensor = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    return det


def jacobian_determinant(first: Tensor) -> Tensor:
    """det(I + du/dx) of ``(3, 3, ...)`` displacement gradients, ``(...)``."""
    identity = torch.eye(3, dtype=first.dtype, device=first.device)
    return determinant(first + identity.reshape(3, 3, *[1] * (first.dim() - 2)))


def cofactors(matrix: Tensor) -> Tensor:
    """Cofactor matrices of ``(3, 3, ...)`` matrices, same shape: ``det(A)`` times the transposed inverse of A."""
    (a, b, c), (d, e, f), (g, h, i) = matrix
    rows = [(e * i - f * h, f * g - d * i, d * h - e * g), (c * h - b * i, a * i - c * g, b * g - a * h)]
    rows.append((b * f - c * e, c * d - a * f, a * e - b * d))
    return torch.stack([torch.stack(row) for row in rows])


def inverse_times(matrix: Tensor, vector: Tensor) -> Tensor:
    """Solve ``(3, 3, ...)`` systems for ``(3, ...)`` right-hand sides by cofactors."""
    (a, b, c), (d, e, f), (g, h, i) = matrix
    x, y, z = vector
    det = determinant(matrix)
    return torch.stack(
        [
            ((e * i - f * h) * x + (c * h - b * i) * y + (b * f - c * e) * z) / det,
            ((f * g - d * i) * x + (a * i - c * g) * y + (c * d - a * f) * z) / det,
            ((d * h - e * g) * x + (b * g - a * h) * y + (a * e - b * d) * z) / det,
        ]
    )
