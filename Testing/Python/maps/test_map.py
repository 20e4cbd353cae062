"""One family of maps: they compose, invert, warp and save themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

import inr_registration as inr
from inr_registration.io import ItkMap
from inr_registration.maps import planes

POINTS = np.random.default_rng(2).uniform(-12, 12, (50, 3))
GRID = inr.Grid((20, 21, 22), np.array([[2.0, 0, 0, -19], [0, 2.0, 0, -20], [0, 0, 2.0, -21], [0, 0, 0, 1]]))


def an_affine(degrees: float = 20.0) -> inr.Affine:
    a = np.deg2rad(degrees)
    matrix = np.array([[np.cos(a), -np.sin(a), 0.1, 3], [np.sin(a), 1.1 * np.cos(a), 0, -2], [0, 0.05, 0.9, 1], [0, 0, 0, 1.0]])
    return inr.Affine(matrix)


def a_spline() -> ItkMap:
    spline = sitk.BSplineTransform(3, 3)
    spline.SetTransformDomainOrigin([-30.0] * 3)
    spline.SetTransformDomainPhysicalDimensions([60.0] * 3)
    spline.SetTransformDomainMeshSize([5, 5, 5])
    spline.SetParameters(np.random.default_rng(1).normal(0, 1.2, len(spline.GetParameters())).tolist())
    return ItkMap(spline)


def by_itk(transform: sitk.Transform, points: np.ndarray) -> np.ndarray:
    return np.array([transform.TransformPoint(p) for p in points.tolist()])


MAPS = {"affine": an_affine, "spline": a_spline, "both": lambda: an_affine() @ a_spline(), "inverse": lambda: a_spline().inverted}


@pytest.mark.parametrize("name", MAPS)
def test_derivatives_are_those_of_finite_differences(name: str) -> None:
    phi, step = MAPS[name](), 0.02
    numeric = np.stack([(phi.map(POINTS + e) - phi.map(POINTS - e)) / (2 * step) for e in step * np.eye(3)], axis=2)
    np.testing.assert_allclose(phi.jacobian(POINTS), numeric, atol=2e-2 if name == "inverse" else 2e-3)
    np.testing.assert_allclose(phi.determinant(POINTS), np.linalg.det(phi.jacobian(POINTS)))


@pytest.mark.parametrize("name", MAPS)
def test_a_map_and_its_inverse_undo_each_other(name: str) -> None:
    phi = MAPS[name]()
    for there, back in ((phi, phi.inverted), (phi.inverted, phi.inverted.inverted)):
        np.testing.assert_allclose(back.map(there.map(POINTS)), POINTS, atol=5e-3)
    found, lost = phi.pull_back(phi.map(POINTS))
    np.testing.assert_allclose(found, POINTS, atol=5e-3)
    assert not lost.any()


def test_composition_takes_the_right_one_first_as_itk_does() -> None:
    affine, spline = an_affine(), a_spline()
    composite = sitk.CompositeTransform(3)
    linear = sitk.AffineTransform(3)
    linear.SetMatrix(affine.matrix[:3, :3].ravel().tolist())
    linear.SetTranslation(affine.matrix[:3, 3].tolist())
    composite.AddTransform(linear)
    composite.AddTransform(spline.transform)
    np.testing.assert_allclose((affine @ spline)(POINTS), by_itk(composite, POINTS), atol=1e-9)
    three = affine @ (spline @ affine)
    np.testing.assert_allclose(three(POINTS), affine(spline(affine(POINTS))))
    assert len(three.parts) == 3


@pytest.mark.parametrize("ending", [".h5", ".tfm", ".mat"])
def test_a_map_is_saved_for_itk_and_read_back(tmp_path: Path, ending: str) -> None:
    for name, phi in (("affine", an_affine()), ("spline", a_spline()), ("both", an_affine() @ a_spline())):
        if ending == ".mat" and name == "both":
            continue  # MATLAB's files hold no composite
        path = tmp_path / f"{name}{ending}"
        phi.save(path)
        np.testing.assert_allclose(by_itk(sitk.ReadTransform(str(path)), POINTS), phi(POINTS), atol=1e-6)
        np.testing.assert_allclose(inr.load(path)(POINTS), phi(POINTS), atol=1e-6)


@pytest.mark.parametrize("ending", [".h5", ".tfm"])
def test_composites_of_composites_are_saved(tmp_path: Path, ending: str) -> None:
    """ITK's files hold no composite inside a composite; a transform file of ours is one."""
    (an_affine() @ a_spline()).save(tmp_path / f"one{ending}")
    one = inr.load(tmp_path / f"one{ending}")
    (one @ one).save(tmp_path / f"two{ending}")
    np.testing.assert_allclose(by_itk(sitk.ReadTransform(str(tmp_path / f"two{ending}")), POINTS), one(one(POINTS)), atol=1e-6)


