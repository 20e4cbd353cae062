"""The package as Python users see it: ``import inr_registration as inr``."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

import inr_registration as inr

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
POINTS = np.random.default_rng(4).uniform(-14, 14, (60, 3))
QUIET = """
import json, logging, sys
import inr_registration as inr
light = "torch" in sys.modules
import SimpleITK
inr.read, inr.register, inr.load, inr.Map, inr.Affine  # what is public is all there
loud = all(logging.getLogger(name).getEffectiveLevel() < logging.CRITICAL for name in ("nibabel.global", "pydicom"))
print(json.dumps([light, loud, SimpleITK.ProcessObject.GetGlobalWarningDisplay()]))
"""


def a_grid(size: tuple[int, int, int] = (26, 24, 22), degrees: float = 15.0) -> inr.Grid:
    angle = np.deg2rad(degrees)
    axes = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    spacing = np.array([2.0, 2.2, 2.4])
    return inr.Grid.from_geometry(size, spacing, -axes @ ((np.array(size) - 1) / 2 * spacing), axes)


def shift(points: np.ndarray) -> np.ndarray:
    """The true map: fixed to moving world points."""
    return points + np.array([2.0, -1.5, 1.0]) + np.sin(points[..., ::-1] / 15)


def blobs(grid: inr.Grid, phi: Any = None) -> np.ndarray:
    points = grid.all_points().astype(np.float64)
    points = points if phi is None else phi(points)
    generator = np.random.default_rng(7)
    values = np.zeros(grid.shape)
    for _ in range(40):
        centre, width, height = generator.uniform(-25, 25, 3), generator.uniform(3, 8), generator.uniform(100, 900)
        values += height * np.exp(-((points - centre) ** 2).sum(axis=-1) / (2 * width**2))
    return values.astype(np.float32)


@pytest.fixture(scope="module")
def pair() -> tuple[inr.Volume, inr.Volume]:
    return inr.Volume(blobs(a_grid(), shift), a_grid(), "fixed"), inr.Volume(blobs(a_grid(degrees=-10)), a_grid(degrees=-10), "moving")


@pytest.fixture(scope="module")
def result(pair: tuple[inr.Volume, inr.Volume]) -> inr.Registration:
    return inr.register(*pair, preset="quick", device="cpu")


def as_sitk(volume: inr.Volume) -> sitk.Image:
    image = sitk.GetImageFromArray(np.asarray(volume.values))
    image.SetSpacing(volume.grid.spacing.tolist())
    image.SetOrigin(volume.grid.origin.tolist())
    image.SetDirection(volume.grid.direction.ravel().tolist())
    return image


def as_nibabel(volume: inr.Volume) -> nibabel.Nifti1Image:
    return nibabel.Nifti1Image(np.asarray(volume.values).T, RAS_TO_LPS @ volume.grid.affine)


def test_importing_loads_no_torch_and_mutes_nobody() -> None:
    done = subprocess.run([sys.executable, "-c", QUIET], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [False, True, True]


def test_what_is_public_can_be_listed_and_nothing_else_is_there() -> None:
    assert {"register", "load", "read", "Map", "Affine", "Volume", "Grid", "Problem", "Settings", "Result", "InputError"} <= set(dir(inr))
    assert all(getattr(inr, name) is not None for name in inr.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'engine_room'"):
        inr.engine_room  # noqa: B018
    assert (Path(inr.__file__).parent / "py.typed").exists()


def test_the_map_goes_from_the_fixed_to_the_moving_image(result: inr.Registration) -> None:
    assert result.usable
    before, after = (np.linalg.norm(x - shift(POINTS), axis=1).mean() for x in (POINTS, result.map(POINTS)))
    assert after < 0.3 * before
    np.testing.assert_allclose(result.map.map(result.map.inverse(POINTS)), POINTS, atol=2e-3)
    assert result.map.determinant(POINTS).shape == (60,)


def test_images_of_every_kind_give_the_same_result(pair: tuple[inr.Volume, inr.Volume], result: inr.Registration, tmp_path: Path) -> None:
    paths = [tmp_path / "fixed.mha", tmp_path / "moving.mha"]
    for path, volume in zip(paths, pair, strict=True):
        sitk.WriteImage(as_sitk(volume), str(path))
    kinds: dict[str, list[Any]] = {
        "paths": paths,
        "names": [str(path) for path in paths],
        "SimpleITK": [as_sitk(volume) for volume in pair],
        "arrays": [(volume.values, volume.grid.affine) for volume in pair],
    }
    settings = inr.Settings.from_json(result.settings)
    expected = np.asarray(result.map(POINTS))
    for kind, images in kinds.items():
        found = inr.register(*images, settings=settings)
        np.testing.assert_allclose(found.map(POINTS), expected, atol=1e-3, err_msg=kind)
    inexact = inr.register(*(as_nibabel(volume) for volume in pair), settings=settings)  # NIfTI holds its affine in single precision
    np.testing.assert_allclose(inexact.map(POINTS), expected, atol=0.05)


def test_units_and_whole_numbers_of_images_in_memory_are_those_of_files(pair: tuple[inr.Volume, inr.Volume], tmp_path: Path) -> None:
    image = as_nibabel(pair[0])
    image.header.set_xyzt_units("micron")
    nibabel.save(image, tmp_path / "micron.nii")
    assert inr.read(image).grid.is_same(inr.read(tmp_path / "micron.nii").grid)
    np.testing.assert_allclose(inr.read(image).grid.spacing, pair[0].grid.spacing / 1000, rtol=1e-5)
    for kind in (np.int64, np.uint64):
        whole = sitk.GetImageFromArray(np.arange(125, dtype=kind).reshape(5, 5, 5))
        assert inr.read(whole).values.dtype == np.float64
        assert inr.read(whole, labels=True).values.dtype == kind


def test_a_problem_with_settings_is_the_same_verb(pair: tuple[inr.Volume, inr.Volume], result: inr.Registration) -> None:
    settings = inr.Settings.from_json(result.settings)
    again = inr.register(inr.Problem(*pair), settings)
    np.testing.assert_array_equal(again.map(POINTS), result.map(POINTS))
    with pytest.raises(inr.InputError, match="holds all images already"):
        inr.register(inr.Problem(*pair), fixed_mask=pair[0])


def test_masks_landmarks_labels_and_a_start_are_taken_in_any_form(pair: tuple[inr.Volume, inr.Volume], tmp_path: Path) -> None:
    fixed, moving = pair
    labels = [inr.Volume((volume.values > 500).astype(np.uint8), volume.grid) for volume in pair]
    np.savetxt(tmp_path / "points.csv", shift(POINTS), delimiter=",", header="x_lps_mm,y_lps_mm,z_lps_mm", comments="")
    found = inr.register(
        fixed,
        as_sitk(moving),
        preset="quick",
        fixed_mask=as_sitk(inr.Volume((fixed.values > 5).astype(np.uint8), fixed.grid)),
        fixed_labels=(labels[0].values, labels[0].grid.affine),
        moving_labels=as_nibabel(labels[1]),
        fixed_landmarks=POINTS,
        moving_landmarks=tmp_path / "points.csv",
        initial_transform=inr.Affine(np.array([[1, 0, 0, 2.0], [0, 1, 0, -1.5], [0, 0, 1, 1.0], [0, 0, 0, 1]])),
        seed=3,
    )
    assert found.quality is not None
    assert found.quality.tre_mm["after"]["mean"] < 0.5 * np.linalg.norm(shift(POINTS) - POINTS, axis=1).mean()
    assert found.quality.dice["1"][1] > 0.8
    assert found.settings["seed"] == 3


def test_a_fit_starts_from_the_map_of_another(pair: tuple[inr.Volume, inr.Volume], result: inr.Registration) -> None:
    settings = inr.load_preset("quick").settings
    stage = replace(settings.stages[0], iterations=1, learning_rate=1e-6)
    found = inr.register(*pair, settings=replace(settings, stages=(stage,)), initial_transform=result.map)
    error = np.linalg.norm(found.map(POINTS) - shift(POINTS), axis=1).mean()
    assert error < 0.6 * np.linalg.norm(POINTS - shift(POINTS), axis=1).mean()


def test_a_saved_result_is_loaded_again(result: inr.Registration, tmp_path: Path) -> None:
    result.save(tmp_path / "out")
    assert {"report.html", "transform.h5", "model.safetensors", "warped.nii.gz"} <= {path.name for path in (tmp_path / "out").iterdir()}
    for name in ("out", "out/model.safetensors"):
        np.testing.assert_array_equal(inr.load(tmp_path / name).map(POINTS), result.map(POINTS))
    np.testing.assert_allclose(inr.load(tmp_path / "out/transform.h5").map(POINTS), result.map(POINTS), atol=1e-3)
    again = inr.load(tmp_path / "out").warp(inr.read(tmp_path / "out/warped.nii.gz"))  # on the fixed image's grid
    assert again.grid.is_same(result.map.fixed_grid)


def test_labels_are_warped_by_the_nearest_one(result: inr.Registration, pair: tuple[inr.Volume, inr.Volume]) -> None:
    labels = inr.Volume((np.asarray(pair[1].values) > 400).astype(np.int16) * 7, pair[1].grid)
    warped = result.map.warp(labels, order=0)
    assert warped.values.dtype == np.int16
    assert set(np.unique(warped.values)) == {0, 7}
    assert warped.grid.is_same(pair[0].grid)
    with pytest.raises(inr.InputError, match="order of interpolation is 0, 1 or 3, got 2"):
        result.map.warp(labels, order=2)


def test_a_result_goes_to_another_process_and_back(result: inr.Registration) -> None:
    before = result.before
    again = pickle.loads(pickle.dumps(result))
    np.testing.assert_array_equal(again.map(POINTS), result.map(POINTS))
    assert before is not None
    assert again.before is not None
    np.testing.assert_array_equal(again.derived.before(), before.values)
    np.testing.assert_array_equal(again.displacement, result.displacement)
    assert again.quality == result.quality


def test_what_cannot_be_used_is_told_in_one_sentence(pair: tuple[inr.Volume, inr.Volume], tmp_path: Path) -> None:
    cases: list[tuple[Any, dict[str, Any], str]] = [
        ((pair[0],), {}, "two images are needed"),
        ((pair[0], 3), {}, "moving: an image is a path, .* got int"),
        ((pair[0], np.zeros((4, 4, 4))), {}, "moving: an image is a path"),
        ((pair[0], (np.zeros((4, 4)), np.eye(4))), {}, r"shapes \(4, 4\) and \(4, 4\)"),
        ((pair[0], ("a.nii", "b.nii")), {}, "moving: an image is a path, .* got tuple"),
        ((*pair, "lung-ct"), {}, "give a preset by its name as preset='lung-ct'"),
        (pair, {"fixed_labels": (pair[0].values + np.float32(0.5), pair[0].grid.affine), "moving_labels": pair[1]}, "labels must be whole"),
        ((pair[0], tmp_path / "none.nii"), {}, "there is no such file"),
        (pair, {"fixed_maks": pair[0]}, "unknown input 'fixed_maks'"),
        (pair, {"preset": "brian"}, "there is no preset 'brian'"),
        (pair, {"fixed_landmarks": np.zeros((4, 2))}, r"got an array of shape \(4, 2\)"),
        (pair, {"initial_transform": np.eye(3)}, "a 4x4 matrix to LPS mm or a Map"),
    ]
    for images, more, said in cases:
        with pytest.raises(inr.InputError, match=said):
            inr.register(*images, **more)
