"""What to go back to when a fit diverges."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

HALVINGS = 3
"""So often a stage goes back to its best state and goes on with half the step, before it is given up."""
WORSE = (0.05, 0.01)
"""A stage ended worse than it began if its objective is higher by more than this share of it plus this number: less is chance."""


class Diverged(Exception):
    """The objective became infinite or undefined, also with shorter steps; the parameters are those of the best state.

    Args:
        cause: What was seen.
        found: Whether the objective was ever a finite number.
    """

    def __init__(self, cause: str, found: bool) -> None:
        super().__init__(cause)
        self.found = found


class Guard:
    """Keeps the parameters at the lowest finite objective that was read in a stage, and shortens the steps.

    Args:
        parameters: What is fitted. What they are now is the best until an objective is read.
    """

    def __init__(self, parameters: Iterable[Tensor]) -> None:
        self.parameters = list(parameters)
        self.best = self.copy()
        self.first = self.last = self.lowest = math.inf
        self.halvings = 0

    @property
    def rate(self) -> float:
        """Factor of the step size."""
        return 0.5**self.halvings

    def copy(self) -> list[Tensor]:
        """The parameters as they are now."""
        return [parameter.detach().clone() for parameter in self.parameters]

    def saw(self, objective: float, parameters: list[Tensor]) -> None:
        """Take note of a finite objective and of the parameters that it was computed with."""
        self.first = objective if self.first == math.inf else self.first
        self.last = objective
        if objective <= self.lowest:
            self.lowest, self.best = objective, parameters

    @property
    def worsened(self) -> bool:
        """Whether the objective is clearly higher than at the beginning."""
        share, more = WORSE
        return self.last > self.first + share * abs(self.first) + more

    @torch.no_grad()
    def go_back(self) -> None:
        """Put the best parameters back."""
        for parameter, best in zip(self.parameters, self.best, strict=True):
            parameter.copy_(best)

    def shorten(self, cause: str) -> None:
        """Go back, and halve the steps from now on.

        Raises:
            Diverged: They were halved often enough.
        """
        self.go_back()
        if self.halvings == HALVINGS:
            raise Diverged(f"{cause}, also with steps {2**HALVINGS} times shorter", math.isfinite(self.lowest))
        self.halvings += 1
