"""What the colours say: white, blue, red, magenta; black and bright."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from inr_registration.core import Grid, Volume
from inr_registration.report import colours, count_regions, find_folding, report_html
from inr_registration.report.contrast import contrast
from inr_registration.report.overview import overview

MAGENTA = (255, 0, 255)


def colour_of(det: float) -> np.ndarray:
    values = np.array([[det]], dtype=np.float32)
    return colours.DETERMINANT[colours.determinant_entries(values, values <= 0)][0, 0].astype(int)


def test_a_determinant_of_one_is_white():
    assert colour_of(1.0).tolist() == [255, 255, 255]


@pytest.mark.parametrize("det", [0.1, 0.5, 0.6, 0.8])
def test_shrinking_is_blue(det):
    red, _, blue = colour_of(det)
    assert blue > red + 30


@pytest.mark.parametrize("det", [1.25, 1.6, 2.0, 9.0])
def test_expanding_is_red(det):
    red, _, blue = colour_of(det)
    assert red > blue + 30


def test_the_scale_is_logarithmic_so_that_half_and_double_are_equally_strong():
    entries = colours.determinant_entries(np.array([[0.5, 1 / 1.3, 1.0, 1.3, 2.0]]), np.zeros((1, 5), bool))[0].astype(int)
    assert (entries[::-1] + entries == 2 * 127).all()
    assert (np.diff(entries) > 0).all()


@pytest.mark.parametrize("det", [0.0, -0.4])
def test_folding_is_magenta_and_nothing_else_is(det):
    assert tuple(colour_of(det)) == MAGENTA
    assert MAGENTA not in {tuple(colour_of(other)) for other in np.linspace(0.001, 5, 200)}


def folded_case(a_case):
    det = np.ones(a_case.problem.fixed.grid.shape, np.float32)
    det[4, 5:8, 6] = -0.2
    det[4, 6, 7] = 0.0
    det[12, 20, 15] = -0.1
    det[13, 21, 15] = -0.3  # shares an edge only, and belongs to it all the same
    return a_case.with_result(jacobian=Volume(det, a_case.problem.fixed.grid, "jacobian"))


def test_folding_is_shown_counted_and_located(a_case, read_page):
    case = folded_case(a_case)
    page = read_page(report_html(case.problem, case.result))
    assert "2 regions (6 voxels of the fixed grid)" in page.text
    assert "Where the map folds most" in page.text
    for plane, expected in (("axial", 1), ("coronal", 1), ("sagittal", 2)):
        magenta = (page.panels[f"det J at the fold, {plane}"].pixels == MAGENTA).all(axis=-1)
        assert magenta.sum() == expected, plane


def test_the_absence_of_folding_is_said_in_words(a_case, read_page):
    page = read_page(report_html(a_case.problem, a_case.result))
    assert "Folding: none: det J is positive at every voxel" in page.text
    assert "Where the map folds most" not in page.text
    assert not any((shown.pixels == MAGENTA).all(axis=-1).any() for shown in page.panels.values())


def test_the_worst_fold_is_the_smallest_determinant(a_case):
    assert find_folding(folded_case(a_case).result.jacobian).worst == (15, 21, 13)


def test_a_folding_voxel_survives_the_averaging_of_large_slices(build_case, read_page):
    grid = Grid.from_geometry((700, 8, 8), [0.5, 1, 1], [0, 0, 0], np.eye(3))
    case = build_case(grid)
    det = np.ones(grid.shape, np.float32)
    det[4, 4, 301] = -0.01
    case = case.with_result(jacobian=Volume(det, grid, "jacobian"))
    page = read_page(report_html(case.problem, case.result))
    assert (page.panels["det J at the fold, axial"].pixels == MAGENTA).all(axis=-1).any()


def flooded(mask: np.ndarray) -> int:
    """The number of regions whose voxels share a face, an edge or a corner, by flooding one after the other."""
    left, regions = {tuple(cell) for cell in np.argwhere(mask)}, 0
    while left:
        regions, edge = regions + 1, [left.pop()]
        while edge:
            z, y, x = edge.pop()
            for c, b, a in itertools.product((-1, 0, 1), repeat=3):
                cell = (z + c, y + b, x + a)
                if cell in left:
                    left.remove(cell)
                    edge.append(cell)
    return regions


@pytest.mark.parametrize("share", [0.01, 0.03, 0.06, 0.1, 0.6])
def test_regions_are_counted_as_flooding_counts_them(share):
    mask = np.random.default_rng(7).random((11, 13, 17)) < share
    assert count_regions(mask) == flooded(mask)


def test_a_long_winding_region_is_one():
    mask = np.zeros((3, 41, 41), bool)
    mask[1, ::2] = True
    mask[1, 1::4, -1] = True
    mask[1, 3::4, 0] = True
    assert count_regions(mask) == 1


def brightness(shown) -> float:
    return float(shown.pixels.mean())


def test_the_difference_after_is_darker_than_before_when_the_images_were_brought_together(a_case, read_page):
    panels = read_page(report_html(a_case.problem, a_case.result)).panels
    for plane in ("axial", "coronal"):
        assert brightness(panels[f"Difference after, {plane}"]) < 0.5 * brightness(panels[f"Difference before, {plane}"])


def test_a_perfect_match_leaves_a_black_difference(a_case, read_page):
    case = a_case.with_result(warped=a_case.problem.fixed)
    panels = read_page(report_html(case.problem, case.result)).panels
    assert panels["Difference after, axial"].pixels.max() == 0
    assert panels["Difference before, axial"].pixels.max() > 200


def test_before_and_after_share_one_scale(a_case, read_page):
    derived = dataclasses.replace(a_case.result.derived, start=a_case.result.warped.values)
    swapped = a_case.with_result(derived=derived, warped=a_case.result.before)
    panels = read_page(report_html(swapped.problem, swapped.result)).panels
    assert brightness(panels["Difference after, axial"]) > brightness(panels["Difference before, axial"])
    assert panels["Difference before, axial"].pixels.max() <= 255


def test_the_checkerboard_takes_its_tiles_from_both_images(a_case, read_page):
    grid = a_case.problem.fixed.grid
    case = a_case.with_result(warped=Volume(np.full(grid.shape, 1e4, np.float32), grid, "warped"))
    panels = read_page(report_html(case.problem, case.result)).panels
    board, fixed = panels["Checkerboard after, axial"].pixels, panels["Fixed, axial"].pixels
    white = (board == 255).all(axis=-1)
    assert 0.4 < white.mean() < 0.6
    assert (board[~white] == fixed[~white]).all()


def test_images_of_one_range_share_one_window(a_case):
    tones = contrast(a_case.problem, a_case.result, overview(a_case.problem))
    assert tones.fixed == tones.moving


def with_moving(case, change):
    """The case with every look of its moving image changed."""
    given, warped = case.result.derived, case.result.warped
    derived = dataclasses.replace(given, start=change(given.start), middle=change(given.middle))
    return case.with_result(derived=derived, warped=Volume(change(warped.values), warped.grid, "warped"))


def test_images_of_other_range_get_their_own_window_and_a_normalised_difference(a_case, read_page):
    case = with_moving(a_case, lambda values: values * 10 + 500)
    tones = contrast(case.problem, case.result, overview(case.problem))
    assert tones.moving[0] > tones.fixed[1]
    page = read_page(report_html(case.problem, case.result))
    assert "different intensity scales" in page.text
    assert brightness(page.panels["Difference after, axial"]) < 0.7 * brightness(page.panels["Difference before, axial"])


def test_exchanged_contrast_is_said_to_make_differences_mean_little(a_case, read_page):
    case = with_moving(a_case, lambda values: 200 - values)
    page = read_page(report_html(case.problem, case.result))
    assert "show tissue in different contrasts" in page.text
    assert brightness(page.panels["Difference after, axial"]) < 0.7 * brightness(page.panels["Difference before, axial"])


def test_voxels_that_are_not_finite_do_not_spoil_the_page(a_case, read_page):
    values = np.array(a_case.problem.fixed.values)
    values[8, 12, 10] = np.nan
    values[0, 0, 0] = np.inf
    problem = type(a_case.problem)(Volume(values, a_case.problem.fixed.grid, "holes"), a_case.problem.moving)
    shown = read_page(report_html(problem, a_case.result)).panels["Fixed, axial"]
    assert shown.pixels.std() > 10
