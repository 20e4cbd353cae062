"""Our Adam against torch's, and that it comes without what makes torch's slow to load."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from inr_registration.optimise import Adam


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.8, 0.95)])
def test_steps_are_those_of_torch(betas: tuple[float, float]) -> None:
    generator = torch.Generator().manual_seed(0)
    start = [torch.randn(3, 4, generator=generator, dtype=torch.float64), torch.randn(5, generator=generator, dtype=torch.float64)]
    ours, theirs = ([value.clone().requires_grad_(True) for value in start] for _ in range(2))
    mine, reference = Adam(ours, betas), torch.optim.Adam(theirs, lr=1.0, betas=betas)
    for number in range(30):
        rate = 0.1 / (1 + number)
        for group in reference.param_groups:
            group["lr"] = rate
        for parameters, optimiser in ((ours, mine), (theirs, reference)):
            for parameter in parameters:
                parameter.grad = None
            sum(((parameter - 2) ** 4).sum() for parameter in parameters).backward()
            optimiser.step(rate) if isinstance(optimiser, Adam) else optimiser.step()
    assert not torch.equal(ours[0], start[0])
    for found, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", [1.0, 1e-6, 1e-14])
def test_both_kinds_of_step_give_the_same_bits(size: float) -> None:
    """A difference in the last digit of a tiny gradient would become a step of full length in another direction."""
    random = torch.Generator().manual_seed(2)
    start = torch.rand(2000, generator=random)
    one, other = (torch.nn.Parameter(start.clone()) for _ in range(2))
    plain, recorded = Adam([one]), Adam([other])
    for rate in torch.linspace(0.1, 0.003, 40).tolist():
        gradient = size * torch.randn(2000, generator=random)
        one.grad = gradient
        plain.step(rate)
        recorded.step_by([gradient], torch.tensor(recorded.next(rate)))
        assert torch.equal(one, other)


def test_a_parameter_without_a_gradient_stays_and_gradients_can_be_forgotten() -> None:
    free = [torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)]
    optimiser = Adam(free)
    (free[0] ** 2).sum().backward()
    optimiser.step(0.1)
    assert free[0].tolist() != [1, 1]
    assert free[1].tolist() == [1, 1]
    optimiser.forget_gradients()
    assert all(parameter.grad is None for parameter in free)


def test_a_registration_loads_neither_the_compiler_of_torch_nor_what_only_tubes_need() -> None:
    said = subprocess.run(
        [sys.executable, "-c", SMALL_RUN],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    ).stdout
    assert said.split() == ["finished"]


SMALL_RUN = """
import sys
import numpy as np
from inr_registration.core.grid import Grid
from inr_registration.core.problem import Problem
from inr_registration.core.settings import Settings, Stage
from inr_registration.core.volume import Volume
from inr_registration.app.registration import register
grid = Grid.from_geometry((16, 16, 16), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), np.eye(3))
k, j, i = np.meshgrid(*[np.arange(16.0)] * 3, indexing="ij")
volume = Volume(np.sin(i / 3 + j / 5 + k / 4).astype(np.float32), grid, "waves")
result = register(Problem(volume, volume), Settings(stages=(Stage(1, 2, 0.5),), device="cpu"))
print("finished" if result.transform is not None else result.message)
print(*(name for name in ("torch._dynamo", "scipy.interpolate", "scipy.spatial") if name in sys.modules))
"""
