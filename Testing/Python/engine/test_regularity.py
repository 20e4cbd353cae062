from __future__ import annotations

import numpy as np
import pytest
import torch
from analytic import turn
from torch import Tensor

from inr_registration.core import InputError
from inr_registration.fields import Siren, evaluate_on_cells
from inr_registration.numerics import PAIRS, Jet, Knots, cofactors, determinant, inverse_times, jacobian_determinant
from inr_registration.terms import (
    bending,
    diffusion,
    hyperelastic,
    in_millimetres,
    jacobian,
    order_needed,
    symmetric_density,
    symmetric_jacobian,
    volume_density,
)
from inr_registration.terms.regularity import regularity

pytestmark = pytest.mark.usefixtures("float64")


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def everywhere(matrix: Tensor, count: int = 7) -> Tensor:
    """The same displacement gradient at each of some points."""
    return matrix[:, :, None].expand(3, 3, count)


def folding(first: Tensor) -> float:
    return float((jacobian_determinant(first) <= 0).double().mean())


def positions(knots: Knots) -> Tensor:
    """Where the control points lie, (3, nk, nj, ni)."""
    x, y, z = (torch.tensor(knots.start[d] + knots.step[d] * np.arange(knots.count[d])) for d in range(3))
    k, j, i = torch.meshgrid(z, y, x, indexing="ij")
    return torch.stack([i, j, k])


def test_determinants_are_those_of_lapack() -> None:
    matrices = random(3, 3, 20)
    expected = torch.linalg.det(matrices.permute(2, 0, 1))
    torch.testing.assert_close(determinant(matrices), expected)
    torch.testing.assert_close(jacobian_determinant(matrices - torch.eye(3)[:, :, None]), expected)


def test_linear_systems_are_solved() -> None:
    matrices, right = random(3, 3, 20), random(3, 20, seed=1)
    solved = inverse_times(matrices, right)
    torch.testing.assert_close(torch.einsum("abn,bn->an", matrices, solved), right)


def test_cofactors_are_the_determinant_times_the_transposed_inverse() -> None:
    matrices = random(3, 3, 20).permute(2, 0, 1)
    expected = torch.linalg.det(matrices)[:, None, None] * torch.linalg.inv(matrices).transpose(1, 2)
    torch.testing.assert_close(cofactors(matrices.permute(1, 2, 0)), expected.permute(1, 2, 0))


def test_a_linear_map_has_its_determinant_everywhere() -> None:
    gradient = 0.3 * random(3, 3)
    torch.testing.assert_close(jacobian_determinant(everywhere(gradient)), torch.linalg.det(torch.eye(3) + gradient).expand(7))


def test_a_rotation_with_scale_does_not_fold_and_a_reflection_folds_everywhere() -> None:
    turned = torch.as_tensor(1.3 * turn(170) @ turn(60, 0)) - torch.eye(3)
    assert folding(everywhere(turned)) == 0
    assert folding(everywhere(torch.diag(torch.tensor([-2.0, 0.0, 0.0])))) == 1


def test_a_field_that_folds_in_half_the_domain_folds_there_only() -> None:
    knots = Knots((-21.0,) * 3, (1.0,) * 3, (43, 5, 5))
    x = positions(knots)
    values = torch.zeros_like(x)
    values[0] = torch.where(x[0] > 0, -1.5 * x[0], 0.0)
    det = jacobian_determinant(evaluate_on_cells(values, knots, (0.5, 0.5, 0.5), 1).first)
    left, right = det[..., :18], det[..., -18:]
    torch.testing.assert_close(left, torch.ones_like(left))
    torch.testing.assert_close(right, torch.full_like(right, -0.5))
    assert float((det <= 0).double().mean()) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(("det", "value"), [(1.0, 0.0), (2.0, 0.5), (0.5, 0.5), (0.1, 8.1), (10.0, 8.1), (0.05, 13.05), (-1.0, 117.0)])
def test_the_symmetric_density_has_its_tabled_values(det: float, value: float) -> None:
    assert float(symmetric_density(torch.tensor([det]))) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("det", [0.05, 0.0, -3.0])
