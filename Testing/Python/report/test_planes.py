"""Where things of the patient land on the page, for every kind of grid."""

from __future__ import annotations

import numpy as np
import pytest

from inr_registration.core import Grid
from inr_registration.report import obliqueness, report_html, warp_grid
from inr_registration.report.views import views

# Patient directions in LPS, and where they must appear: -1 left or up, 1 right or down.
DIRECTIONS = {
    "right": [-1, 0, 0],
    "left": [1, 0, 0],
    "anterior": [0, -1, 0],
    "posterior": [0, 1, 0],
    "superior": [0, 0, 1],
    "inferior": [0, 0, -1],
}
PLACES = {
    "Axial": {"right": (-1, 0), "left": (1, 0), "anterior": (0, -1), "posterior": (0, 1)},
    "Coronal": {"right": (-1, 0), "left": (1, 0), "superior": (0, -1), "inferior": (0, 1)},
    "Sagittal": {"anterior": (-1, 0), "posterior": (1, 0), "superior": (0, -1), "inferior": (0, 1)},
}


def brightest(pixels: np.ndarray) -> np.ndarray:
    """Middle (right, down) of the brightest pixels from the middle of the picture, -1 to 1."""
    values = pixels.sum(axis=-1)
    at = np.argwhere(values == values.max()).mean(axis=0)[::-1]
    return (at + 0.5) / np.array(pixels.shape[1::-1]) * 2 - 1


@pytest.mark.parametrize(("toward", "turned"), [(("right", "anterior", "superior"), (-1, -1)), (("left", "posterior", "inferior"), (1, 1))])
def test_a_bright_spot_lands_in_the_corner_that_its_patient_directions_ask_for(a_grid, toward, turned, build_case, read_page):
    extent = np.abs(a_grid.affine[:3, :3] * a_grid.size).sum(axis=1)
    step = sum(np.array(DIRECTIONS[name]) for name in toward)
    marker = a_grid.to_world(np.rint(a_grid.to_index(a_grid.centre + 0.17 * extent * step)))
    case = build_case(a_grid, marker)
    panels = read_page(report_html(case.problem, case.result)).panels
    for plane in ("axial", "coronal", "sagittal"):
        place = brightest(panels[f"Fixed, {plane}"].pixels)
        assert (np.sign(place) == turned).all(), plane
        assert np.abs(place).min() > 0.05, plane


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_walking_in_a_patient_direction_moves_the_place_on_the_page_the_radiological_way(a_grid, direction):
    for view in views(a_grid):
        start, end = (view.place(a_grid.to_index(a_grid.centre + length * np.array(DIRECTIONS[direction]))) for length in (0, 5))
        expected = PLACES[view.name].get(direction)
        if expected is not None:
            axis = int(np.argmax(np.abs(expected)))
            assert np.sign((end - start)[axis]) == expected[axis]


def test_the_letters_on_the_edges_are_the_radiological_ones(a_grid):
    assert [view.letters for view in views(a_grid)] == [("R", "L", "A", "P"), ("R", "L", "S", "I"), ("A", "P", "S", "I")]


def test_the_picture_and_the_place_of_a_voxel_agree(a_grid):
    values = np.random.default_rng(0).permutation(a_grid.voxels).reshape(a_grid.shape)
    i, j, k = 3, 5, 2
    for view in views(a_grid):
        across, down = view.place([i, j, k]) / view.step
        assert view.cut(values, (i, j, k))[int(down), int(across)] == values[k, j, i]


def test_slices_are_drawn_in_their_true_proportions(a_grid, build_case, read_page):
    case = build_case(a_grid)
    panels = read_page(report_html(case.problem, case.result)).panels
    length = {n: a_grid.spacing[n] * a_grid.size[n] for n in range(3)}
    for view in views(a_grid):
        shown = panels[f"Fixed, {view.name.lower()}"]
        assert shown.size_mm == pytest.approx((length[view.column], length[view.row]), rel=1e-4)
        assert shown.drawn[0] / shown.drawn[1] == pytest.approx(length[view.column] / length[view.row], rel=1e-3)


def test_thick_slices_make_a_flat_coronal_plane(build_case, read_page):
    case = build_case(Grid.from_geometry((40, 30, 6), [1.3, 1.3, 5], [0, 0, 0], np.eye(3)))
    shown = read_page(report_html(case.problem, case.result)).panels["Fixed, coronal"]
    assert shown.pixels.shape[:2] == (6, 40)
    assert shown.drawn[0] / shown.drawn[1] == pytest.approx(40 * 1.3 / 30, rel=1e-3)


