"""How long the steps are, and when a stage has nothing more to gain."""

from __future__ import annotations

import math


class RelativeGain:
    """Stops once the smoothed objective fell by less than ``tolerance`` of its size over ``patience`` iterations.

    The smoothed objective is ``m_t = 0.9 m_(t-1) + 0.1 f_t``. A tolerance of 0 never stops.

    Args:
        tolerance: Relative gain.
        patience: Iterations.
    """

    def __init__(self, tolerance: float, patience: int) -> None:
        self.tolerance, self.patience = tolerance, patience
        self.smoothed: list[float] = []

    def done(self, objective: float) -> bool:
        """Take the next value of the objective and say whether to stop."""
        last = self.smoothed[-1] if self.smoothed else objective
        self.smoothed.append(0.9 * last + 0.1 * objective)
        if self.tolerance <= 0 or len(self.smoothed) <= self.patience:
            return False
        earlier, now = self.smoothed[-1 - self.patience], self.smoothed[-1]
        return earlier - now < self.tolerance * max(abs(earlier), 1e-12)


def cosine(share: float, end: float) -> float:
    """Learning rate over the first, falling from 1 to ``end`` along a half cosine as ``share`` goes from 0 to 1."""
    return end + (1 - end) * 0.5 * (1 + math.cos(math.pi * min(share, 1)))
