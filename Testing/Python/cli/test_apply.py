"""``inr-register apply``: images, labels and points, in both directions."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from small_pair import Registered, run_cli

HEADER = "x_lps_mm,y_lps_mm,z_lps_mm"


def read_csv(path: Path) -> np.ndarray:
    return np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)


def itk_points(transform: Path, points: np.ndarray) -> np.ndarray:
    """SimpleITK as the independent judge."""
    judge = sitk.ReadTransform(str(transform))
    return np.array([judge.TransformPoint(p) for p in points.tolist()])


@pytest.fixture(params=["model.safetensors", "transform.h5"])
def a_transform(request: pytest.FixtureRequest, a_registration: Registered) -> Path:
    return a_registration.output / request.param


def test_points_go_to_moving_as_simpleitk_takes_them_and_back_again(a_registration: Registered, a_transform: Path, tmp_path: Path) -> None:
    there, back = tmp_path / "there.csv", tmp_path / "back.csv"
    start = a_registration.pair.fixed_landmarks
    assert run_cli("apply", a_transform, start, there, "--to", "moving").returncode == 0
    np.testing.assert_allclose(read_csv(there), itk_points(a_registration.output / "transform.h5", read_csv(start)), atol=1e-3)
    done = run_cli("apply", a_transform, there, back)
    assert (done.returncode, done.stderr) == (0, "")
    assert np.linalg.norm(read_csv(back) - read_csv(start), axis=1).max() < 0.01


def test_a_markups_file_keeps_its_coordinate_system_and_names(a_registration: Registered, tmp_path: Path) -> None:
    lps = read_csv(a_registration.pair.fixed_landmarks)[:3]
    for system, signs in (("LPS", [1, 1, 1]), ("RAS", [-1, -1, 1])):
        points = [{"id": str(n), "label": f"F-{n}", "position": (p * signs).tolist()} for n, p in enumerate(lps)]
        document = {"markups": [{"type": "Fiducial", "coordinateSystem": system, "controlPoints": points}]}
        source, target = tmp_path / f"{system}.mrk.json", tmp_path / f"{system}-moved.mrk.json"
        source.write_text(json.dumps(document))
        assert run_cli("apply", a_registration.output / "model.safetensors", source, target, "--to", "moving").returncode == 0
        markup = json.loads(target.read_text())["markups"][0]
        assert markup["coordinateSystem"] == system
        assert [p["label"] for p in markup["controlPoints"]] == ["F-0", "F-1", "F-2"]
        moved = np.array([p["position"] for p in markup["controlPoints"]]) * signs
        np.testing.assert_allclose(moved, itk_points(a_registration.output / "transform.h5", lps), atol=1e-3)


def test_further_columns_of_a_csv_survive(a_registration: Registered, tmp_path: Path) -> None:
    source, target = tmp_path / "named.csv", tmp_path / "moved.csv"
    source.write_text(f"name,{HEADER}\ncarina,1,2,3\napex,4,-5,6\n")
    assert run_cli("apply", a_registration.output / "model.safetensors", source, target).returncode == 0
    rows = [line.split(",") for line in target.read_text().splitlines()]
    assert [row[0] for row in rows] == ["name", "carina", "apex"]


def test_the_moving_image_brought_to_fixed_is_the_warped_image(a_registration: Registered, tmp_path: Path) -> None:
    out = tmp_path / "image.nii.gz"
    done = run_cli("apply", a_registration.output / "model.safetensors", a_registration.pair.moving, out)
    assert (done.returncode, done.stderr) == (0, "")
    made, warped = nibabel.load(out), nibabel.load(a_registration.output / "warped.nii.gz")
    np.testing.assert_allclose(made.affine, warped.affine)
    difference = np.abs(made.get_fdata() - warped.get_fdata())
    assert np.percentile(difference, 99.9) < 0.01  # of 1000; a voxel on the very rim may fall to either side
    assert made.get_data_dtype() == np.float32


def test_labels_keep_their_type_and_agree_with_simpleitk(a_registration: Registered, a_transform: Path, tmp_path: Path) -> None:
    out, pair = tmp_path / "labels.nii.gz", a_registration.pair
    words = ["--kind", "labels", "--reference", pair.fixed]
    assert run_cli("apply", a_transform, pair.moving_labels, out, *words).returncode == 0
    made = nibabel.load(out)
    assert made.get_data_dtype() == np.int16
    judge = sitk.ReadTransform(str(a_registration.output / "transform.h5"))
    fixed, labels = sitk.ReadImage(str(pair.fixed)), sitk.ReadImage(str(pair.moving_labels))
    expected = sitk.GetArrayFromImage(sitk.Resample(labels, fixed, judge, sitk.sitkNearestNeighbor, 0)).transpose(2, 1, 0)
    assert np.mean(np.asarray(made.dataobj) != expected) < 1e-3
    assert len(np.unique(expected)) > 2


def test_the_fixed_image_brought_to_moving_looks_like_the_moving_image(
    a_registration: Registered, a_transform: Path, tmp_path: Path
) -> None:
    out, pair = tmp_path / "back.nii.gz", a_registration.pair
    done = run_cli("apply", a_transform, pair.fixed, out, "--to", "moving", "--reference", pair.moving)
    assert done.returncode == 0, done.stderr
    inner = np.s_[6:-6, 6:-6, 5:-5]
    made, moving = nibabel.load(out), nibabel.load(pair.moving)
    np.testing.assert_allclose(made.affine, moving.affine, atol=1e-4)
    assert np.corrcoef(made.get_fdata()[inner].ravel(), moving.get_fdata()[inner].ravel())[0, 1] > 0.97


def test_points_without_an_inverse_are_counted(tmp_path: Path) -> None:
    field = np.zeros((21, 21, 21, 3))
    field[..., 0] = 10 - np.arange(21)  # takes all of -10 to 10 mm to 0
    image = sitk.GetImageFromArray(field, isVector=True)
    image.SetOrigin((-10, -10, -10))
    sitk.WriteTransform(sitk.DisplacementFieldTransform(image), str(tmp_path / "flat.h5"))
    (tmp_path / "p.csv").write_text(f"{HEADER}\n5,0,0\n30,0,0\n")
    done = run_cli("apply", tmp_path / "flat.h5", tmp_path / "p.csv", tmp_path / "q.csv")
    assert done.returncode == 0, done.stderr
    assert "1 of 2 points have no inverse" in done.stderr
    np.testing.assert_allclose(read_csv(tmp_path / "q.csv")[1], [30, 0, 0])


def test_itk_transforms_of_many_kinds_are_mapped_as_itk_maps_them() -> None:
    from inr_registration.io import ItkMap

    generator = np.random.default_rng(2)
    spline = sitk.BSplineTransform(3, 3)
    spline.SetTransformDomainMeshSize([4, 5, 3])
    spline.SetTransformDomainOrigin((-30, -20, -25))
    spline.SetTransformDomainPhysicalDimensions((60, 45, 50))
    spline.SetTransformDomainDirection((0, -1, 0, 1, 0, 0, 0, 0, 1))
    spline.SetParameters(generator.normal(size=len(spline.GetParameters())).tolist())
    field = sitk.GetImageFromArray(generator.normal(size=(6, 7, 8, 3)), isVector=True)
    field.SetSpacing((6, 5, 7))
    field.SetOrigin((-20, -15, -18))
    euler = sitk.Euler3DTransform((1, 2, 3), 0.2, -0.1, 0.3, (4, -5, 6))
    composite = sitk.CompositeTransform([euler, spline, sitk.DisplacementFieldTransform(field)])
    points = generator.uniform(-40, 40, (400, 3))
    expected = np.array([composite.TransformPoint(p) for p in points.tolist()])
    phi = ItkMap(composite)
    np.testing.assert_allclose(phi.map(points), expected, atol=1e-9)
    smooth = ItkMap(sitk.CompositeTransform([euler, spline]))
    inner = smooth.map(generator.uniform(-8, 8, (50, 3)))
    np.testing.assert_allclose(smooth.map(smooth.inverse(inner)), inner, atol=2e-3)
