"""``inr-register evaluate``: known values for known transforms."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from small_pair import Registered, SmallPair, a_grid, run_cli

from inr_registration.app.cli import determinants
from inr_registration.core import Grid


def evaluate(*words: object) -> dict:
    done = run_cli("evaluate", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ["transform.h5", "model.safetensors"])
def test_the_registration_is_measured_from_its_files_alone(a_registration: Registered, name: str) -> None:
    pair, report = a_registration.pair, json.loads((a_registration.output / "report.json").read_text())["quality"]
    given = [f"--{side}-{what}={getattr(pair, f'{side}_{what}')}" for side in ("fixed", "moving") for what in ("landmarks", "labels")]
    found = evaluate(a_registration.output / name, "--fixed", pair.fixed, "--moving", pair.moving, *given)
    assert found["tre_mm"]["after"]["mean"] == pytest.approx(report["tre_mm"]["after"]["mean"], abs=1e-3)
    assert found["dice"]["1"]["after"] == pytest.approx(report["dice"]["1"]["after"], abs=0.01)
    assert found["sd_log_det"] == pytest.approx(report["sd_log_det_jacobian"], abs=0.05)
    assert found["similarity"]["correlation"]["after"] > found["similarity"]["correlation"]["before"]
    assert found["folding_percent"] == 0.0


def test_a_scaling_has_its_determinant_and_a_translation_its_error(a_pair: SmallPair, tmp_path: Path) -> None:
    scale = sitk.ScaleTransform(3, (1.1, 0.9, 1.2))
    sitk.WriteTransform(scale, str(tmp_path / "scale.tfm"))
    found = evaluate(tmp_path / "scale.tfm", "--fixed", a_pair.fixed)
    assert found["det"]["median"] == pytest.approx(1.1 * 0.9 * 1.2, abs=1e-4)
    assert found["sd_log_det"] < 1e-4
    sitk.WriteTransform(sitk.TranslationTransform(3, (3.0, 4.0, 0.0)), str(tmp_path / "shift.tfm"))
    words = ["--fixed-landmarks", a_pair.fixed_landmarks, "--moving-landmarks", a_pair.fixed_landmarks]
    assert evaluate(tmp_path / "shift.tfm", "--fixed", a_pair.fixed, *words)["tre_mm"]["after"]["mean"] == pytest.approx(5.0)


@pytest.mark.parametrize("flip", [False, True])
def test_the_determinant_honours_oblique_flipped_and_sheared_axes(flip: bool) -> None:
    affine = a_grid(35.0, flip=flip).affine.copy()
    affine[:3, 2] += 0.25 * affine[:3, 0]
    grid = Grid((9, 8, 7), affine)
    gradient = np.array([[0.1, 0.3, -0.2], [0.0, -0.2, 0.1], [0.25, 0.1, 0.15]])
    displacement = (grid.all_points().astype(float) @ gradient.T).astype(np.float32)
    expected = np.linalg.det(np.eye(3) + gradient)
    for found in determinants(displacement, grid):
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_fold_between_voxels_is_seen_by_the_strict_check_alone() -> None:
    grid = Grid((11, 5, 5), np.eye(4))
    displacement = np.zeros((*grid.shape, 3), dtype=np.float32)
    displacement[:, :, 5, 0] = 1.5  # beyond its right neighbour, while the central difference there and here stays positive
    central, lowest = determinants(displacement, grid)
    assert central.min() > 0
    assert (lowest <= 0).any()


def test_folding_counts_only_in_the_mask(a_pair: SmallPair, tmp_path: Path) -> None:
    field = np.zeros((40, 40, 40, 3))
    x = np.arange(40, dtype=float) * 3 - 60
    field[..., 0] = np.where(x < 0, -2 * x, 0)  # mirrored on one side
    image = sitk.GetImageFromArray(field, isVector=True)
    image.SetSpacing((3, 3, 3))
    image.SetOrigin((-60, -60, -60))
    sitk.WriteTransform(sitk.DisplacementFieldTransform(image), str(tmp_path / "mirror.h5"))
    whole = evaluate(tmp_path / "mirror.h5", "--fixed", a_pair.fixed)
    assert 40 < whole["folding_percent"] < 60
    labels = sitk.ReadImage(str(a_pair.fixed))
    values = np.zeros(sitk.GetArrayFromImage(labels).shape, np.uint8)
    points = a_grid().all_points()
    values[points[..., 0] > 8] = 1
    mask = sitk.GetImageFromArray(values)
    mask.CopyInformation(labels)
    sitk.WriteImage(mask, str(tmp_path / "mask.nii.gz"))
    assert evaluate(tmp_path / "mirror.h5", "--fixed", a_pair.fixed, "--fixed-mask", tmp_path / "mask.nii.gz")["folding_percent"] == 0.0
