"""Adam, without what else comes with ``torch.optim``: importing that takes seconds, longer than many a fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

EPSILON = 1e-8


class Adam:
    """Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1.

    Args:
        parameters: What is fitted, changed in place.
        betas: Shares of the running means of the gradient and of its square that are kept in each step.
    """

    def __init__(self, parameters: Iterable[Tensor], betas: tuple[float, float] = (0.9, 0.999)) -> None:
        self.parameters, self.betas = list(parameters), betas
        self.means = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.squares = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.steps = 0

    def forget_gradients(self) -> None:
        """Begin a new evaluation of the objective."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Go one step along the gradients that the parameters hold; one without a gradient stays where it is.

        Args:
            rate: Length of a step where the gradient keeps its direction, in the unit of the parameters.
        """
        size, scale = self.next(rate)
        for parameter, mean, square in self._averaged([parameter.grad for parameter in self.parameters]):
            parameter.addcdiv_(mean, (square.sqrt() / scale).add_(EPSILON), value=-size)

    def next(self, rate: float) -> tuple[float, float]:
        """Count a step: how long it is, and what the root of the mean of squares is divided by, without bias."""
        self.steps += 1
        first, second = self.betas
        return rate / (1 - first**self.steps), (1 - second**self.steps) ** 0.5

    @torch.no_grad()
    def step_by(self, gradients: Sequence[Tensor | None], numbers: Tensor) -> None:
        """The same step where both numbers of ``next`` are on the device, (2,): for work that is recorded once and repeated.

        In the order in which ``addcdiv_`` has it, so that the bits are the same. A last digit would not stay one: where a gradient
        is next to nothing, the step has full length, in the direction that rounding gives it.
        """
        size, scale = numbers.unbind()
        for parameter, mean, square in self._averaged(gradients):
            parameter.sub_(mean.mul(size).div_((square.sqrt() / scale).add_(EPSILON)))

    def _averaged(self, gradients: Sequence[Tensor | None]) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Each parameter that has a gradient, with its running means once they know of that."""
        first, second = self.betas
        for parameter, gradient, mean, square in zip(self.parameters, gradients, self.means, self.squares, strict=True):
            if gradient is not None:
                mean.lerp_(gradient, 1 - first)
                square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
                yield parameter, mean, square