def test_folded_points_feel_a_constant_force_back(det: float) -> None:
    at = torch.tensor([det], requires_grad=True)
    symmetric_density(at).sum().backward()
    assert at.grad is not None
    assert float(at.grad) == pytest.approx(-99)


def test_the_symmetric_density_joins_without_a_step_or_kink() -> None:
    at = torch.tensor([0.1 - 1e-9, 0.1 + 1e-9], requires_grad=True)
    values = symmetric_density(at)
    values.sum().backward()
    assert at.grad is not None
    assert float((values[0] - values[1]).detach().abs()) < 1e-6
    assert float((at.grad[0] - at.grad[1]).abs()) < 1e-4


def test_jacobian_terms_of_a_linear_map_are_analytic() -> None:
    half = everywhere(torch.diag(torch.tensor([-0.5, 0.0, 0.0])))
    double = everywhere(torch.diag(torch.tensor([1.0, 0.0, 0.0])))
    assert float(jacobian(half)) == pytest.approx(0.5)
    assert float(jacobian(double)) == pytest.approx(1.0)
    assert float(symmetric_jacobian(half)) == pytest.approx(float(symmetric_jacobian(double))) == pytest.approx(0.5)


def stored_energy(gradient: np.ndarray) -> float:
    """The published hyperelastic density of one displacement gradient, from numpy's determinant and inverse."""
    matrix = np.eye(3) + gradient
    det = np.linalg.det(matrix)
    cofactor = det * np.linalg.inv(matrix).T
    areas = sum(max((cofactor[:, column] ** 2).sum() - 1, 0) ** 2 for column in range(3))
    return float(0.5 * (gradient**2).sum() + areas + (det - 1) ** 4 / det**2)


def test_the_hyperelastic_energy_is_that_of_a_loop_over_points() -> None:
    first = 0.25 * random(3, 3, 60)
    assert float(jacobian_determinant(first).min()) > 0.1
    expected = np.mean([stored_energy(first[:, :, n].numpy()) for n in range(60)])
    assert float(hyperelastic(first)) == pytest.approx(expected, rel=1e-10)


def test_the_gradient_of_the_hyperelastic_energy_is_that_of_finite_differences() -> None:
    first = (0.3 * random(3, 3, 6)).requires_grad_(True)
    assert torch.autograd.gradcheck(hyperelastic, (first,), eps=1e-6, atol=1e-5)


def test_no_motion_and_turns_cost_no_areas_or_volumes() -> None:
    turned = torch.as_tensor(turn(70) @ turn(-20, 1)) - torch.eye(3)
    assert float(hyperelastic(everywhere(torch.zeros(3, 3)))) == 0
    assert float(hyperelastic(everywhere(turned))) == pytest.approx(float(diffusion(everywhere(turned))) / 2)


@pytest.mark.parametrize(("det", "value", "slope"), [(0.5, 0.25, -3.0), (2.0, 0.25, 0.75), (0.05, 145.8, -1603.8), (-0.4, 867.51, -1603.8)])
def test_the_volume_part_is_as_published_down_to_the_floor_and_pushes_folded_points_back(det: float, value: float, slope: float) -> None:
    at = torch.tensor([det], requires_grad=True)
    volume_density(at).sum().backward()
    assert at.grad is not None
    assert float(volume_density(at).detach()) == pytest.approx(value)
    assert float(at.grad) == pytest.approx(slope)


def test_diffusion_of_a_linear_map_is_its_squared_norm() -> None:
    gradient = random(3, 3)
    assert float(diffusion(everywhere(gradient))) == pytest.approx(float((gradient**2).sum()))


def hessian_of(quadratic: Tensor) -> float:
    """Squared norm of all 27 second derivatives of ``u_i = x^T Q_i x``."""
    return float(((quadratic + quadratic.transpose(1, 2)) ** 2).sum())


