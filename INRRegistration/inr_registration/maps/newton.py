"""Points that a map takes to given ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def newton(phi: Any, jacobian: Any, target: Array, guess: Array, steps: int = 30, tolerance_mm: float = 1e-3) -> Array:
    """Solve ``phi(x) = target`` for (n, 3) points by Newton steps, halved wherever they do not reduce the distance.

    Args:
        phi: (n, 3) -> (n, 3).
        jacobian: (n, 3) -> (n, 3, 3), its derivative.
        target: (n, 3).
        guess: (n, 3) to start from.
        steps: Most steps.
        tolerance_mm: A point is done once it is this close.
    """
    x, residual = guess.copy(), target - phi(guess)
    size, damping = np.linalg.norm(residual, axis=1), np.ones(len(guess))
    for _ in range(steps):
        open_ = np.flatnonzero((size > tolerance_mm) & (damping > 1e-3))
        if not len(open_):
            break
        derivative = jacobian(x[open_])
        safe = np.where(np.abs(np.linalg.det(derivative))[:, None, None] > 0.05, derivative, np.eye(3))
        step = np.linalg.solve(safe, residual[open_][:, :, None])[:, :, 0]
        tried = x[open_] + damping[open_, None] * step
        left = target[open_] - phi(tried)
        better = np.linalg.norm(left, axis=1) < size[open_]
        won = open_[better]
        x[won], residual[won], size[won] = tried[better], left[better], np.linalg.norm(left[better], axis=1)
        damping[won], damping[open_[~better]] = 1.0, damping[open_[~better]] / 2
    return x
