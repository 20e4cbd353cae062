"""A deformable start, and where and how the warped image is written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from small_pair import Registered, a_grid, run_cli, true_map, write_nifti

from inr_registration.core import Grid
from inr_registration.io import NODES, coarse, load_map

pytestmark = pytest.mark.slow

NEAR = np.random.default_rng(3).uniform(-22, 22, (300, 3))


def error_mm(folder: Path) -> float:
    return float(np.linalg.norm(load_map(folder / "transform.h5").map(NEAR) - true_map(NEAR), axis=1).mean())


@pytest.mark.parametrize("name", ["transform.h5", "model.safetensors"])
def test_a_registration_starts_from_the_map_of_another(a_registration: Registered, tmp_path: Path, name: str) -> None:
    """One iteration on the coarsest level alone is next to nothing: what is there afterwards is the start."""
    printed = json.loads(run_cli("presets", "quick").stdout)
    settings = printed["settings"]
    settings["stages"] = [{**settings["stages"][0], "iterations": 1, "learning_rate": 1e-6}]
    settings["affine"] = {"kind": "none"}
    preset = tmp_path / "short.json"
    preset.write_text(json.dumps(printed))
    pair, start = a_registration.pair, a_registration.output / name
    bare, begun = tmp_path / "bare", tmp_path / "begun"
    for folder, more in ((bare, ()), (begun, ("--initial-transform", start))):
        done = run_cli(pair.fixed, pair.moving, "-o", folder, "--preset", preset, "--quiet", *more)
        assert done.returncode in (0, 5), done.stderr
    assert error_mm(begun) < 0.5 * error_mm(bare)
    assert any("deformable initial transform" in said for said in json.loads((begun / "report.json").read_text())["choices"])


def test_a_start_is_read_on_no_more_points_than_a_fit_begins_with() -> None:
    affine = np.array([[0.5, 0.1, 0.0, 3.0], [0.0, 0.7, 0.0, 2.0], [0.0, 0.0, 2.0, 1.0], [0.0, 0.0, 0.0, 1.0]])
    grid = Grid((512, 400, 130), affine)
    small = coarse(grid)
    assert np.prod(small.size) < 1.2 * NODES
    for corner in ((0, 0, 0), (1, 1, 1)):
        ends = [g.to_world((np.array([g.size]) - 1) * corner) for g in (grid, small)]
        np.testing.assert_allclose(*ends)
    assert coarse(Grid((20, 1, 18), affine)).size == (20, 1, 18)


@pytest.mark.parametrize(("interpolation", "by_itk"), [("linear", sitk.sitkLinear), ("nearest", sitk.sitkNearestNeighbor)])
def test_the_warped_image_is_written_on_the_reference_grid(
    a_registration: Registered, tmp_path: Path, interpolation: str, by_itk: int
) -> None:
    pair = a_registration.pair
    grid = a_grid(-35.0, (2.1, 1.9, 2.7))
    write_nifti(tmp_path / "reference.nii.gz", np.zeros(grid.shape, np.uint8), grid)
    words = ("--preset", "quick", "--reference", tmp_path / "reference.nii.gz", "--interpolation", interpolation, "--quiet")
    done = run_cli(pair.fixed, pair.moving, "-o", tmp_path / "out", *words)
    assert done.returncode == 0, done.stderr
    warped, reference = sitk.ReadImage(str(tmp_path / "out/warped.nii.gz")), sitk.ReadImage(str(tmp_path / "reference.nii.gz"))
    assert warped.GetSize() == reference.GetSize()
    np.testing.assert_allclose(warped.GetDirection(), reference.GetDirection(), atol=1e-6)
    transform = sitk.ReadTransform(str(tmp_path / "out/transform.h5"))
    moving = sitk.ReadImage(str(pair.moving), sitk.sitkFloat32)
    expected = sitk.GetArrayFromImage(sitk.Resample(moving, reference, transform, by_itk, np.nan))
    found = sitk.GetArrayFromImage(warped)
    seen = np.isfinite(expected)
    assert seen.mean() > 0.5
    difference = np.abs(expected - found)[seen]
    assert (difference > 0.1).mean() < (0.01 if interpolation == "nearest" else 1e-4)  # of 1000; some lie between two voxels


def test_another_interpolation_alone_keeps_the_grid(a_registration: Registered, tmp_path: Path) -> None:
    pair = a_registration.pair
    done = run_cli(pair.fixed, pair.moving, "-o", tmp_path / "out", "--preset", "quick", "--interpolation", "nearest", "--quiet")
    assert done.returncode == 0, done.stderr
    warped, moving = (sitk.GetArrayFromImage(sitk.ReadImage(str(path))) for path in (tmp_path / "out/warped.nii.gz", pair.moving))
    assert np.isin(warped.astype(np.float32), moving.astype(np.float32)).all()
    assert warped.shape == sitk.GetArrayFromImage(sitk.ReadImage(str(pair.fixed))).shape


def test_a_reference_that_is_not_there_is_told_before_the_fit(a_registration: Registered, tmp_path: Path) -> None:
    pair = a_registration.pair
    done = run_cli(pair.fixed, pair.moving, "-o", tmp_path / "out", "--reference", tmp_path / "none.nii.gz")
    assert done.returncode == 2
    assert "none.nii.gz" in done.stderr
    assert not (tmp_path / "out").exists()
