from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from inr_registration.fields import Network, ReluMlp, Siren, SumsOfProducts
from inr_registration.numerics import PAIRS, jacobian_determinant
from inr_registration.terms import bending

SHAPES = [(24, 1), (24, 2), (16, 3), (12, 5)]


def cube(count: int, seed: int = 1) -> Tensor:
    """Uniform points in [-1, 1]^3, (3, count)."""
    return 2 * torch.rand(3, count, generator=torch.Generator().manual_seed(seed)) - 1


def make(kind: str, width: int, depth: int, seed: int = 0, zero_start: bool = False) -> Network:
    generator = torch.Generator().manual_seed(seed)
    return Siren(width, depth, 8.0, zero_start, generator) if kind == "siren" else ReluMlp(width, depth, zero_start, generator)


def test_the_siren_starts_with_the_published_statistics() -> None:
    spread, bias, slope, energy, folded = [], [], [], [], []
    points = cube(3000)
    for seed in range(6):
        with torch.no_grad():
            jet = Siren(256, 3, 32.0, False, torch.Generator().manual_seed(seed)).evaluate(points, 2)
        assert jet.first is not None
        assert jet.second is not None
        spread.append(float(jet.value.std(dim=1).mean()))
        bias.append(float(jet.value.mean(dim=1).abs().mean()))
        slope.append(float(jet.first.std(dim=2).mean()))
        energy.append(float(bending(jet.second)))
        folded.append(float((jacobian_determinant(jet.first) <= 0).float().mean()))
    assert sum(spread) / 6 == pytest.approx(0.0195, abs=0.003)
    assert sum(bias) / 6 == pytest.approx(0.032, abs=0.012)
    assert sum(slope) / 6 == pytest.approx(0.183, abs=0.01)
    assert sum(energy) / 6 == pytest.approx(160, rel=0.15)
    assert max(folded) == 0


def test_initial_weights_fill_their_published_bounds() -> None:
    network = Siren(256, 3, 32.0, False, torch.Generator().manual_seed(3))
    bounds = [1 / 3, *[math.sqrt(6 / 256) / 32] * 3]
    for weight, bound in zip(network.weights, bounds, strict=True):
        assert float(weight.detach().abs().max()) == pytest.approx(bound, rel=0.05)
        assert float(weight.detach().abs().max()) <= bound
    assert sum(p.numel() for p in network.parameters()) == 133_379


@pytest.mark.parametrize("kind", ["siren", "relu"])
def test_a_zero_start_is_exactly_no_displacement(kind: str) -> None:
    jet = make(kind, 32, 3, zero_start=True).evaluate(cube(50), 2)
    assert jet.first is not None
    assert jet.second is not None
    assert not jet.value.any()
    assert not jet.first.any()
    assert not jet.second.any()


@pytest.mark.parametrize("kind", ["siren", "relu"])
def test_a_zero_start_still_learns(kind: str) -> None:
    network = make(kind, 16, 2, zero_start=True)
    (network(cube(50)) - 1).square().mean().backward()
    gradient = network.weights[-1].grad
    assert gradient is not None
    assert gradient.abs().max() > 0


@pytest.mark.parametrize("kind", ["siren", "relu"])
def test_the_seed_decides_the_weights(kind: str) -> None:
    points = cube(20)
    first, again, other = (make(kind, 16, 2, seed)(points) for seed in (4, 4, 5))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)


def test_the_global_seed_does_not_matter() -> None:
    torch.manual_seed(1)
    first = make("siren", 16, 2)(cube(20))
    torch.manual_seed(2)
    assert torch.equal(first, make("siren", 16, 2)(cube(20)))


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind", ["siren", "relu"])
@pytest.mark.parametrize(("width", "depth"), SHAPES)
def test_the_jacobian_is_that_of_central_differences(kind: str, width: int, depth: int) -> None:
    network, points, h = make(kind, width, depth), cube(40), 1e-5
    first = network.evaluate(points, 1).first
    assert first is not None
    for d in range(3):
        shift = torch.zeros(3, 1)
        shift[d] = h
        expected = (network(points + shift) - network(points - shift)) / (2 * h)
        assert float((first[:, d] - expected).detach().abs().max()) < 1e-8


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind", ["siren", "relu"])
@pytest.mark.parametrize(("width", "depth"), SHAPES)
def test_second_derivatives_are_those_of_central_differences(kind: str, width: int, depth: int) -> None:
    network, points, h = make(kind, width, depth), cube(40), 1e-5
    second = network.evaluate(points, 2).second
    assert second is not None
    for q, (d, e) in enumerate(PAIRS):
        shift = torch.zeros(3, 1)
        shift[e] = h
        ahead, behind = (network.evaluate(points + s, 1).first for s in (shift, -shift))
        assert ahead is not None
        assert behind is not None
        assert float((second[:, q] - (ahead[:, d] - behind[:, d]) / (2 * h)).detach().abs().max()) < 1e-6


