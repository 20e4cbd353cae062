from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from analytic import OBLIQUE, centred, pair, turn, wave
from fits import ALL, FIXED, LATTICE, SIREN, SPLINE, Array, a_problem, inner_points, model_of, short
from scipy import ndimage
from torch import Tensor

from inr_registration.app import register
from inr_registration.core import Cycle, Problem, Representation, Settings, Stage, Volume
from inr_registration.fields import evaluate_on_cells
from inr_registration.methods import Prepared, look_for, prepare
from inr_registration.numerics import jacobian_determinant
from inr_registration.start import Found, discrete, start_at, step_mm
from inr_registration.start.discrete import _costs, _coupled, _displacements, _knots, _unfolded

CPU = torch.device("cpu")


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def bulge(points: Array) -> Array:
    """A smooth map without folding: 20 mm in the middle, less all around."""
    push = np.array([16.0, -12.0, 0.0]) * np.exp(-((points / 34.0) ** 2).sum(axis=-1, keepdims=True))
    return np.asarray(points + push)


@cache
def far_apart() -> Problem:
    """A dense texture: a slope leads to the nearest spot that looks alike, not to the right one."""
    grid, moving = centred((32, 32, 30), 3.0, turn(10)), centred((34, 32, 33), 3.0, OBLIQUE)
    texture = np.random.default_rng(1).normal(size=(24, 24, 24))

    def image(points: Array) -> Array:
        return np.asarray(ndimage.map_coordinates(texture, np.moveaxis(points / 7.0 + 12, -1, 0), order=3), dtype=np.float32)

    seen = (image(bulge(grid.all_points().astype(float))), image(moving.all_points().astype(float)))
    return Problem(Volume(seen[0], grid, "fixed"), Volume(seen[1], moving, "moving"))


def prepared_for(problem: Problem, settings: Settings = LATTICE) -> Prepared:
    ready = prepare(problem, settings, CPU)
    ready.similarity = dict(settings.similarity)
    return ready


def error_mm(problem: Problem, settings: Settings) -> float:
    points = inner_points()
    return float(np.linalg.norm(model_of(register(problem, settings)).map(points) - bulge(points), axis=1).mean())


def test_costs_are_those_of_a_loop_over_nodes_displacements_and_channels() -> None:
    shape = (2, 3, 2)
    wide = tuple(n + 8 for n in shape)
    ours, theirs, tried = noise(12, *wide), noise(12, *wide, seed=1), _displacements(torch.ones(1))
    share, their_share = noise(*wide, seed=2), (noise(*wide, seed=3) > 0.3).float()
    raw, counted = np.zeros((len(tried), *shape)), np.zeros((len(tried), *shape))
    for n, (x, y, z) in enumerate(tried.tolist()):
        for k, j, i in np.ndindex(*shape):
            here, there = (k + 4, j + 4, i + 4), (k + 4 + z, j + 4 + y, i + 4 + x)
            counted[n, k, j, i] = share[here] * their_share[there]
            raw[n, k, j, i] = counted[n, k, j, i] * float(((ours[(slice(None), *here)] - theirs[(slice(None), *there)]) ** 2).sum())
    usual = raw.sum() / counted.sum()
    raw += (share[4:-4, 4:-4, 4:-4].numpy() - counted) * usual
    for _ in range(2):
        near = [[slice(max(a - 1, 0), a + 2) for a in at] for at in np.ndindex(*shape)]
        raw = np.stack([raw[:, s[0], s[1], s[2]].mean(axis=(1, 2, 3)) for s in near], axis=1).reshape(-1, *shape)
    np.testing.assert_allclose(_costs(ours, share, theirs, their_share, tried).numpy(), raw, rtol=2e-4, atol=1e-5)


def test_a_shift_of_whole_steps_is_found_by_the_search() -> None:
    tried = _displacements(torch.ones(1))
    theirs = noise(12, 18, 17, 16)
    ours = theirs.roll((-2, 3, -1), (1, 2, 3))  # ours at (k, j, i) is theirs at (k + 2, j - 3, i + 1)
    ones = torch.ones(18, 17, 16)
    found = _coupled(_costs(ours, ones, theirs, ones, tried), tried, (10, 9, 8))
    for axis, expected in enumerate((1.0, -3.0, 2.0)):
        torch.testing.assert_close(found[axis], torch.full((10, 9, 8), expected))


def test_nodes_about_which_nothing_is_known_follow_the_others() -> None:
    tried = _displacements(torch.ones(1))
    theirs = noise(12, 18, 17, 16)
    ours, share = theirs.roll(2, 3), torch.ones(18, 17, 16)
    share[:9] = 0
    found = _coupled(_costs(ours, share, theirs, torch.ones_like(share), tried), tried, (10, 9, 8))
    torch.testing.assert_close(found[0, 6:], torch.full((4, 9, 8), -2.0))
    assert (found[0, 3] < -0.5).all()
    assert found[1:].abs().max() < 1e-6


def test_displacements_are_tried_from_the_shortest_on() -> None:
    tried = _displacements(torch.ones(1))
    assert len(tried) == 9**3 == len(torch.unique(tried, dim=0))
    assert tried[0].tolist() == [0, 0, 0]
    assert (tried.square().sum(dim=1).diff() >= 0).all()


