"""Voxels that are not defined, nearest labels at half voxels, and images of micrometres, through ``apply`` and ``evaluate``."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from inr_registration.app.cli.main import main
from inr_registration.core import Grid, Volume
from inr_registration.io import ItkMap
from inr_registration.maps import pull_image, pull_labels

SIZE = (16, 17, 18)
GRID = Grid(SIZE[::-1], np.diag([2.0, 2.0, 2.0, 1.0]))


def smooth(seed: int = 0) -> np.ndarray:
    return ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=SIZE), 1.5).astype(np.float32)


def shifted(mm: tuple[float, float, float], grid: Grid = GRID) -> np.ndarray:
    return np.broadcast_to(np.array(mm, np.float32), (*grid.shape, 3)).copy()


@pytest.mark.parametrize("step", [(2.0, 0.0, 0.0), (0.7, -1.3, 0.4)])
def test_what_is_not_known_stays_not_known_and_what_is_known_stays(step: tuple[float, float, float]) -> None:
    values = smooth()
    values[5:9, 4:8, 6:11] = np.nan
    out = pull_image(Volume(values, GRID), GRID, shifted(step))
    index = np.stack(np.meshgrid(*map(np.arange, SIZE), indexing="ij")).reshape(3, -1) + np.array(step[::-1])[:, None] / 2
    filled = np.nan_to_num(values)
    expected = ndimage.map_coordinates(filled, index, order=1, mode="nearest").reshape(SIZE)
    touched = ndimage.map_coordinates(np.isnan(values).astype(float), index, order=1, mode="nearest").reshape(SIZE) > 1e-3
    inside = ((index >= 0) & (index <= np.array(SIZE)[:, None] - 1)).all(axis=0).reshape(SIZE)
    assert np.isnan(out[touched & inside]).all()
    assert np.isnan(out[~inside & ((index < -0.5) | (index > np.array(SIZE)[:, None] - 0.5)).any(axis=0).reshape(SIZE)]).all()
    np.testing.assert_allclose(out[inside & ~touched], expected[inside & ~touched], atol=1e-5)


def test_without_undefined_voxels_the_lowest_value_goes_on_outside() -> None:
    values = smooth()
    out = pull_image(Volume(values, GRID), GRID, shifted((500.0, 0.0, 0.0)))
    assert (out == values.min()).all()


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("sign", [-1, 1])
def test_at_half_voxels_each_plane_of_a_label_map_is_taken_once(axis: int, sign: int) -> None:
    labels = np.broadcast_to(np.arange(1, SIZE[axis] + 1).reshape([-1 if n == axis else 1 for n in range(3)]), SIZE).astype(np.int16)
    step = np.zeros(3)
    step[2 - axis] = sign * 1.0  # half a voxel
    out = pull_labels(Volume(labels, GRID), GRID, shifted(tuple(step)))
    planes = np.moveaxis(out, axis, 0).reshape(SIZE[axis], -1)
    assert (planes == planes[:, :1]).all()
    seen = planes[:, 0][planes[:, 0] > 0]
    assert (np.diff(seen) == 1).all()
    image = sitk.GetImageFromArray(labels)
    image.SetSpacing((2.0, 2.0, 2.0))
    theirs = sitk.GetArrayFromImage(sitk.Resample(image, image, sitk.TranslationTransform(3, step.tolist()), sitk.sitkNearestNeighbor, 0))
    inner = tuple(slice(1, -1) for _ in range(3))
    np.testing.assert_array_equal(out[inner], theirs[inner])


@pytest.mark.parametrize("noise", [0.0, 1e-4, -1e-4])
def test_rounding_near_a_half_decides_nothing(noise: float) -> None:
    index, inside = GRID.nearest([[1.0 + noise, 2.0, 3.0]])
    assert index.tolist() == [[1, 1, 2]]
    assert inside.all()


@pytest.mark.parametrize("unit", [1e3, 1.0, 1e-3])
def test_an_inverse_is_as_good_in_voxels_whatever_their_size(unit: float) -> None:
    generator = np.random.default_rng(0)
    spline = sitk.BSplineTransform(3, 3)
    spline.SetTransformDomainMeshSize([6] * 3)
    spline.SetTransformDomainOrigin([-40 * unit] * 3)
    spline.SetTransformDomainPhysicalDimensions([80 * unit] * 3)
    spline.SetParameters((generator.normal(size=len(spline.GetParameters())) * 3 * unit).tolist())
    points = generator.uniform(-30, 30, (200, 3)) * unit
    moved = np.array([spline.TransformPoint(p) for p in points.tolist()])
    found, lost = ItkMap(spline).pull_back(moved)
    assert not lost.any()
    assert np.linalg.norm(found - points, axis=1).max() < 0.01 * unit
    _, nowhere = ItkMap(sitk.AffineTransform(np.diag([1.0, 1.0, 1e-9]).ravel().tolist(), [0.0] * 3)).pull_back(points)
    assert nowhere.dtype == bool


def test_grids_of_micrometres_that_differ_by_a_voxel_are_not_the_same() -> None:
    one = Grid(SIZE[::-1], np.diag([1e-3, 1e-3, 1e-3, 1.0]))
    affine = one.affine.copy()
    affine[0, 3] += 1e-3
    assert not one.is_same(Grid(one.size, affine))
    assert one.is_same(Grid(one.size, one.affine + 1e-8 * np.eye(4)[:, 3:] * [0, 0, 0, 1]))


def test_evaluate_compares_where_both_images_are_defined(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    values = smooth() + 1000
    holes = values.copy()
    holes[:5] = np.nan
    for name, array in (("whole", values), ("holes", holes)):
        nibabel.save(nibabel.Nifti1Image(array.transpose(2, 1, 0), np.diag([2.0, 2.0, 2.0, 1.0])), tmp_path / f"{name}.nii.gz")
    sitk.WriteTransform(sitk.TranslationTransform(3, (0.0, 0.0, 0.0)), str(tmp_path / "t.tfm"))
    for fixed, moving in (("holes", "whole"), ("whole", "holes"), ("holes", "holes")):
        given = ["--fixed", str(tmp_path / f"{fixed}.nii.gz"), "--moving", str(tmp_path / f"{moving}.nii.gz")]
        assert main(["evaluate", str(tmp_path / "t.tfm"), *given]) == 0
        found = json.loads(capsys.readouterr().out)["similarity"]
        assert found["correlation"]["after"] == pytest.approx(1)
        assert found["local correlation"]["after"] > 0.999


@pytest.mark.parametrize(("name", "way"), [("nearest", sitk.sitkNearestNeighbor), ("linear", sitk.sitkLinear), ("cubic", sitk.sitkBSpline)])
def test_images_are_interpolated_as_simpleitk_does(name: str, way: int) -> None:
    values = smooth()
    image = sitk.GetImageFromArray(values)
    image.SetSpacing((2.0, 2.0, 2.0))
    step = (0.6, -1.2, 0.9)
    theirs = sitk.GetArrayFromImage(sitk.Resample(image, image, sitk.TranslationTransform(3, step), way, 0.0))
    ours = pull_image(Volume(values, GRID), GRID, shifted(step), name)
    inner = (slice(4, -4),) * 3
    np.testing.assert_allclose(ours[inner], theirs[inner], atol=2e-3 * np.ptp(values))


def test_label_maps_are_not_blurred_unless_asked_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = np.digitize(smooth(), [0.0, 0.05]).astype(np.uint8)
    path = tmp_path / "labels.nii.gz"
    nibabel.save(nibabel.Nifti1Image(labels.transpose(2, 1, 0), np.diag([2.0, 2.0, 2.0, 1.0])), path)
    sitk.WriteTransform(sitk.TranslationTransform(3, (0.6, -1.2, 0.9)), str(tmp_path / "t.tfm"))
    given = ["apply", str(tmp_path / "t.tfm"), str(path), str(tmp_path / "o.nii.gz"), "--reference", str(path)]
    assert main(given) == 2
    assert "like a label map" in capsys.readouterr().err
    assert main([*given, "--kind", "labels"]) == 0
    assert set(np.unique(np.asarray(nibabel.load(tmp_path / "o.nii.gz").dataobj))) <= {0, 1, 2}
    assert main([*given, "--kind", "image"]) == 0
    assert len(np.unique(np.asarray(nibabel.load(tmp_path / "o.nii.gz").dataobj))) > 10


def test_transforms_go_one_after_another_in_both_directions(tmp_path: Path) -> None:
    first, second = sitk.AffineTransform(3), sitk.TranslationTransform(3, (5.0, -2.0, 1.0))
    first.SetMatrix([1.1, 0.1, 0, -0.1, 0.9, 0, 0, 0.05, 1])
    names = [str(tmp_path / "first.tfm"), str(tmp_path / "second.tfm")]
    for transform, name in zip((first, second), names, strict=True):
        sitk.WriteTransform(transform, name)
    points = np.random.default_rng(0).uniform(-20, 20, (5, 3)).round(3)
    header = "x_lps_mm,y_lps_mm,z_lps_mm"
    np.savetxt(tmp_path / "p.csv", points, "%.6f", ",", header=header, comments="")
    there, back = str(tmp_path / "there.csv"), str(tmp_path / "back.csv")
    assert main(["apply", names[0], str(tmp_path / "p.csv"), there, "--to", "moving", "--then", names[1]]) == 0
    moved = np.loadtxt(there, delimiter=",", skiprows=1)
    expected = [second.TransformPoint(first.TransformPoint(p)) for p in points.tolist()]
    np.testing.assert_allclose(moved, expected, atol=1e-5)
    assert main(["apply", names[0], there, back, "--to", "fixed", "--then", names[1]]) == 0
    np.testing.assert_allclose(np.loadtxt(back, delimiter=",", skiprows=1), points, atol=1e-4)