@pytest.mark.usefixtures("float64")
def test_asking_for_derivatives_does_not_change_the_value() -> None:
    network, points = make("siren", 24, 3), cube(40)
    for order in (1, 2):
        torch.testing.assert_close(network.evaluate(points, order).value, network(points), rtol=0, atol=1e-14)
    assert network.evaluate(points, 0).first is None
    assert network.evaluate(points, 1).second is None


@pytest.mark.usefixtures("float64")
def test_the_shape_of_the_points_is_kept() -> None:
    network, points = make("siren", 16, 2), cube(24)
    flat, block = network.evaluate(points, 2), network.evaluate(points.reshape(3, 2, 3, 4), 2)
    assert flat.first is not None
    assert block.first is not None
    assert flat.second is not None
    assert block.second is not None
    assert torch.equal(block.value, flat.value.reshape(3, 2, 3, 4))
    assert torch.equal(block.first, flat.first.reshape(3, 3, 2, 3, 4))
    assert torch.equal(block.second, flat.second.reshape(3, 6, 2, 3, 4))


def by_double_backward(network: Network, points: Tensor) -> tuple[Tensor, Tensor]:
    """Mean determinant and bending energy with every derivative by ``autograd.grad``."""
    x = points.clone().requires_grad_(True)
    u = network(x)
    first = torch.stack([torch.autograd.grad(u[i].sum(), x, create_graph=True)[0] for i in range(3)])
    determinants = torch.linalg.det((first + torch.eye(3)[:, :, None]).permute(2, 0, 1))
    energy = torch.zeros(())
    for i in range(3):
        for d in range(3):
            energy = energy + (torch.autograd.grad(first[i, d].sum(), x, create_graph=True)[0] ** 2).sum(dim=0).mean()
    return determinants.mean(), energy


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("term", ["determinant", "bending"])
def test_parameter_gradients_are_those_of_a_double_backward(depth: int, term: str) -> None:
    network, points = make("siren", 16, depth), cube(60)
    jet = network.evaluate(points, 2)
    assert jet.first is not None
    assert jet.second is not None
    mine = jacobian_determinant(jet.first).mean() if term == "determinant" else bending(jet.second)
    theirs = by_double_backward(network, points)[0 if term == "determinant" else 1]
    assert float(mine.detach()) == pytest.approx(float(theirs.detach()), rel=1e-9)
    parameters = list(network.parameters())[:-1]  # the last bias moves no derivative
    a_side, b_side = (torch.autograd.grad(value, parameters, allow_unused=True) for value in (mine, theirs))
    compared = 0
    for a, b in zip(a_side, b_side, strict=True):
        if a is None or b is None:
            assert a is None or not a.any()
            assert b is None or not b.any()
            continue
        compared += 1
        assert float((a - b).norm()) <= 1e-5 * float(b.norm()) + 1e-14
    assert compared >= 2 * depth


@pytest.mark.usefixtures("float64")
def test_the_gradient_of_the_relu_determinant_is_that_of_a_double_backward() -> None:
    network, points = make("relu", 16, 2), cube(60)
    first = network.evaluate(points, 1).first
    assert first is not None
    x = points.clone().requires_grad_(True)
    u = network(x)
    theirs = torch.stack([torch.autograd.grad(u[i].sum(), x, create_graph=True)[0] for i in range(3)])
    weights = list(network.weights)
    a = torch.autograd.grad(jacobian_determinant(first).mean(), weights)
    b = torch.autograd.grad(jacobian_determinant(theirs).mean(), weights)
    for one, other in zip(a, b, strict=True):
        assert float((one - other).norm()) <= 1e-5 * float(other.norm())


def test_sums_of_products_are_those_of_einsum() -> None:
    generator = torch.Generator().manual_seed(3)
    first, second = (torch.randn(n, 5, 7, generator=generator, dtype=torch.float64, requires_grad=True) for n in (3, 6))
    assert torch.allclose(SumsOfProducts.apply(first, second), torch.einsum("inw,qnw->iqn", first, second), atol=1e-12)
    assert torch.autograd.gradcheck(SumsOfProducts.apply, (first, second))
