from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline
from torch import Tensor

from inr_registration.fields import (
    SplineLattice,
    VelocityLattice,
    enough_squarings,
    evaluate_at_points,
    evaluate_on_cells,
    exponential,
    respline,
)
from inr_registration.numerics import PAIRS, Knots, apply_axes, at_points, axis_matrix, basis, interpolating_matrix, jacobian_determinant

KNOTS = Knots((-3.0, 1.0, 10.0), (1.5, 2.0, 0.7), (7, 6, 8))

pytestmark = pytest.mark.usefixtures("float64")


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def valid_range(knots: Knots) -> tuple[Tensor, Tensor]:
    start, step, count = (torch.tensor(v, dtype=torch.float64) for v in (knots.start, knots.step, knots.count))
    return start + step, start + (count - 2) * step


def points_inside(knots: Knots, count: int, margin: float = 0.0, seed: int = 2) -> Tensor:
    low, high = valid_range(knots)
    share = torch.rand(3, count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return low[:, None] + margin + share * (high - low - 2 * margin)[:, None]


def test_the_basis_sums_to_one() -> None:
    t = torch.linspace(0, 1, 101)
    torch.testing.assert_close(basis(t).sum(dim=-1), torch.ones(101), rtol=0, atol=1e-14)
    for derivative in (1, 2):
        assert float(basis(t, derivative).sum(dim=-1).abs().max()) < 1e-14
    assert float(basis(t).min()) >= 0


@pytest.mark.parametrize("derivative", [1, 2])
def test_basis_derivatives_are_those_of_central_differences(derivative: int) -> None:
    t, h = torch.linspace(0.01, 0.99, 50), 1e-5
    expected = (basis(t + h, derivative - 1) - basis(t - h, derivative - 1)) / (2 * h)
    assert float((basis(t, derivative) - expected).detach().abs().max()) < 1e-9


def test_linear_coefficients_give_that_linear_function() -> None:
    positions = [torch.tensor(KNOTS.start[d] + KNOTS.step[d] * np.arange(KNOTS.count[d])) for d in range(3)]
    k, j, i = torch.meshgrid(*positions[::-1], indexing="ij")
    matrix = random(3, 3)
    coefficients = torch.einsum("ab,bkji->akji", matrix, torch.stack([i, j, k]))
    points = points_inside(KNOTS, 100)
    jet = evaluate_at_points(coefficients, KNOTS, points, 2)
    assert jet.first is not None
    assert jet.second is not None
    torch.testing.assert_close(jet.value, matrix @ points, rtol=0, atol=1e-11)
    torch.testing.assert_close(jet.first, matrix[:, :, None].expand(3, 3, 100), rtol=0, atol=1e-11)
    assert float(jet.second.abs().max()) < 1e-10


def test_evaluation_is_that_of_a_triple_loop() -> None:
    coefficients, points = random(3, *KNOTS.shape), points_inside(KNOTS, 12)
    expected = torch.zeros(3, 12)

    def bump(x: float) -> float:
        x = abs(x)
        return 2 / 3 - x**2 + x**3 / 2 if x < 1 else (2 - x) ** 3 / 6 if x < 2 else 0.0

    for n in range(12):
        cell = [(float(points[d, n]) - KNOTS.start[d]) / KNOTS.step[d] for d in range(3)]
        for i in range(KNOTS.count[0]):
            for j in range(KNOTS.count[1]):
                for k in range(KNOTS.count[2]):
                    expected[:, n] += coefficients[:, k, j, i] * bump(cell[0] - i) * bump(cell[1] - j) * bump(cell[2] - k)
    torch.testing.assert_close(evaluate_at_points(coefficients, KNOTS, points).value, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("powers", [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (2, 0, 0), (0, 2, 0), (1, 0, 1), (0, 1, 1)])
def test_evaluation_and_derivatives_are_those_of_scipy(powers: tuple[int, int, int]) -> None:
    coefficients, points = random(3, *KNOTS.shape), points_inside(KNOTS, 30)
    tables = []
    for d in range(3):
        grid = KNOTS.start[d] + KNOTS.step[d] * (np.arange(KNOTS.count[d] + 4) - 2)
        spline = BSpline(grid, np.eye(KNOTS.count[d]), 3)
        tables.append(spline(points[d].numpy(), nu=powers[d]))
    expected = np.einsum("ckji,nk,nj,ni->cn", coefficients.numpy(), tables[2], tables[1], tables[0])
    jet = evaluate_at_points(coefficients, KNOTS, points, 2)
    axes = [d for d in range(3) for _ in range(powers[d])]
    assert jet.first is not None
    assert jet.second is not None
    mine = jet.value if not axes else jet.first[:, axes[0]] if len(axes) == 1 else jet.second[:, PAIRS.index((axes[0], axes[1]))]
    np.testing.assert_allclose(mine.numpy(), expected, atol=1e-10)


def test_derivatives_of_a_lattice_are_those_of_central_differences() -> None:
    lattice, h = SplineLattice(KNOTS, random(3, *KNOTS.shape)), 1e-5
    points = points_inside(KNOTS, 40, margin=0.01)
    jet = lattice.evaluate(points, 2)
    assert jet.first is not None
    assert jet.second is not None
    for d in range(3):
        shift = torch.zeros(3, 1)
        shift[d] = h
        ahead, behind = lattice.evaluate(points + shift, 1), lattice.evaluate(points - shift, 1)
        assert ahead.first is not None
        assert behind.first is not None
        assert float((jet.first[:, d] - (ahead.value - behind.value) / (2 * h)).detach().abs().max()) < 1e-7
        for e in range(3):
            q = PAIRS.index((min(d, e), max(d, e)))
            assert float((jet.second[:, q] - (ahead.first[:, e] - behind.first[:, e]) / (2 * h)).detach().abs().max()) < 1e-4


@pytest.mark.parametrize("offset", [(0.0, 0.0, 0.0), (0.3, 0.9, 0.5)])
def test_both_evaluators_agree_on_cells(offset: tuple[float, float, float]) -> None:
    coefficients = random(3, *KNOTS.shape)
    on_cells = evaluate_on_cells(coefficients, KNOTS, offset, 2)
    sites = [KNOTS.sites(d, offset[d], coefficients) for d in range(3)]
    k, j, i = torch.meshgrid(*sites[::-1], indexing="ij")
    at_points = evaluate_at_points(coefficients, KNOTS, torch.stack([i, j, k]), 2)
    assert on_cells.value.shape == (3, 5, 3, 4)
    for one, other in ((on_cells.value, at_points.value), (on_cells.first, at_points.first), (on_cells.second, at_points.second)):
        assert one is not None
        assert other is not None
        torch.testing.assert_close(one, other, rtol=0, atol=1e-10)


def test_applying_matrices_to_axes_is_an_einsum() -> None:
    values, k, j, i = random(2, 4, 5, 6), random(3, 4, seed=1), random(7, 5, seed=2), random(2, 6, seed=3)
    torch.testing.assert_close(apply_axes(values, k, j, i), torch.einsum("cxyz,ax,by,dz->cabd", values, k, j, i))


def test_beyond_the_valid_range_the_border_value_goes_on() -> None:
    coefficients = random(3, *KNOTS.shape)
    low, high = valid_range(KNOTS)
    ends = evaluate_at_points(coefficients, KNOTS, torch.stack([low, high], dim=1)).value
    beyond = evaluate_at_points(coefficients, KNOTS, torch.stack([low - 5, high + 5], dim=1)).value
    torch.testing.assert_close(ends, beyond, rtol=0, atol=1e-12)


@pytest.mark.parametrize("count", [4, 5, 6, 8, 33])
def test_interpolation_hits_its_samples_and_keeps_splines(count: int) -> None:
    sites, solve = interpolating_matrix(count)
    assert float(sites.min()) >= 1
    assert float(sites.max()) <= count - 2
    collocation = axis_matrix(sites, 0.0, 1.0, count)
    samples = random(count)
    torch.testing.assert_close(collocation @ (solve @ samples), samples, rtol=0, atol=1e-9)
    coefficients = random(count, seed=1)
    torch.testing.assert_close(solve @ (collocation @ coefficients), coefficients, rtol=0, atol=1e-9)


@pytest.mark.parametrize("factor", [2, 3])
def test_a_nested_lattice_holds_the_same_spline(factor: int) -> None:
    coefficients = random(3, *KNOTS.shape)
    step = tuple(s / factor for s in KNOTS.step)
    start = tuple(s + old - new for s, old, new in zip(KNOTS.start, KNOTS.step, step, strict=True))
    count = tuple((n - 3) * factor + 3 for n in KNOTS.count)
    finer = Knots((start[0], start[1], start[2]), (step[0], step[1], step[2]), (count[0], count[1], count[2]))
    points = points_inside(KNOTS, 200)
    before = evaluate_at_points(coefficients, KNOTS, points, 1)
    after = evaluate_at_points(respline(coefficients, KNOTS, finer), finer, points, 1)
    assert before.first is not None
    assert after.first is not None
    assert float((before.value - after.value).detach().abs().max()) < 1e-10
    assert float((before.first - after.first).detach().abs().max()) < 1e-8


def test_covering_knots_cover_with_no_cell_to_spare() -> None:
    knots = Knots.covering((-10.0, 0.0, 5.0), (10.0, 7.0, 6.0), 2.0)
    low, high = valid_range(knots)
    assert low.tolist() == [-10, 0, 5]
    assert high.tolist() == [10, 8, 7]


@pytest.mark.parametrize(("extent", "step", "count"), [(192, 2, 99), (100, 8, 16)])
def test_the_number_of_control_points_is_the_published_one(extent: int, step: int, count: int) -> None:
    assert Knots.covering((0.0,) * 3, (float(extent),) * 3, float(step)).count == (count,) * 3


def smooth_velocity(size: float, knots: Knots) -> Tensor:
    """Waves of at most about ``size`` that vanish towards the border."""
    k, j, i = torch.meshgrid(*(torch.linspace(0, torch.pi, n) for n in knots.shape), indexing="ij")
    bump = torch.sin(i) * torch.sin(j) * torch.sin(k)
    return size * torch.stack([bump * torch.sin(2 * j), bump * torch.cos(2 * k), -bump * torch.sin(2 * i)])


def test_the_exponential_of_a_constant_velocity_is_that_translation() -> None:
    velocity = torch.tensor([0.7, -1.1, 0.2]).reshape(3, 1, 1, 1).expand(3, *KNOTS.shape)
    torch.testing.assert_close(exponential(velocity, KNOTS, 5), velocity.contiguous(), rtol=0, atol=1e-12)


def test_the_exponential_of_a_small_velocity_is_that_velocity() -> None:
    velocity = 1e-5 * random(3, *KNOTS.shape)
    torch.testing.assert_close(exponential(velocity, KNOTS, 5), velocity, rtol=0, atol=1e-8)


def test_the_exponential_of_a_linear_velocity_is_that_of_its_matrix() -> None:
    knots = Knots((-10.0,) * 3, (1.0, 1.0, 1.0), (21, 21, 21))
    matrix = 0.3 * random(3, 3)
    axis = torch.arange(21) - 10.0
    k, j, i = torch.meshgrid(axis, axis, axis, indexing="ij")
    x = torch.stack([i, j, k])
    moved = exponential(torch.einsum("ab,bkji->akji", matrix, x), knots, 5) + x
    steps = 32
    expected = torch.einsum("ab,bkji->akji", torch.linalg.matrix_power(torch.eye(3) + matrix / steps, steps), x)
    inner = (slice(None), *[slice(8, 13)] * 3)
    torch.testing.assert_close(moved[inner], expected[inner], rtol=0, atol=1e-6)


def test_the_opposite_velocity_inverts_the_map() -> None:
    knots = Knots((-1.0,) * 3, (1.0, 1.0, 1.0), (24, 24, 24))
    velocity = smooth_velocity(2.0, knots)
    there, back = SplineLattice(knots, exponential(velocity, knots, 5)), SplineLattice(knots, exponential(-velocity, knots, 5))
    points = points_inside(knots, 300, margin=4.0)
    moved = points + there.evaluate(points).value
    returned = moved + back.evaluate(moved).value
    assert float((moved - points).detach().norm(dim=0).mean()) > 0.5
    assert float((returned - points).detach().norm(dim=0).max()) < 0.1


def test_a_strong_velocity_does_not_fold_where_free_coefficients_do() -> None:
    knots = Knots((-1.0,) * 3, (1.0, 1.0, 1.0), (24, 24, 24))
    velocity = smooth_velocity(9.0, knots)
    points = points_inside(knots, 4000)
    free = SplineLattice(knots, velocity).evaluate(points, 1).first
    flow = VelocityLattice(knots, velocity).evaluate(points, 1).first
    assert free is not None
    assert flow is not None
    assert float(jacobian_determinant(free).detach().min()) < 0
    assert float(jacobian_determinant(flow).detach().min()) > 0


@pytest.mark.parametrize("fastest", [1.0, 7.0, 11.0, 30.0])
def test_a_faster_velocity_is_doubled_more_often(fastest: float) -> None:
    knots = Knots((-2.0,) * 3, (2.0, 2.0, 2.0), (24, 24, 24))
    velocity = 2 * smooth_velocity(fastest, knots)
    lattice = VelocityLattice(knots, torch.zeros_like(velocity))
    assert lattice.squarings == 3
    lattice.restart(velocity)
    assert lattice.squarings == {1.0: 3, 7.0: 4, 11.0: 4, 30.0: 6}[fastest]
    exact = exponential(velocity, knots, 9)
    assert float((lattice.coefficients().detach() - exact).norm() / exact.norm()) < 0.06


def test_a_velocity_that_is_no_number_is_left_to_the_fit_to_report() -> None:
    assert enough_squarings(torch.full((3, *KNOTS.shape), torch.nan), KNOTS) == 3


def test_the_gradient_goes_through_the_exponential() -> None:
    knots = Knots((0.0,) * 3, (1.0, 1.5, 1.0), (5, 4, 5))
    velocity = (0.4 * random(3, *knots.shape)).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda v: exponential(v, knots, 5).square().sum(), (velocity,), eps=1e-6, atol=1e-6)


@pytest.mark.parametrize("order", [0, 1])
def test_compiled_points_agree_with_torch(order: int) -> None:
    """Within the lattice, on its borders and far outside."""
    generator = torch.Generator().manual_seed(5)
    values = torch.randn(3, *KNOTS.shape, generator=generator, dtype=torch.float32)
    low = torch.tensor(KNOTS.start)[:, None]
    extent = torch.tensor([(n - 1) * step for n, step in zip(KNOTS.count, KNOTS.step, strict=True)])[:, None]
    inner = low + torch.rand(3, 500, generator=generator) * extent
    points = torch.cat([inner, low, low + extent, low + extent * 20, low - extent * 20], dim=1).float()
    expected = evaluate_at_points(values.double(), KNOTS, points.double(), order)
    moved, slopes = at_points(values.numpy(), KNOTS, points.numpy(), order == 1)
    torch.testing.assert_close(torch.from_numpy(moved).double(), expected.value, rtol=0, atol=3e-6)
    if order == 0:
        assert slopes is None
    else:
        torch.testing.assert_close(torch.from_numpy(slopes).double(), expected.first, rtol=0, atol=3e-5)
    used = evaluate_at_points(values, KNOTS, points, order)
    assert np.array_equal(used.value.numpy(), moved)
    learning = evaluate_at_points(values.requires_grad_(), KNOTS, points, order)
    assert learning.value.requires_grad
