from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from inr_registration.terms import BINS, information
from inr_registration.terms.information import nmi, nmi_gaussian

pytestmark = pytest.mark.usefixtures("float64")


def noise(count: int, seed: int = 0) -> Tensor:
    """Uniform in [0, 1]."""
    return torch.rand(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def unlikeness(histogram: np.ndarray) -> float:
    """One minus the symmetric uncertainty of a joint histogram."""
    joint = histogram / histogram.sum()

    def entropy(p: np.ndarray) -> float:
        return float(-(p[p > 0] * np.log(p[p > 0])).sum())

    rows, columns = entropy(joint.sum(axis=1)), entropy(joint.sum(axis=0))
    return 1 - 2 * (rows + columns - entropy(joint.ravel())) / (rows + columns)


def mattes(fixed: np.ndarray, moving: np.ndarray, weight: np.ndarray) -> float:
    """One minus the symmetric uncertainty of the joint histogram, with the moving windows by a loop over points."""
    histogram = np.zeros((BINS, BINS))

    def bump(x: float) -> float:
        x = abs(x)
        return 2 / 3 - x**2 + x**3 / 2 if x < 1 else (2 - x) ** 3 / 6 if x < 2 else 0.0

    for f, m, w in zip(fixed, moving, weight, strict=True):
        row, place = int(np.rint(f * (BINS - 1))), m * (BINS - 4) + 1
        histogram[row] += [w * bump(column - place) for column in range(BINS)]
    return unlikeness(histogram)


def test_nmi_is_that_of_a_joint_histogram_in_numpy() -> None:
    fixed, weight = noise(400), noise(400, seed=2)
    moving = 0.7 * fixed**2 + 0.3 * noise(400, seed=1)
    assert float(nmi(fixed, moving, weight)) == pytest.approx(mattes(fixed.numpy(), moving.numpy(), weight.numpy()), abs=1e-5)


def three_tissues(count: int, seed: int, sd: float = 0.04) -> Tensor:
    """The mixture of three Gaussians (.15, .45, .70)."""
    generator = torch.Generator().manual_seed(seed)
    means = torch.tensor([0.15, 0.45, 0.70])[torch.randint(3, (count,), generator=generator)]
    return (means + sd * torch.randn(count, generator=generator, dtype=torch.float64)).clamp(0, 1)


def test_independent_images_share_no_information() -> None:
    loss = float(nmi(three_tissues(200_000, 0), three_tissues(200_000, 1), torch.ones(200_000)))
    assert 0.99 < loss <= 1


def test_equal_images_share_much_information_and_more_where_tissues_are_distinct() -> None:
    image, ones = three_tissues(100_000, 0), torch.ones(100_000)
    equal = float(nmi(image, image, ones))
    related = float(nmi(image, (image + 0.1 * (noise(100_000) - 0.5)).clamp(0, 1), ones))
    assert 0 <= equal < 0.6
    assert equal < related < 0.9
    levels = image.round(decimals=1)
    assert float(nmi(levels, levels, ones)) < equal


def test_nmi_does_not_see_an_inverted_contrast() -> None:
    image, ones = three_tissues(50_000, 0), torch.ones(50_000)
    other = (image + 0.05 * (noise(50_000) - 0.5)).clamp(0, 1)
    assert float(nmi(image, 1 - other, ones)) == pytest.approx(float(nmi(image, other, ones)), abs=1e-6)


def test_the_gradient_of_nmi_is_that_of_finite_differences() -> None:
    fixed, weight = noise(60), noise(60, seed=2)
    moving = (0.05 + 0.9 * noise(60, seed=1)).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda m: 2 * nmi(fixed, m, weight), (moving,), eps=1e-6, atol=1e-6)


def test_intensities_beyond_the_scale_count_as_its_ends() -> None:
    fixed, moving, ones = noise(300), noise(300, seed=1), torch.ones(300)
    stretched = torch.where(moving > 0.8, torch.tensor(1.0), moving)
    assert float(nmi(fixed, torch.where(moving > 0.8, 3.0, moving), ones)) == pytest.approx(float(nmi(fixed, stretched, ones)), abs=1e-12)


def gaussian(fixed: np.ndarray, moving: np.ndarray, weight: np.ndarray, sigma: float) -> float:
    """The same with Gaussian windows for both images, by a loop over points."""
    histogram, centres = np.zeros((64, 64)), np.linspace(0, 1, 64)
    for f, m, w in zip(fixed, moving, weight, strict=True):
        rows, columns = (np.exp(-0.5 * ((value - centres) / sigma) ** 2) for value in (f, m))
        histogram += w * np.outer(rows, columns)
    return unlikeness(histogram)


@pytest.mark.parametrize("sigma", [0.1, 0.02])
def test_nmi_with_gaussian_windows_is_that_of_a_loop_over_points(sigma: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(information, "CHUNK", 150)  # three parts, the last one smaller
    fixed, weight = noise(400), noise(400, seed=2)
    moving = 0.7 * fixed**2 + 0.3 * noise(400, seed=1)
    expected = gaussian(fixed.numpy(), moving.numpy(), weight.numpy(), sigma)
    assert float(nmi_gaussian(fixed, moving, weight, sigma)) == pytest.approx(expected, abs=1e-5)


def test_the_gradient_of_nmi_with_gaussian_windows_is_that_of_finite_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(information, "CHUNK", 25)
    fixed, weight = noise(60), noise(60, seed=2)
    moving = noise(60, seed=1).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda m: 2 * nmi_gaussian(fixed, m, weight), (moving,), eps=1e-6, atol=1e-6)


WIDTHS = [(0.1, 0.14), (0.03, 0.35), (1 / 63, 0.48), (1 / 63 / 2.355, 0.70)]


@pytest.mark.parametrize(("sigma", "shared"), WIDTHS)
def test_equal_images_share_more_the_narrower_the_windows_and_shuffled_ones_nothing(sigma: float, shared: float) -> None:
    image, other, ones = three_tissues(30_000, 0), three_tissues(30_000, 1), torch.ones(30_000)
    found = 1 - float(nmi_gaussian(image, image, ones, sigma))
    assert found == pytest.approx(shared, rel=0.08)  # the tabled values are of bins over the range of the sample, not over [0, 1]
    assert 1 - float(nmi_gaussian(image, other, ones, sigma)) < 0.01