def test_an_affine_map_is_inverted_exactly_and_its_inverse_can_be_saved(tmp_path: Path) -> None:
    back = an_affine().inverted
    assert isinstance(back, inr.Affine)
    np.testing.assert_allclose(back.matrix @ an_affine().matrix, np.eye(4), atol=1e-12)
    back.save(tmp_path / "back.tfm")
    np.testing.assert_allclose(inr.load(tmp_path / "back.tfm")(an_affine()(POINTS)), POINTS, atol=1e-9)


def test_a_map_that_finds_no_place_says_so_in_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(inr.RegistrationError, match="file"):
        an_affine().save(tmp_path / "file" / "x.h5")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_maps_are_read_plane_by_plane() -> None:
    """The points of a whole image take twice the memory of its displacement."""
    asked: list[int] = []

    class Watched(inr.Map):
        def map(self, points: np.ndarray) -> np.ndarray:
            asked.append(len(points))
            return np.asarray(points) + 1.0

        def jacobian(self, points: np.ndarray) -> np.ndarray:
            return np.broadcast_to(np.eye(3), (len(points), 3, 3))

    found = Watched().displacement_on(GRID)
    assert asked == [GRID.size[0] * GRID.size[1]] * GRID.size[2]
    np.testing.assert_allclose(found, 1.0, atol=1e-5)
    assert found.dtype == np.float32
    made = planes(GRID)
    np.testing.assert_array_equal(next(made), GRID.all_points()[0].reshape(-1, 3))


def test_what_itk_cannot_hold_is_saved_as_displacements_where_a_grid_is_known(tmp_path: Path) -> None:
    from inr_registration.maps import Placed

    inverse = a_spline().inverted
    with pytest.raises(inr.InputError, match="knows no grid"):
        inverse.save(tmp_path / "inverse.h5")
    Placed(inverse, GRID, GRID).save(tmp_path / "inverse.h5")
    np.testing.assert_allclose(by_itk(sitk.ReadTransform(str(tmp_path / "inverse.h5")), POINTS), inverse(POINTS), atol=0.15)
    with pytest.raises(inr.InputError, match="only a map that was fitted here"):
        inverse.save(tmp_path / "inverse.safetensors")
    with pytest.raises(inr.InputError, match=r"a map is written as \.safetensors or \.h5"):
        inverse.save(tmp_path / "inverse.png")


@pytest.mark.parametrize(("order", "by"), [(0, sitk.sitkNearestNeighbor), (1, sitk.sitkLinear)])
def test_warping_is_what_itk_makes_of_it(order: int, by: int) -> None:
    values = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=GRID.shape), 1.5).astype(np.float32)
    values = (values > 0).astype(np.float32) * 3 if order == 0 else values
    image = sitk.GetImageFromArray(values)
    image.SetSpacing(GRID.spacing.tolist())
    image.SetOrigin(GRID.origin.tolist())
    phi = a_spline()
    expected = sitk.GetArrayFromImage(sitk.Resample(image, image, phi.transform, by, np.nan))
    found = phi.warp(inr.Volume(values, GRID), GRID, order).values
    seen = np.isfinite(expected)
    assert seen.mean() > 0.8
    assert (np.abs(found - expected)[seen] > 1e-4).mean() < 0.002  # half voxels


def test_a_grid_is_needed_and_a_matrix_is_looked_at() -> None:
    with pytest.raises(inr.InputError, match="does not say on which grid"):
        an_affine().warp(inr.Volume(np.zeros(GRID.shape, np.float32), GRID))
    for matrix in (np.eye(3), np.full((4, 4), np.nan), np.diag([1.0, 1, 1, 2])):
        with pytest.raises(inr.InputError, match="an affine map is a finite 4x4 matrix"):
            inr.Affine(matrix)
