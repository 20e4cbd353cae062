"""Pairs with another contrast and with thick slices, made from a small one."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk


@pytest.fixture
def made(pairs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pair with labels, and what was made of it."""
    import harder

    source = pairs / "pair"
    source.mkdir()
    values = np.random.default_rng(3).random((24, 10, 12)).astype(np.float32)
    values[:, :3] = 0
    for side in ("fixed", "moving"):
        for name, array in ((side, 500 * values), (f"{side}_labels", (values > 0.5).astype(np.uint8))):
            image = sitk.GetImageFromArray(array)
            image.SetSpacing((1.0, 2.0, 1.5))
            sitk.WriteImage(image, str(source / f"{name}.nii.gz"))
    monkeypatch.setattr(sys, "argv", ["harder.py", str(pairs / "made"), str(source), "--slices", "6"])
    harder.main()
    return pairs


def values(file: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(file)))


def test_another_contrast_turns_the_tissues_round_and_leaves_the_dark_and_the_rest(made: Path) -> None:
    before, after = (values(made / folder / "moving.nii.gz") for folder in ("pair", "made/contrast_pair"))
    tissue = before > 100
    assert np.corrcoef(before[tissue], after[tissue])[0, 1] < -0.7
    assert after[before == 0].max() < 0.2 * after[tissue].max()
    for name in ("fixed", "fixed_labels", "moving_labels"):
        assert np.array_equal(values(made / f"pair/{name}.nii.gz"), values(made / f"made/contrast_pair/{name}.nii.gz"))
    assert "multi-modal" in json.loads((made / "made/contrast_pair/meta.json").read_text())["modality"]


def test_thick_slices_lie_where_they_lay(made: Path) -> None:
    for name in ("fixed", "moving_labels"):
        before, after = (sitk.ReadImage(str(made / folder / f"{name}.nii.gz")) for folder in ("pair", "made/slices_pair"))
        assert after.GetSpacing() == (1.0, 2.0, 6.0)
        assert after.GetSize() == (12, 10, 6)
        assert after.TransformIndexToPhysicalPoint((0, 0, 0)) == before.TransformIndexToPhysicalPoint((0, 0, 2))
    assert np.array_equal(values(made / "pair/moving_labels.nii.gz")[2::4], values(made / "made/slices_pair/moving_labels.nii.gz"))
    inner, blurred = values(made / "pair/fixed.nii.gz")[2::4], values(made / "made/slices_pair/fixed.nii.gz")
    assert 0.1 < blurred[:, 4:].std() / inner[:, 4:].std() < 0.8
