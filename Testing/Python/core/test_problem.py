from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from inr_registration.core import MIN_MASK_VOXELS, Grid, InputError, Problem, Volume, finite_range

MakeImage = Callable[..., Volume]


def filled(image: Volume, value: Any, name: str) -> Volume:
    return Volume(np.full(image.grid.shape, value), image.grid, name)


def test_a_good_pair_passes_without_a_word(an_image: MakeImage) -> None:
    assert Problem(an_image("CT"), an_image("MR")).check() == ()


def test_everything_at_once_passes(an_image: MakeImage) -> None:
    image = an_image()
    mask, points = filled(image, 1, "mask"), np.zeros((3, 3))
    problem = Problem(image, image, mask, mask, np.eye(4), points, points, mask, mask)
    assert problem.check() == ()


@pytest.mark.parametrize("which", ["fixed", "moving"])
def test_an_image_without_contrast_is_refused(an_image: MakeImage, which: str) -> None:
    images = {"fixed": an_image(), "moving": an_image(), which: filled(an_image(), -1000, "CT")}
    with pytest.raises(InputError, match="CT: every voxel has the value -1000; a constant image has nothing to align"):
        Problem(**images).check()


def test_an_image_whose_finite_voxels_are_all_equal_is_refused(an_image: MakeImage) -> None:
    values = np.full(an_image().grid.shape, 3.0)
    values[0, 0, 0] = np.nan
    with pytest.raises(InputError, match="every voxel has the value 3"):
        Problem(Volume(values, an_image().grid), an_image()).check()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_image_without_a_finite_voxel_is_refused(an_image: MakeImage, value: float) -> None:
    with pytest.raises(InputError, match="CT: no voxel has a finite value"):
        Problem(filled(an_image(), value, "CT"), an_image()).check()


def test_some_undefined_voxels_give_a_warning_with_their_number(an_image: MakeImage) -> None:
    values = np.array(an_image().values)
    values[0, 0, :3] = np.nan, np.inf, -np.inf
    assert Problem(an_image(), Volume(values, an_image().grid, "MR")).check() == ("MR: 3 voxels are not finite and are left out",)


def test_a_thin_image_is_refused(an_image: MakeImage) -> None:
    with pytest.raises(InputError, match=r"slab: \(8, 3, 10\) voxels is too thin"):
        Problem(an_image("slab", size=(8, 3, 10)), an_image()).check()


def test_four_voxels_along_an_axis_are_enough(an_image: MakeImage) -> None:
    assert Problem(an_image(size=(8, 4, 10)), an_image()).check() == ()


@pytest.mark.parametrize("which", ["fixed_mask", "moving_mask"])
@pytest.mark.parametrize("count", [0, MIN_MASK_VOXELS - 1])
def test_an_empty_or_tiny_mask_is_refused(an_image: MakeImage, which: str, count: int) -> None:
    values = np.zeros(an_image().grid.shape, dtype=np.uint8)
    values.ravel()[:count] = 1
    with pytest.raises(InputError, match=f"organ: only {count} voxels are inside"):
        Problem(an_image(), an_image(), **{which: Volume(values, an_image().grid, "organ")}).check()


def test_the_smallest_useful_mask_passes(an_image: MakeImage) -> None:
    values = np.zeros(an_image().grid.shape, dtype=np.uint8)
    values.ravel()[:MIN_MASK_VOXELS] = 1
    assert Problem(an_image(), an_image(), fixed_mask=Volume(values, an_image().grid)).check() == ()


def test_a_mask_of_another_place_is_refused(an_image: MakeImage) -> None:
    with pytest.raises(InputError, match="organ: no voxel of the mask lies in CT; check that both are in the same space"):
        Problem(an_image("CT"), an_image(), fixed_mask=filled(an_image(shift=500.0), 1, "organ")).check()


def test_a_mask_may_lie_on_a_grid_of_its_own(an_image: MakeImage) -> None:
    grid = Grid((5, 5, 5), np.diag([-1.5, 1.5, 4.0, 1.0]) + np.eye(4, k=3) * 6)
    mask = Volume(np.ones(grid.shape), grid)
    assert Problem(an_image(), an_image(), fixed_mask=mask).check() == ()


def test_the_voxels_of_a_mask_are_looked_for_where_they_lie(an_image: MakeImage) -> None:
    grid = Grid((8, 9, 200), np.eye(4))
    values = np.zeros(grid.shape)
    values[150:] = 1
    mask = Volume(values, grid, "organ")
    assert Problem(an_image(shift=160.0), an_image(shift=160.0), fixed_mask=mask).check() == ()
    with pytest.raises(InputError, match="organ: no voxel of the mask lies in"):
        Problem(an_image(), an_image(), fixed_mask=mask).check()


