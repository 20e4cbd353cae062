"""An image onto itself stays where it is, and a fit that only made things worse gives way to the start."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from analytic import DIRECTIONS, centred, image_on, pair, wave
from fits import a_problem, error_mm

from inr_registration.app import SAID, made_worse, may_stand, register
from inr_registration.core import Cycle, Grid, Level, Problem, Quality, Result, Volume, load_preset
from inr_registration.maps import load
from inr_registration.phantom import make_pair

pytestmark = pytest.mark.slow

QUICK = load_preset("quick").settings


def moved_mm(result: Result, grid: Grid) -> float:
    assert result.model is not None
    points = grid.all_points().reshape(-1, 3)[::37].astype(np.float64)
    return float(np.linalg.norm(load(result.model).map(points) - points, axis=1).max())


@pytest.mark.parametrize("name", DIRECTIONS)
def test_an_image_onto_itself_stays(name: str) -> None:
    image = image_on(centred((28, 30, 26), 2.0, DIRECTIONS[name]))
    result = register(Problem(image, image), QUICK)
    assert moved_mm(result, image.grid) < 0.05
    assert result.verdict is not None
    assert result.verdict.level is Level.GREEN


@pytest.mark.parametrize("preset", ["quick", "auto", "ffd"])
def test_a_scan_onto_itself_stays_also_where_its_axes_are_sheared(preset: str) -> None:
    scan = make_pair("small", 1).fixed
    affine = scan.grid.affine.copy()
    affine[:3, 2] += 0.25 * affine[:3, 0]
    for grid in (scan.grid, Grid(scan.grid.size, affine)):
        image = Volume(scan.values, grid, "scan")
        result = register(Problem(image, image), load_preset(preset).settings)
        assert moved_mm(result, grid) < 0.1 * grid.spacing.min()


def test_an_initial_transform_is_the_start_that_is_kept() -> None:
    image = image_on(centred((28, 30, 26), 2.0))
    affine = image.grid.affine.copy()
    affine[:3, 3] += [6.0, -4.0, 2.0]
    there = Volume(image.values, Grid(image.grid.size, affine), "moved")
    initial = np.eye(4)
    initial[:3, 3] = [6.0, -4.0, 2.0]
    result = register(Problem(image, there, initial=initial), QUICK)
    assert result.model is not None
    points = np.random.default_rng(0).uniform(-20, 20, (100, 3))
    np.testing.assert_allclose(load(result.model).map(points), points + np.array([6.0, -4.0, 2.0]), atol=0.05)


def test_a_fit_that_was_too_coarse_to_help_gives_way_and_it_is_said() -> None:
    scan = make_pair("small", 0)
    result = register(Problem(scan.fixed, scan.moving), replace(QUICK, max_voxels=3000))
    assert SAID in result.warnings
    assert result.quality is not None
    assert all(before == pytest.approx(after, abs=1e-4) for before, after in result.quality.similarity.values())


def test_a_fit_that_helps_is_left_alone() -> None:
    result = register(pair(centred((28, 30, 26), 2.0), centred((32, 33, 31), 2.0), wave), QUICK)
    assert SAID not in result.warnings
    assert error_mm(result) < 1.5


def test_only_where_every_similarity_fell_is_it_worse() -> None:
    assert made_worse(Quality(similarity={"correlation": (0.9, 0.8), "local correlation": (0.5, 0.4)}))
    assert made_worse(Quality(similarity={"correlation": (-0.9, -0.8), "local correlation": (0.5, 0.4)}))
    assert not made_worse(Quality(similarity={"correlation": (0.9, 0.8), "local correlation": (0.3, 0.5)}))
    assert made_worse(Quality(similarity={"correlation": (1.0, 0.9998), "local correlation": (0.95, 0.951)}))
    assert not made_worse(Quality(similarity={"correlation": (1.0, 0.9998), "local correlation": (0.3, 0.7)}))  # one loud voxel
    assert not made_worse(Quality(similarity={"correlation": (0.9, 0.9), "local correlation": (0.5, 0.5)}))
    assert not made_worse(Quality(similarity={"correlation": (-0.0117, -0.0107), "local correlation": (5e-5, 4e-5)}))  # one of 10^30


def test_what_rests_on_the_fit_keeps_it() -> None:
    problem = a_problem()
    assert may_stand(problem, QUICK)
    for more in ({"cycle": Cycle()}, {"landmark_weight": 1.0}, {"uncertainty": "laplace"}, {"start": "discrete"}):
        assert not may_stand(problem, replace(QUICK, **more))
