"""One iteration of a stage: launched piece by piece, or recorded once by a GPU and repeated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from inr_registration.numerics.held import Held
from inr_registration.optimise.adam import Adam

WARM_UP = 2
"""Iterations before the recording, in which libraries make what they keep."""
ALIKE = 0.05
"""By which share of a step the recorded iteration may differ from the same one launched piece by piece: sums on a GPU have no order."""

Seen = tuple[dict[str, Tensor], Tensor]
"""The weighted terms of an iteration, and their sum."""
Repeat = Callable[[], None]


@dataclass(frozen=True)
class Objective:
    """What a stage minimises.

    Args:
        terms: Compares and regularises: the weighted terms of one iteration, called anew in each.
        parameters: What is fitted.
        rate: First step of Adam, in the unit of the parameters.
        betas: Of Adam.
        name: Of the stage, for curves.
        draw: Called before ``terms`` in each iteration, to put what changes from one to the next, such as random numbers, into
            tensors that stay where they are. ``terms`` then asks nothing of the CPU, and a GPU can repeat it by itself. None where
            ``terms`` sees to that itself.
        steady: Whether the weights of its terms stay as they are, so that its first and its last value can be compared.
    """

    terms: Callable[[], dict[str, Tensor]]
    parameters: list[Tensor]
    rate: float
    betas: tuple[float, float]
    name: str
    draw: Callable[[], None] | None = None
    steady: bool = True

    def evaluate(self) -> dict[str, Tensor]:
        """Draw, and give the weighted terms."""
        if self.draw is not None:
            self.draw()
        return self.terms()


class Step(Protocol):
    """Iterations, one after another."""

    optimiser: Adam
    note: str

    def __call__(self, rate: float) -> Seen:
        """Evaluate the objective and step; what was evaluated holds until the next call."""


class Recorder(Protocol):
    """Records what is done on a device."""

    def apart(self, work: Callable[[], None]) -> None:
        """Do something as it is done while it is recorded."""

    def record(self, work: Callable[[], None]) -> Repeat:
        """Record what a function does on the device, without doing it there; gives what does it again."""


def new_step(objective: Objective, optimiser: Adam) -> Step:
    """Recorded where a GPU can repeat it, else launched piece by piece."""
    if objective.draw is not None and all(parameter.is_cuda for parameter in objective.parameters):
        return Recorded(objective, optimiser, CudaGraphs(objective.parameters[0].device))
    return Plain(objective, optimiser)


class Plain:
    """Iterations whose pieces are launched one by one.

    Args:
        objective: What to minimise.
        optimiser: Of its parameters.
    """

    note = ""

    def __init__(self, objective: Objective, optimiser: Adam) -> None:
        self.objective, self.optimiser = objective, optimiser

    def __call__(self, rate: float) -> Seen:
        self.optimiser.forget_gradients()
        terms = self.objective.evaluate()
        total = _sum(terms)
        total.backward()
        self.optimiser.step(rate)
        return terms, total


class Recorded:
    """Iterations that are recorded once and then repeated as a whole, so that the device never waits for the next launch.

    The first repetition is compared with the same iteration launched piece by piece. Where they differ, or nothing can be
    recorded, the iterations go on piece by piece and ``note`` says why.

    Args:
        objective: What to minimise; has ``draw``.
        optimiser: Of its parameters.
        recorder: Of the device.
    """

    def __init__(self, objective: Objective, optimiser: Adam, recorder: Recorder) -> None:
        assert objective.draw is not None
        self.objective, self.optimiser, self.recorder = objective, optimiser, recorder
        self.draw = objective.draw
        self.numbers = Held(objective.parameters[0].device)
        self.done = 0
        self.note = ""
        self.seen: Seen = ({}, torch.empty(0))
        self.repeat: Repeat | None = None

    def __call__(self, rate: float) -> Seen:
        self.draw()
        self.numbers.take(torch.tensor(self.optimiser.next(rate)))
        self.done += 1
        if self.repeat is not None:
            self.repeat()
        elif self.done <= WARM_UP:
            self.recorder.apart(self._whole)
        elif self.done == WARM_UP + 1:
            self._record()
        else:
            self._whole()
        return self.seen

    def _whole(self) -> None:
        """The iteration itself, for the numbers that were taken."""
        terms = self.objective.terms()
        total = _sum(terms)
        gradients = torch.autograd.grad(total, self.objective.parameters, allow_unused=True)
        self.optimiser.step_by(gradients, self.numbers.tensor)
        self.seen = {name: value.detach() for name, value in terms.items()}, total.detach()

    def _record(self) -> None:
        """Record the iteration, and do it: once repeated, for comparison, then piece by piece."""
        before = _copies(self._state)
        try:
            repeat = self.recorder.record(self._whole)
            of_record = self.seen
            repeat()
        except RuntimeError as error:  # whatever a driver says; without a record the fit is slower, not worse
            _put(self._state, before)
            self.note = f"the steps could not be recorded on the GPU and were launched one by one ({str(error).splitlines()[0]})"
            self._whole()
            return
        repeated = _copies(self.objective.parameters)
        _put(self._state, before)
        self._whole()
        if alike(before, repeated, self.objective.parameters):
            self.repeat, self.seen = repeat, _kept(of_record, self.seen)
        else:
            self.note = "a step recorded on the GPU differed from one launched piece by piece, so all were launched so"

    @property
    def _state(self) -> list[Tensor]:
        return [*self.objective.parameters, *self.optimiser.means, *self.optimiser.squares]


def alike(before: Sequence[Tensor], some: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    """Whether two steps from the same place, lists of tensors, differ on average by no more than ``ALIKE`` of their length."""
    with torch.no_grad():
        gaps = torch.stack([(a - b).abs().mean() for a, b in zip(some, others, strict=True)])
        steps = torch.stack([(b - a).abs().mean() for a, b in zip(before, others, strict=False)])
        return bool((gaps <= ALIKE * steps).all())


class CudaGraphs:
    """Records on a GPU, in a stream of its own.

    Args:
        device: The GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self.device, self.stream = device, torch.cuda.Stream(device)

    def apart(self, work: Callable[[], None]) -> None:
        """Do something in the stream in which it will be recorded; what follows in the usual stream waits for it."""
        usual = torch.cuda.current_stream(self.device)
        self.stream.wait_stream(usual)
        with torch.cuda.stream(self.stream):
            work()
        usual.wait_stream(self.stream)

    def record(self, work: Callable[[], None]) -> Repeat:
        """Record what a function does; only this thread is kept from what cannot be recorded, others may use the GPU meanwhile."""
        graph, usual = torch.cuda.CUDAGraph(), torch.cuda.current_stream(self.device)
        try:
            with torch.cuda.graph(graph, stream=self.stream, capture_error_mode="thread_local"):
                work()
        finally:
            torch.cuda.set_stream(usual)  # a recording that fails leaves its own
        return graph.replay


def _sum(terms: dict[str, Tensor]) -> Tensor:
    return torch.stack(list(terms.values())).sum()


def _copies(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [tensor.detach().clone() for tensor in tensors]


@torch.no_grad()
def _put(tensors: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    for tensor, value in zip(tensors, values, strict=True):
        tensor.copy_(value)


def _kept(places: Seen, values: Seen) -> Seen:
    """The tensors that the recorded iteration writes to, holding what was seen without it."""
    for place, value in zip((*places[0].values(), places[1]), (*values[0].values(), values[1]), strict=True):
        place.copy_(value)
    return places
