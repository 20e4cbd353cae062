"""Indicators of a registration against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from inr_registration.core import Quality
from inr_registration.measure import PLANES, ROWS, notes, quality, similarities
from inr_registration.numerics import kernels as compiled
from inr_registration.terms import local_ncc


@pytest.mark.parametrize("compiler", [True, False], ids=["compiled", "torch"])
@pytest.mark.parametrize("planes", [PLANES - 1, PLANES, 2 * PLANES + 3])
@pytest.mark.parametrize("rows", [ROWS - 1, 2 * ROWS + 3])
def test_local_correlation_by_blocks_is_that_of_the_whole_image(
    rows: int, planes: int, compiler: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not compiler:
        monkeypatch.setattr(compiled, "usable", lambda _: False)
    monkeypatch.setattr(quality, "BLOCK_VOXELS", 1)
    generator = np.random.default_rng(4)
    fixed = generator.normal(size=(planes, rows, 11)).astype(np.float32)
    warped = (0.5 * fixed + generator.normal(size=fixed.shape)).astype(np.float32)
    mask = generator.random(fixed.shape) < 0.6
    mask[:, :2], mask[:, :, -3:] = False, False  # what lies outside the mask's box is cut off
    whole = [torch.as_tensor(v / np.ptp(v))[None].double() for v in (fixed, warped)]
    expected = 1 - float(local_ncc(whole[0], whole[1], torch.as_tensor(mask)[None].double(), 2))
    same, found = similarities(fixed, [fixed, warped], mask)
    assert same == pytest.approx({"correlation": 1, "local correlation": 1}, abs=1e-4)
    assert found["local correlation"] == pytest.approx(expected, rel=1e-4)
    assert found["correlation"] == pytest.approx(np.corrcoef(fixed[mask], warped[mask])[0, 1], rel=1e-6)


def test_a_constant_image_does_not_correlate() -> None:
    image = np.random.default_rng(4).normal(size=(5, 6, 7)).astype(np.float32)
    mask = np.ones(image.shape, bool)
    found = similarities(image, [np.ones_like(image)], mask)
    assert found[0] == pytest.approx({"correlation": 0.0, "local correlation": 0.0}, abs=1e-3)


@pytest.mark.parametrize(("pair", "fell"), [((-0.3, -0.8), False), ((-0.8, -0.3), True), ((0.3, 0.8), False), ((0.8, 0.3), True)])
def test_correlations_of_opposite_contrasts_get_better_away_from_zero(pair: tuple[float, float], fell: bool) -> None:
    seen = Quality(similarity={"correlation": pair})
    assert any("correlation fell" in note for note in notes(seen, True)) == fell


def test_a_correlation_that_fell_is_no_word_worth_where_small_windows_agree_clearly_more() -> None:
    """The map was led by windows, and shading lowers the correlation of whole images."""
    led = Quality(similarity={"correlation": (0.7, 0.6), "local correlation": (0.29, 0.55)})
    both = Quality(similarity={"correlation": (0.7, 0.6), "local correlation": (0.55, 0.5)})
    assert not any("fell" in note for note in notes(led, True))
    assert any("correlation and local correlation fell" in note for note in notes(both, True))
