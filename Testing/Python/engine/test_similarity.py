from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from inr_registration.core import InputError
from inr_registration.terms import Similarity, box_sum, local_ncc, mse, ncc
from inr_registration.terms.information import nmi, nmi_gaussian

Term = Callable[[Tensor, Tensor, Tensor], Tensor]

pytestmark = pytest.mark.usefixtures("float64")


def local_ncc_2(fixed: Tensor, moving: Tensor, weight: Tensor) -> Tensor:
    return local_ncc(fixed, moving, weight, 2)


TERMS: dict[str, Term] = {"mse": mse, "ncc": ncc, "local_ncc": local_ncc_2, "nmi": nmi, "nmi_gaussian": nmi_gaussian}


def noise(*shape: int, seed: int = 0) -> Tensor:
    """Uniform in [0, 1]."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def block(seed: int = 0) -> Tensor:
    return noise(2, 6, 7, 8, seed=seed)


@pytest.mark.parametrize("name", TERMS)
def test_equal_images_score_better_than_unlike_ones(name: str) -> None:
    ones = torch.ones_like(block())
    assert float(TERMS[name](block(), block(), ones)) < float(TERMS[name](block(), block(1), ones)) - 0.1


@pytest.mark.parametrize("name", ["mse", "ncc", "local_ncc"])
def test_equal_images_score_zero(name: str) -> None:
    assert float(TERMS[name](block(), block(), torch.ones_like(block()))) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("name", ["mse", "ncc", "nmi", "nmi_gaussian"])
def test_points_of_no_weight_do_not_count(name: str) -> None:
    fixed, moving, weight = noise(500), noise(500, seed=1), (noise(500, seed=2) > 0.4).double()
    kept = weight > 0
    spoilt = torch.where(kept, moving, 0.99 - 0.9 * moving).requires_grad_(True)
    loss = TERMS[name](fixed, spoilt, weight)
    alone = TERMS[name](fixed[kept], moving[kept], torch.ones(int(kept.sum())))
    assert float(loss.detach()) == pytest.approx(float(alone), abs=1e-12)
    loss.backward()
    assert spoilt.grad is not None
    assert not spoilt.grad[~kept].any()
    assert spoilt.grad[kept].any()


def test_windows_whose_centre_has_no_weight_do_not_count() -> None:
    fixed, moving, weight = block(), block(1), torch.ones_like(block())
    weight[..., :4] = 0
    spoilt = moving.clone()
    spoilt[..., :2] = 5 * noise(2, 6, 7, 2, seed=4)  # further than the radius from every centre that counts
    assert float(local_ncc(fixed, spoilt, weight, 2)) == pytest.approx(float(local_ncc(fixed, moving, weight, 2)), abs=1e-12)
    spoilt[..., 5:] = 0.5
    assert float(local_ncc(fixed, spoilt, weight, 2)) != pytest.approx(float(local_ncc(fixed, moving, weight, 2)), abs=1e-3)


@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("constant", ["fixed", "moving", "both"])
def test_constant_images_give_finite_values_and_gradients(name: str, constant: str) -> None:
    fixed = torch.full_like(block(), 0.3) if constant != "moving" else block()
    moving = (torch.full_like(block(), 0.6) if constant != "fixed" else block(1)).requires_grad_(True)
    loss = TERMS[name](fixed, moving, torch.ones_like(fixed))
    loss.backward()
    assert moving.grad is not None
    assert torch.isfinite(loss)
    assert torch.isfinite(moving.grad).all()


@pytest.mark.parametrize("name", TERMS)
def test_no_weight_anywhere_gives_a_finite_value_and_gradient(name: str) -> None:
    moving = block(1).requires_grad_(True)
    loss = TERMS[name](block(), moving, torch.zeros_like(block()))
    loss.backward()
    assert moving.grad is not None
    assert torch.isfinite(loss)
    assert torch.isfinite(moving.grad).all()


def test_mse_is_the_weighted_mean_of_squares() -> None:
    fixed, moving, weight = torch.tensor([0.0, 1.0, 2.0]), torch.tensor([1.0, 1.0, 5.0]), torch.tensor([1.0, 2.0, 1.0])
    assert float(mse(fixed, moving, weight)) == pytest.approx((1 + 0 + 9) / 4)


def test_ncc_is_one_minus_the_pearson_correlation_of_numpy() -> None:
    fixed, moving = noise(300), 0.4 * noise(300) + noise(300, seed=1)
    expected = 1 - np.corrcoef(fixed.numpy(), moving.numpy())[0, 1]
    assert float(ncc(fixed, moving, torch.ones(300))) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(("gain", "offset"), [(1.0, 7.0), (0.01, 0.0), (250.0, -1000.0)])
def test_ncc_does_not_see_brightness_and_contrast(gain: float, offset: float) -> None:
    fixed, moving, weight = noise(300), noise(300, seed=1), noise(300, seed=2)
    expected = float(ncc(fixed, moving, weight))
    assert float(ncc(fixed, gain * moving + offset, weight)) == pytest.approx(expected, abs=1e-8)


def test_ncc_spans_0_to_2() -> None:
    fixed, ones = noise(300), torch.ones(300)
    assert float(ncc(fixed, fixed, ones)) == pytest.approx(0, abs=1e-10)
    assert float(ncc(fixed, -fixed, ones)) == pytest.approx(2, abs=1e-10)
    assert float(ncc(fixed, noise(300, seed=1), ones)) == pytest.approx(1, abs=0.2)


def test_the_gradient_of_ncc_is_the_textbook_formula() -> None:
    fixed, moving = noise(200), noise(200, seed=1).requires_grad_(True)
    ncc(fixed, moving, torch.ones(200)).backward()
    a, b = fixed - fixed.mean(), (moving - moving.mean()).detach()
    r = (a * b).sum() / (a.norm() * b.norm())
    assert moving.grad is not None
    torch.testing.assert_close(moving.grad, -(a / (a.norm() * b.norm()) - r * b / b.norm() ** 2), rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("radius", [1, 2, 9])
def test_box_sums_are_those_of_a_loop(radius: int) -> None:
    values = noise(2, 4, 6, 5)
    expected = torch.zeros_like(values)
    for k in range(4):
        for j in range(6):
            for i in range(5):
                near = [slice(max(n - radius, 0), n + radius + 1) for n in (k, j, i)]
                expected[:, k, j, i] = values[:, near[0], near[1], near[2]].sum(dim=(1, 2, 3))
    torch.testing.assert_close(box_sum(values, radius), expected)


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_local_ncc_is_that_of_a_loop_over_windows(radius: int) -> None:
    fixed, weight = block().numpy(), noise(2, 6, 7, 8, seed=3).numpy()
    moving = 0.5 * fixed + block(1).numpy()
    total = 0.0
    for b, k, j, i in np.ndindex(*fixed.shape):
        near = (b, *(slice(max(n - radius, 0), n + radius + 1) for n in (k, j, i)))
        f, m = fixed[near] - fixed[near].mean(), moving[near] - moving[near].mean()
        total += weight[b, k, j, i] * (f * m).sum() ** 2 / ((f**2).sum() * (m**2).sum())
    mine = float(local_ncc(torch.as_tensor(fixed), torch.as_tensor(moving), torch.as_tensor(weight), radius))
    assert mine == pytest.approx(1 - total / weight.sum(), abs=1e-5)


def test_local_ncc_does_not_see_slow_changes_of_brightness_nor_inversion() -> None:
    k, _, i = torch.meshgrid(*(torch.linspace(0, 1, n) for n in (16, 16, 16)), indexing="ij")
    fixed = noise(1, 16, 16, 16)
    shaded = (1 + i) * fixed + 0.3 * k
    ones = torch.ones_like(fixed)
    assert float(local_ncc(fixed, 1 - fixed, ones, 2)) == pytest.approx(0, abs=1e-4)
    assert float(local_ncc(fixed, shaded, ones, 2)) < 0.05
    assert float(local_ncc(fixed, noise(1, 16, 16, 16, seed=1), ones, 2)) > 0.9


def test_the_gradient_of_local_ncc_is_that_of_finite_differences() -> None:
    fixed, weight = noise(2, 4, 5, 4), noise(2, 4, 5, 4, seed=2)
    moving = noise(2, 4, 5, 4, seed=1).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda m: 3 * local_ncc(fixed, m, weight, 1), (moving,), eps=1e-6, atol=1e-6)


def test_terms_add_up_with_their_weights_and_zero_weights_are_left_out() -> None:
    fixed, moving, weight = block(), block(1), noise(2, 6, 7, 8, seed=2)
    found = Similarity({"mse": 10.0, "local_ncc": 0.5, "nmi": 2.0, "ncc": 0.0}, fixed, 2)(moving, weight)
    assert set(found) == {"mse", "local_ncc", "nmi"}
    for name, factor in (("mse", 10.0), ("local_ncc", 0.5), ("nmi", 2.0)):
        assert float(found[name]) == pytest.approx(factor * float(TERMS[name](fixed, moving, weight)))


def test_local_ncc_of_single_points_is_refused() -> None:
    with pytest.raises(InputError, match="blocks"):
        Similarity({"local_ncc": 1.0}, noise(100), 2)