def test_the_planes_go_through_the_most_deformed_place(build_case, read_page):
    grid = Grid.from_geometry((30, 30, 30), [1, 1, 1], [0, 0, 0], np.eye(3))
    case = build_case(grid, np.array([9.0, 20.0, 17.0]))
    words = read_page(report_html(case.problem, case.result)).text
    assert "L 9, P 20, S 17 mm" in words
    assert "slice 18 of 30" in words


def test_the_place_of_the_planes_stays_inside_the_mask_and_off_the_border(build_case):
    from inr_registration.core import Problem, Volume
    from inr_registration.report import focus
    from inr_registration.report.overview import overview

    grid = Grid.from_geometry((40, 40, 40), [1, 1, 1], [0, 0, 0], np.eye(3))
    case = build_case(grid, np.array([39.0, 39.0, 39.0]))
    coarse = Grid.from_geometry((20, 20, 20), [2, 2, 2], [0.5, 0.5, 0.5], np.eye(3))
    inside = np.zeros(coarse.shape, np.uint8)
    inside[2:10, 3:12, 4:14] = 1
    masked = Problem(case.problem.fixed, case.problem.moving, fixed_mask=Volume(inside, coarse, "mask"))

    def place(problem: Problem) -> tuple[int, int, int]:
        seen = overview(problem)
        return focus(seen, case.result.warped, seen.thin(case.result.derived.displacement))

    i, j, k = place(masked)
    assert inside[k // 2, j // 2, i // 2] == 1
    assert max(place(case.problem)) <= 34


def test_an_oblique_grid_is_said_to_be_oblique(build_case, read_page):
    turn = np.array([[np.cos(0.3), -np.sin(0.3), 0], [np.sin(0.3), np.cos(0.3), 0], [0, 0, 1]])
    grid = Grid.from_geometry((20, 20, 20), [1, 1, 1], [0, 0, 0], turn)
    assert obliqueness(grid) == pytest.approx(np.degrees(0.3))
    case = build_case(grid)
    assert "oblique by 17°" in read_page(report_html(case.problem, case.result)).text


def polylines(path: str) -> list[np.ndarray]:
    data = path.split('d="')[1].split('"')[0]
    return [np.array([[float(part) for part in point.split()] for point in line.split("L")]) for line in data.split("M")[1:]]


def test_a_grid_that_is_not_deformed_is_made_of_straight_lines(a_grid):
    for view in views(a_grid):
        lines = polylines(warp_grid(view, a_grid, np.zeros((*a_grid.shape, 3)), (5, 5, 5), 4.0))
        assert all(len(line) == 2 and np.ptp(line, axis=0).min() == 0 for line in lines)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_shift_of_the_warp_grid_goes_the_way_of_the_displacement(direction):
    grid = Grid.from_geometry((20, 24, 16), [1, 1.5, 2], [3, 4, 5], np.array([[0, 0, -1], [1, 0, 0], [0, 1, 0]]))
    shift = np.broadcast_to(2.0 * np.array(DIRECTIONS[direction]), (*grid.shape, 3))
    for view in views(grid):
        still, moved = (polylines(warp_grid(view, grid, field, (5, 5, 5), 4.0)) for field in (0 * shift, shift))
        expected = 2 * np.array(PLACES[view.name].get(direction, (0, 0)))
        assert all(
            after - before == pytest.approx(np.broadcast_to(expected, before.shape), abs=0.011)
            for before, after in zip(still, moved, strict=True)
        )


def test_a_bulge_bends_the_lines_where_it_is():
    grid = Grid.from_geometry((40, 40, 40), [1, 1, 1], [0, 0, 0], np.eye(3))
    points = grid.all_points()
    bump = 3 * np.exp(-((points - [10, 20, 20]) ** 2).sum(-1) / 18)[..., None] * [1.0, 0, 0]
    axial = views(grid)[0]
    lines = [line for line in polylines(warp_grid(axial, grid, bump, (20, 20, 20), 5.0)) if len(line) > 2 and np.ptp(line[:, 1]) > 30]
    bent = max(lines, key=lambda line: np.ptp(line[:, 0]))
    at = np.ptp(bent[:, 0]), bent[bent[:, 0].argmax(), 1]
    assert at == pytest.approx((3, 20.5), abs=0.6)