@pytest.mark.parametrize(("axis", "letter", "gap"), [(0, "L", 92), (1, "P", 91), (2, "S", 80)])
def test_images_apart_are_refused_with_the_gap_and_its_axis(an_image: MakeImage, axis: int, letter: str, gap: int) -> None:
    affine = np.array(an_image().grid.affine)
    affine[axis, 3] = 100
    far = Volume(an_image().values, Grid(an_image().grid.size, affine))
    with pytest.raises(InputError, match=rf"do not overlap in world space \(gap {gap} mm along {letter}\); centre them or give an initial"):
        Problem(an_image(), far).check()


def test_an_initial_transform_brings_images_apart_together(an_image: MakeImage) -> None:
    initial = np.eye(4)
    initial[2, 3] = 100
    assert Problem(an_image(), an_image(shift=100.0), initial=initial).check() == ()
    with pytest.raises(InputError, match="gap 180 mm along S"):
        Problem(an_image(), an_image(shift=100.0), initial=np.linalg.inv(initial)).check()


@pytest.mark.parametrize("initial", [np.eye(3), np.diag([1.0, 1.0, 0.0, 1.0]), np.full((4, 4), np.nan)])
def test_an_initial_transform_that_cannot_be_inverted_is_refused(an_image: MakeImage, initial: Any) -> None:
    with pytest.raises(InputError, match="initial transform must be an invertible 4x4 matrix"):
        Problem(an_image(), an_image(), initial=initial).check()


@pytest.mark.parametrize(
    ("fixed", "moving", "message"),
    [
        (np.zeros((2, 3)), None, "landmarks were given for one image only"),
        (None, np.zeros((2, 3)), "landmarks were given for one image only"),
        (np.zeros((2, 3)), np.zeros((3, 3)), "must come in pairs: 2 fixed and 3 moving"),
        (np.zeros((2, 2)), np.zeros((2, 2)), "three coordinates each"),
        (np.zeros((2, 3)), np.full((2, 3), np.inf), "finite coordinates"),
    ],
)
def test_landmarks_that_are_no_pairs_are_refused(an_image: MakeImage, fixed: Any, moving: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Problem(an_image(), an_image(), fixed_landmarks=fixed, moving_landmarks=moving).check()


@pytest.mark.parametrize("which", ["fixed_labels", "moving_labels"])
def test_labels_for_one_image_only_are_refused(an_image: MakeImage, which: str) -> None:
    with pytest.raises(InputError, match="labels were given for one image only"):
        Problem(an_image(), an_image(), **{which: filled(an_image(), 1, "labels")}).check()


def test_the_finite_range_leaves_out_what_is_undefined(an_image: MakeImage) -> None:
    values = np.zeros(an_image().grid.shape)
    values[0, 0, :4] = np.nan, np.inf, -7, 5
    assert finite_range(Volume(values, an_image().grid)) == (-7, 5)
    assert np.isnan(finite_range(filled(an_image(), np.nan, "empty"))).all()


def test_checking_changes_nothing(an_image: MakeImage) -> None:
    problem = Problem(an_image(), an_image())
    before = problem.fixed.sha256(), problem.moving.sha256()
    problem.check()
    assert (problem.fixed.sha256(), problem.moving.sha256()) == before


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_values_too_large_for_single_precision_are_left_out_with_a_warning(an_image: MakeImage, kind: str) -> None:
    values = np.array(an_image().values, dtype=kind)
    values[0, 0, :3] = 3e38, -2e38, np.nan
    image = Volume(values, an_image().grid, "PET")
    assert Problem(an_image(), image).check() == ("PET: 3 voxels are not finite or beyond 1e+38 and are left out",)
    assert finite_range(image)[1] < 10
    assert np.isnan(image.single()[0, 0, :3]).all()
    assert np.isfinite(image.single()[1:]).all()


def test_an_image_of_values_beyond_single_precision_is_refused(an_image: MakeImage) -> None:
    with pytest.raises(InputError, match=r"PET: all its values are not finite or beyond 1e\+38; choose another image"):
        Problem(Volume(an_image().values.astype(np.float64) * 1e300, an_image().grid, "PET"), an_image()).check()


@pytest.mark.parametrize(("offset", "scale"), [(1e9, 1.0), (0.0, 1e-300)])
def test_values_too_close_together_for_single_precision_are_refused(an_image: MakeImage, offset: float, scale: float) -> None:
    values = offset + scale * np.clip(np.asarray(an_image().values, dtype=np.float64), -1, 1)
    with pytest.raises(InputError, match=r"PET: its values.*too close together.*subtract the smallest"):
        Problem(Volume(values, an_image().grid, "PET"), an_image()).check()


def test_masks_that_do_not_meet_give_a_warning_with_the_gap(an_image: MakeImage) -> None:
    values = np.zeros(an_image().grid.shape)
    values[:4, :4, :4] = 1
    low, high = (Volume(part, an_image().grid, name) for part, name in ((values, "low"), (values[::-1, ::-1, ::-1], "high")))
    (said,) = Problem(an_image(), an_image(), fixed_mask=low, moving_mask=high).check()
    assert said == "low and high are 4 mm apart where the headers place them; look whether they mark the same"
    assert Problem(an_image(), an_image(), fixed_mask=low, moving_mask=low).check() == ()