@pytest.mark.parametrize("step", [0.7, 1.0, 3.0])
@pytest.mark.parametrize("count", [5, 9])
def test_bending_of_a_quadratic_field_is_analytic_whatever_the_lattice(step: float, count: int) -> None:
    knots = Knots((-2.0, 3.0, 1.0), (step, 1.3 * step, 0.8 * step), (count, count, count + 1))
    quadratic = random(3, 3, 3)
    x = positions(knots)
    values = torch.einsum("abc,bkji,ckji->akji", quadratic, x, x)  # coefficients of a quadratic differ from it by a constant
    second = evaluate_on_cells(values, knots, (0.2, 0.7, 0.4), 2).second
    assert second is not None
    assert float(bending(second)) == pytest.approx(hessian_of(quadratic), rel=1e-8)


def test_an_affine_field_does_not_bend() -> None:
    knots = Knots((-2.0, 3.0, 1.0), (1.0, 2.0, 0.5), (8, 7, 6))
    values = torch.einsum("ab,bkji->akji", random(3, 3), positions(knots)) + 5
    second = evaluate_on_cells(values, knots, (0.1, 0.5, 0.9), 2).second
    assert second is not None
    assert float(bending(second)) < 1e-18


@pytest.mark.parametrize("name", ["jacobian", "symmetric_jacobian", "diffusion", "bending", "hyperelastic"])
def test_energies_are_means_that_do_not_grow_with_the_batch(name: str) -> None:
    jet = Jet(random(3, 40), 0.2 * random(3, 3, 40), random(3, 6, 40))
    assert jet.first is not None
    assert jet.second is not None
    thrice = Jet(jet.value.repeat(1, 3), jet.first.repeat(1, 1, 3), jet.second.repeat(1, 1, 3))
    once = float(regularity({name: 1.0}, jet)[name])
    assert once > 0
    assert float(regularity({name: 1.0}, thrice)[name]) == pytest.approx(once)
    assert float(regularity({name: 2.5}, jet)[name]) == pytest.approx(2.5 * once)


def test_terms_of_no_weight_are_left_out() -> None:
    jet = Jet(random(3, 4), 0.1 * random(3, 3, 4), random(3, 6, 4))
    assert set(regularity({"jacobian": 0.0, "bending": 1.0}, jet)) == {"bending"}


def test_a_field_without_the_derivatives_that_a_term_needs_is_told() -> None:
    with pytest.raises(InputError, match="no derivatives of order 2, which 'bending' needs"):
        regularity({"bending": 1.0}, Jet(random(3, 4), random(3, 3, 4)))


ORDERS = [({}, 0), ({"bending": 0.0}, 0), ({"jacobian": 1.0}, 1), ({"diffusion": 1.0}, 1), ({"bending": 1.0, "jacobian": 1.0}, 2)]


@pytest.mark.parametrize(("weights", "order"), ORDERS)
def test_no_more_derivatives_are_made_than_needed(weights: dict[str, float], order: int) -> None:
    assert order_needed(weights) == order


def test_derivatives_per_millimetre_are_those_of_differences_in_the_world() -> None:
    axes = torch.as_tensor(turn(25) @ turn(-40, 0) @ np.diag([30.0, 45.0, 12.0]))
    centre = torch.tensor([5.0, -100.0, 40.0])
    network = Siren(16, 2, 3.0, False, torch.Generator().manual_seed(0))

    def displacement(world: Tensor, order: int = 0) -> Jet:
        unit = torch.linalg.inv(axes) @ (world - centre[:, None])
        return in_millimetres(network.evaluate(unit, order), axes)

    world, h = centre[:, None] + 20 * random(3, 30), 1e-3
    jet = displacement(world, 2)
    assert jet.first is not None
    assert jet.second is not None
    for d in range(3):
        shift = torch.zeros(3, 1)
        shift[d] = h
        ahead, behind = displacement(world + shift, 1), displacement(world - shift, 1)
        assert ahead.first is not None
        assert behind.first is not None
        assert float((jet.first[:, d] - (ahead.value - behind.value) / (2 * h)).detach().abs().max()) < 1e-7
        for e in range(3):
            q = PAIRS.index((min(d, e), max(d, e)))
            assert float((jet.second[:, q] - (ahead.first[:, e] - behind.first[:, e]) / (2 * h)).detach().abs().max()) < 1e-7


def test_a_missing_derivative_stays_missing() -> None:
    jet = in_millimetres(Jet(random(3, 4)), torch.eye(3))
    assert jet.first is None
    assert jet.second is None