@pytest.mark.parametrize(("extent", "reach"), [((60.0, 50.0, 40.0), 15.0), ((300.0, 200.0, 180.0), 32.0), ((500.0, 500.0, 600.0), 66.4)])
def test_the_reach_grows_with_the_image(extent: tuple[float, ...], reach: float) -> None:
    assert 4 * step_mm(np.array(extent)) == pytest.approx(reach, abs=0.1)


@pytest.fixture(scope="module")
def found() -> Found:
    return look_for(prepared_for(far_apart()), np.eye(4))


def test_both_directions_are_found_and_undo_each_other(found: Found) -> None:
    points = inner_points()
    truth = bulge(points)
    before = np.linalg.norm(truth - points, axis=1).mean()
    there = points + found.forward(points)
    assert np.linalg.norm(there - truth, axis=1).mean() < 0.4 * before
    assert np.linalg.norm(truth + found.backward(truth) - points, axis=1).mean() < 0.4 * before
    assert np.linalg.norm(there + found.backward(there) - points, axis=1).mean() < 1.5


def test_the_map_found_does_not_fold(found: Found) -> None:
    for steps in (found.there, found.back):
        jet = evaluate_on_cells(steps, _knots(steps), (0.3, 0.6, 0.9), 1)
        assert jet.first is not None
        assert float(jacobian_determinant(jet.first).min()) > 0


def test_a_folded_answer_is_smoothed_until_it_does_not_fold() -> None:
    wild = 4 * noise(3, 9, 9, 9) - 2
    assert discrete.SMOOTHINGS > 5
    calm = _unfolded(wild)
    jet = evaluate_on_cells(calm, _knots(calm), (0.5, 0.5, 0.5), 1)
    assert jet.first is not None
    assert float(jacobian_determinant(jet.first).min()) > discrete.SMOOTHEST_DET


def test_the_search_follows_an_affine_in_both_directions() -> None:
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn(40, 2), (8.0, -5.0, 3.0)
    problem = far_apart()
    moved = affine @ problem.moving.grid.affine
    moving = replace(problem.moving, grid=replace(problem.moving.grid, affine=moved))
    turned = look_for(prepared_for(replace(problem, moving=moving)), affine)
    points = inner_points()
    truth = bulge(points) @ affine[:3, :3].T + affine[:3, 3]
    there = (points + turned.forward(points)) @ affine[:3, :3].T + affine[:3, 3]
    assert np.linalg.norm(there - truth, axis=1).mean() < 0.4 * np.linalg.norm(bulge(points) - points, axis=1).mean()
    back = np.linalg.inv(affine)
    home = (truth + turned.backward(truth)) @ back[:3, :3].T + back[:3, 3]
    assert np.linalg.norm(home - points, axis=1).mean() < 0.4 * np.linalg.norm(bulge(points) - points, axis=1).mean()


@pytest.mark.parametrize(("kind", "bound"), [("velocity", 0.15), ("spline", 0.1), ("sinr", 0.35), ("siren", 0.35), ("relu", 0.6)])
def test_every_kind_of_field_starts_at_a_given_displacement(kind: str, bound: float) -> None:
    representation = ALL[kind].representation if kind in ALL else Representation("sinr", 48, 2, 12.0)
    settings = replace(SIREN if kind in ("siren", "relu") else SPLINE, representation=representation)
    ready = prepared_for(a_problem(), settings)
    generator = torch.Generator().manual_seed(0)
    field = ready.field_for(Stage(2, 1, 0.1, 100, 2.0), settings, None, generator)
    start_at(field, ready.frame, ready.box, lambda p: wave(p) - p, generator)
    points = inner_points()
    with torch.no_grad():
        unit = field.evaluate(torch.as_tensor(ready.frame.to_unit(points).T.copy()).float(), 0).value
    moved = unit.T.double().numpy() @ ready.frame.axes.T
    assert np.linalg.norm(moved - (wave(points) - points), axis=1).mean() < bound


LARGE = replace(LATTICE, similarity={"local_ncc": 1.0}, stages=(Stage(1, 30, 0.15, control_spacing=3.0),))


def test_a_local_motion_of_20_mm_that_a_fit_without_pyramid_misses_is_found_with_a_discrete_start() -> None:
    plain, started = error_mm(far_apart(), LARGE), error_mm(far_apart(), replace(LARGE, start="discrete"))
    assert plain > 1.2
    assert started < 0.4


def test_both_networks_of_a_pair_start_from_the_search() -> None:
    settings = replace(short(SIREN, 1), stages=(Stage(2, 1, 1e-6, 500),), start="discrete")
    before = float(np.linalg.norm(bulge(inner_points()) - inner_points(), axis=1).mean())
    result = register(far_apart(), replace(settings, cycle=Cycle()))
    assert any(said.startswith("discrete start: used") for said in result.choices)
    assert result.history[0].terms["cycle"][0] < 0.1
    assert np.linalg.norm(model_of(result).map(inner_points()) - bulge(inner_points()), axis=1).mean() < 0.5 * before


def test_a_start_that_does_not_help_is_not_used_and_the_result_says_so() -> None:
    same = pair(FIXED, FIXED, lambda points: points + 0.1 * (wave(points) - points))
    settings = replace(short(LATTICE, 3), similarity={"mse": 1.0})
    result = register(same, replace(settings, start="discrete"))
    assert any(said.startswith("discrete start: not used") for said in result.choices)
    points = inner_points()
    np.testing.assert_array_equal(model_of(result).map(points), model_of(register(same, settings)).map(points))
