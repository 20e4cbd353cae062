"""Compiled scaling and squaring and regularity against torch in double precision, and the fit with and without a compiler."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from analytic import blobs, centred, wave
from torch import Tensor

from inr_registration.app import register
from inr_registration.core import Affine, Problem, Settings, Stage, Volume
from inr_registration.fields import evaluate_on_cells, exponential
from inr_registration.numerics import TERMS, Knots, mean_density
from inr_registration.numerics import kernels as compiled
from inr_registration.terms.regularity import regularity

KNOTS = Knots((-3.0, 1.0, 0.0), (2.0, 2.5, 3.0), (13, 15, 12))
LARGE = Knots((-3.0, 1.0, 0.0), (2.0, 2.5, 3.0), (41, 43, 47))
OFFSET = (0.3, 0.85, 0.1)


def random_values(knots: Knots, smooth: float, rough: float) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    coarse = torch.randn(1, 3, 4, 4, 4, generator=generator) * smooth
    fine = torch.randn(3, *knots.shape, generator=generator) * rough
    return torch.nn.functional.interpolate(coarse, size=knots.shape, mode="trilinear")[0] + fine


def slopes(function: Callable[[Tensor], Tensor], values: Tensor) -> tuple[Tensor, Tensor]:
    free = values.clone().requires_grad_(True)
    out = function(free)
    pull = torch.randn(out.shape, generator=torch.Generator().manual_seed(4)).to(out)
    (out * pull).sum().backward()
    assert free.grad is not None
    return out.detach().double(), free.grad.double()


def differs(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize("knots", [KNOTS, LARGE], ids=["one part", "several parts"])
def test_the_exponential_and_its_derivative_are_those_of_double_precision(knots: Knots) -> None:
    velocity = random_values(knots, 5.0, 0.2)
    assert compiled.usable(velocity)
    assert not compiled.usable(velocity.double())
    found = slopes(lambda v: exponential(v, knots, 5), velocity)
    expected = slopes(lambda v: exponential(v, knots, 5), velocity.double())
    assert differs(found[0], expected[0]) < 1e-5
    assert differs(found[1], expected[1]) < 1e-3


@pytest.mark.parametrize(("name", "knee"), [*((name, 0.0) for name in TERMS), ("diffusion", 0.3)])
@pytest.mark.parametrize("knots", [KNOTS, LARGE], ids=["one part", "several parts"])
@pytest.mark.parametrize("rough", [0.05, 1.5], ids=["smooth", "folding"])
def test_a_regularity_term_and_its_derivative_are_those_of_double_precision(name: str, knee: float, knots: Knots, rough: float) -> None:
    values = random_values(knots, 2.0, rough)
    first = evaluate_on_cells(values.double(), knots, OFFSET, 1).first
    assert first is not None
    folds = bool((torch.linalg.det((first + torch.eye(3)[:, :, None, None, None].double()).permute(2, 3, 4, 0, 1)) < 0).any())
    assert folds == (rough > 1)
    found = slopes(lambda v: mean_density(name, v, knots, OFFSET, knee), values)
    expected = slopes(lambda v: regularity({name: 1.0}, evaluate_on_cells(v, knots, OFFSET, 1), knee)[name], values.double())
    assert differs(found[0], expected[0]) < 1e-5
    assert differs(found[1], expected[1]) < 1e-4


def test_a_registration_is_the_same_with_and_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = centred((30, 28, 26), 2.0)
    fixed = Volume(blobs(wave(grid.all_points())).astype("float32"), grid, "fixed")
    moving = Volume(blobs(grid.all_points()).astype("float32"), grid, "moving")
    settings = Settings(affine=Affine("none"), stages=(Stage(2, 15, 0.8), Stage(1, 15, 0.8)), device="cpu")
    fast = register(Problem(fixed, moving), settings)
    monkeypatch.setattr(compiled, "_has_compiler", lambda: False)
    slow = register(Problem(fixed, moving), settings)
    assert fast.displacement is not None
    assert slow.displacement is not None
    for quick, plain in zip(fast.history, slow.history, strict=True):
        assert quick.terms["total"][0] == pytest.approx(plain.terms["total"][0], rel=0.01)
        assert quick.terms["total"][-1] == pytest.approx(plain.terms["total"][-1], rel=0.05)  # Adam magnifies rounding
        assert quick.terms.keys() == plain.terms.keys()
    points = grid.all_points().reshape(-1, 3)
    errors = [abs(points + made.displacement.reshape(-1, 3) - wave(points)).mean() for made in (fast, slow)]
    assert errors[0] == pytest.approx(errors[1], rel=0.05)  # Adam magnifies rounding where there is no slope
