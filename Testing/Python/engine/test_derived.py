"""What follows from a map is the same whole and in parts, and never held as a whole unless it is asked for."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch
from fits import LATTICE, SIREN, a_problem, short

from inr_registration.app import register
from inr_registration.core import Command, Grid, Part, Problem, Result, Settings, Volume
from inr_registration.fields import SplineLattice
from inr_registration.maps import OfSpline, corner_folds, draw, sampled, unfold
from inr_registration.maps.resample import warp
from inr_registration.numerics import Frame, Knots
from inr_registration.numerics import kernels as compiled

PARTS: tuple[Part, ...] = (
    (slice(3, 9), slice(None), slice(None)),
    (slice(None, None, 4), slice(1, None, 3), slice(None, None, 2)),
    (slice(7, 8), slice(-5, None), slice(2, -1)),
)
SHEAR = np.array([[1, 0.1, 0], [0, 1, 0.05], [0, 0, 1.0]])


def a_map(sheared: bool = False) -> OfSpline:
    """A rough spline, which folds at some places, after a turn and a shift."""
    noise = np.random.default_rng(8)
    grid = Grid.from_geometry((30, 28, 26), (1.1, 0.9, 1.3), (-14.0, -12.0, -15.0), np.eye(3))
    if sheared:
        affine = grid.affine.copy()
        affine[:3, :3] = affine[:3, :3] @ SHEAR
        grid = Grid(grid.size, affine)
    frame = Frame.millimetres(grid.orthogonal())
    knots = Knots((-9.0, -9.0, -9.0), (4.0, 4.0, 4.0), (16, 15, 17))
    lattice = SplineLattice(knots, torch.as_tensor(noise.normal(0, 3.0, (3, *knots.shape)), dtype=torch.float32))
    turn = np.array([[0.98, -0.15, 0, 1.5], [0.15, 0.98, 0, -2], [0, 0, 1.02, 0.5], [0, 0, 0, 1]])
    moving = Grid.from_geometry((24, 25, 26), (1.3, 1.2, 1.4), (-15.0, -14.0, -16.0), np.eye(3))
    image = Volume(noise.uniform(1, 9, moving.shape).astype(np.float32), moving, "moving")
    return OfSpline(lattice, frame, turn, np.eye(4), image, grid)


@pytest.fixture(params=["compiled", "plain"])
def _either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "plain":
        monkeypatch.setattr(compiled, "usable", lambda _: False)


@pytest.mark.usefixtures("_either_way")
@pytest.mark.parametrize("sheared", [False, True])
def test_any_part_is_that_of_the_whole(sheared: bool) -> None:
    made = a_map(sheared)
    for look in (made.displacement, made.before, made.aligned):
        whole = look()
        assert whole.shape[:3] == made.grid.shape
        assert np.ptp(whole) > 1
        for part in PARTS:
            np.testing.assert_allclose(look(part), whole[part], atol=2e-3)


def test_a_part_of_a_grid_has_the_voxels_that_the_slices_pick() -> None:
    grid = a_map(sheared=True).grid
    points = grid.all_points()
    for part in PARTS:
        assert np.abs(grid.part(part).all_points() - points[part]).max() < 1e-5


@pytest.mark.usefixtures("_either_way")
@pytest.mark.parametrize("sheared", [False, True])
def test_a_map_drawn_by_slabs_is_that_of_the_whole_grid(sheared: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    made = a_map(sheared)
    mask = np.random.default_rng(9).random(made.grid.shape) < 0.7
    displacement, det = sampled(made.lattice, made.frame, made.affine, made.grid)
    folds = corner_folds(displacement, made.grid.affine[:3, :3], unfold.CORNER_FLOOR)
    assert 20 < folds.sum() < 0.5 * folds.size
    for planes in (1, 7, 25, 26, 90):
        monkeypatch.setattr(unfold, "SLAB_VOXELS", planes * 30 * 28)
        drawn = draw(made, mask)
        np.testing.assert_allclose(drawn.det, det, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(drawn.warped, warp(made.moving, made.grid, made.affine, displacement), atol=2e-3)
        length = np.linalg.norm(displacement[mask], axis=1)
        assert drawn.size_mm == pytest.approx({"mean": length.mean(), "max": length.max(), "p95": np.percentile(length, 95)}, rel=1e-4)
        found = np.zeros_like(folds)
        found[tuple(drawn.folded[:, ::-1].T)] = True
        np.testing.assert_array_equal(found, folds)


def test_drawing_a_map_holds_two_images_and_a_few_planes(monkeypatch: pytest.MonkeyPatch) -> None:
    made = replace(a_map(), grid=Grid.from_geometry((96, 96, 128), (0.3, 0.3, 0.25), (-14.0, -12.0, -15.0), np.eye(3)))
    mask = np.zeros(made.grid.shape, bool)
    mask[:, 40:50] = True
    draw(made, mask)  # compiles
    monkeypatch.setattr(unfold, "SLAB_VOXELS", 4 * 96 * 96)
    tracemalloc.start()
    try:
        draw(made, mask)
        assert tracemalloc.get_traced_memory()[1] < 3 * 4 * mask.size
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module", params=[LATTICE, SIREN], ids=["lattice", "network"])
def result(request: pytest.FixtureRequest) -> tuple[Problem, Result]:
    settings: Settings = request.param
    initial = np.eye(4)
    initial[:3, 3] = [1.0, -0.5, 0.25]
    problem = replace(a_problem(), initial=initial)
    return problem, register(problem, short(settings, 4))


def test_a_result_computes_the_rest_when_it_is_asked(result: tuple[Problem, Result]) -> None:
    problem, made = result
    grid = problem.fixed.grid
    assert made.warped is not None
    assert not {"displacement", "before", "aligned"} & set(vars(made))
    assert made.displacement is made.displacement
    assert made.displacement is not None
    assert made.displacement.shape == (*grid.shape, 3)
    assert made.transform is not None
    affine = made.transform.affine
    assert problem.initial is not None
    for image, matrix, name in ((made.before, problem.initial, "before"), (made.aligned, affine, "aligned")):
        assert image is not None
        assert image.name == name
        np.testing.assert_allclose(image.values, warp(problem.moving, grid, matrix, None), atol=1e-5)
    whole = warp(problem.moving, grid, affine, made.displacement)
    np.testing.assert_allclose(made.warped.values, whole, atol=2e-3 * np.ptp(whole))


def test_the_moving_image_is_looked_through_once_for_all_planes(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    monkeypatch.setattr(Volume, "single", lambda self, whole=Volume.single: looked.append(self.name) or whole(self))
    made = a_map()
    draw(made, np.ones(made.grid.shape, bool))
    for part in PARTS:
        made.before(part)
        made.aligned(part)
    assert looked == ["moving"]


def test_a_result_without_a_map_has_nothing_to_compute() -> None:
    result = register(a_problem(), short(LATTICE, 4), lambda _: Command.CANCEL)
    assert (result.derived, result.displacement, result.before, result.aligned) == (None,) * 4
