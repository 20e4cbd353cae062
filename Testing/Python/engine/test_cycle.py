from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from analytic import centred, image_on, turn
from fits import SIREN, a_problem

from inr_registration.core import Cycle, Problem, Settings, Volume
from inr_registration.fields import SplineLattice
from inr_registration.images import with_margin
from inr_registration.maps import Model
from inr_registration.methods import TERMS, CycleFit, Pass, Prepared, Way, prepare
from inr_registration.numerics import Jet, Knots

Array = npt.NDArray[np.float64]

CPU = torch.device("cpu")
AFFINE = np.eye(4)
AFFINE[:3, :3] = turn(10, 1) @ np.diag([1.1, 0.95, 1.02])
AFFINE[:3, 3] = [2.0, -3.0, 1.0]
CYCLE = replace(SIREN, cycle=Cycle())
LATTICE = replace(CYCLE, representation=replace(SIREN.representation, kind="spline"), stages=(replace(SIREN.stages[0], points=0),))


def a_pair(fixed: Any = (2.0, 2.0, 2.0), **more: Any) -> Problem:
    """Oblique images of different shapes; the fixed one of any spacing, always 60 mm wide."""
    size = tuple(round(60 / s) for s in fixed)
    return Problem(image_on(centred(size, fixed, turn(12)), name="fixed"), image_on(centred((34, 33, 32), 2.1, turn(-6, 0))), **more)


def a_fit(settings: Settings = CYCLE, **more: Any) -> CycleFit:
    """Before its first stage."""
    prepared = prepare(a_pair(**more), settings, CPU)
    prepared.choose_similarity(settings, AFFINE)
    return CycleFit(prepared, settings, AFFINE, torch.Generator().manual_seed(0))


def waving(side: Any, size: float, seed: int) -> Model:
    """A smooth random field of some mm in the frame of one side, in float64."""
    prepared, settings = side.prepared, replace(CYCLE, representation=replace(SIREN.representation, omega=2.0, zero_start=False))
    field = prepared.field_for(CYCLE.stages[0], settings, None, torch.Generator().manual_seed(seed)).double()
    with torch.no_grad():
        field.weights[-1].mul_(size)
        field.biases[-1].mul_(size)
    return Model(field, prepared.frame, side.affine, prepared.box)


def still(model: Model, points: Array) -> Pass:
    """A pass that looks at the same world points every time."""
    xi = torch.as_tensor(model.frame.to_unit(points).T.copy())
    evaluate: Callable[[torch.Tensor, int], Jet] = model.field.evaluate
    return Pass({}, evaluate, lambda _, order: (xi, evaluate(xi, order)))


def there_and_back(size: float = 0.15, **more: Any) -> tuple[CycleFit, Model, Model, Array]:
    fit = a_fit(**more)
    points = np.random.default_rng(0).uniform(-20, 20, (300, 3))
    return fit, waving(fit.forward, size, 1), waving(fit.backward, size, 2), points


precisely = pytest.mark.usefixtures("float64")


@precisely
def test_the_miss_is_what_the_two_maps_leave_in_mm_both_ways() -> None:
    fit, forward, backward, _ = there_and_back()
    for way, out, home in ((fit.there, forward, backward), (fit.back, backward, forward)):
        points = out.frame.to_world(np.random.default_rng(0).uniform(*out.box, (300, 3)))  # some leave the other's box
        expected = home.map(out.map(points)) - points
        np.testing.assert_allclose(way.miss(still(out, points), still(home, points), 300).T.detach(), expected, atol=1e-9)
        assert np.linalg.norm(expected, axis=1).mean() > 0.5
        assert (np.abs(home.frame.to_unit(out.map(points))) > home.box[1]).any()


@precisely
def test_the_gradient_of_the_miss_is_that_of_differences() -> None:
    fit, forward, backward, points = there_and_back()
    h = 1e-5
    for way, out, home in ((fit.there, forward, backward), (fit.back, backward, forward)):
        found = way.miss_gradient(still(out, points), still(home, points), 300).detach().numpy()
        for d in range(3):
            shift = h * np.eye(3)[d]
            slope = (home.map(out.map(points + shift)) - home.map(out.map(points - shift))) / (2 * h) - np.eye(3)[d]
            np.testing.assert_allclose(found[:, d].T, slope, atol=1e-6)


@precisely
@pytest.mark.parametrize("spacing", [(2.0, 2.0, 2.0), (1.5, 2.0, 6.0)])
def test_the_terms_are_means_in_mm_in_voxels_and_without_unit(spacing: tuple[float, float, float]) -> None:
    fit, forward, backward, points = there_and_back(fixed=spacing)
    out, home = still(forward, points), still(backward, points)
    found = {name: term(fit.there, out, home, 300).item() for name, term in TERMS.items()}
    miss = backward.map(forward.map(points)) - points
    assert found["value"] == pytest.approx((miss**2).sum(axis=1).mean())
    assert found["voxel"] == pytest.approx(((miss @ turn(12) / spacing) ** 2).mean())  # along the axes of the fixed image
    slope = backward.jacobian(forward.map(points)) @ forward.jacobian(points) - np.eye(3)
    assert found["gradient"] == pytest.approx((slope**2).sum(axis=(1, 2)).mean())


def linear(side: Any, matrix: Array) -> Model:
    """A field that makes the whole map ``matrix`` (4, 4) exactly: splines hold linear displacements."""
    prepared: Prepared = side.prepared
    low, high = prepared.box
    knots = Knots.covering(tuple(low - 30), tuple(high + 30), 12.0)
    sites = [torch.arange(n) * step + start for n, step, start in zip(knots.count, knots.step, knots.start, strict=True)]
    k, j, i = torch.meshgrid(*sites[::-1], indexing="ij")
    world = prepared.frame.to_world(torch.stack([i, j, k], dim=-1).numpy())
    to = np.linalg.inv(side.affine) @ matrix
    values = (world @ to[:3, :3].T + to[:3, 3] - world) @ np.linalg.inv(prepared.frame.axes).T
    return Model(SplineLattice(knots, torch.as_tensor(values).permute(3, 0, 1, 2).contiguous()), prepared.frame, side.affine, prepared.box)


@precisely
def test_maps_that_undo_each_other_cost_nothing_and_others_do() -> None:
    fit = a_fit(LATTICE)
    matrix = np.eye(4)
    matrix[:3, :3] = turn(-9) @ np.diag([0.9, 1.1, 1.05])
    matrix[:3, 3] = [-1.0, 2.0, 0.5]
    points = np.random.default_rng(0).uniform(-15, 15, (200, 3))
    forward, backward = linear(fit.forward, matrix), linear(fit.backward, np.linalg.inv(matrix))
    other = linear(fit.backward, matrix)
    for name, term in TERMS.items():
        assert term(fit.there, still(forward, points), still(backward, points), 200).item() == pytest.approx(0, abs=1e-12), name
        assert term(fit.back, still(backward, points), still(forward, points), 200).item() == pytest.approx(0, abs=1e-12), name
        assert term(fit.there, still(forward, points), still(other, points), 200).item() > 0.05, name


@precisely
def test_both_fields_feel_the_cycle_term() -> None:
    fit, forward, backward, points = there_and_back()
    for term in TERMS.values():
        for model in (forward, backward):
            model.field.zero_grad()
        term(fit.there, still(forward, points), still(backward, points), 300).backward()
        for model in (forward, backward):
            assert all(parameter.grad is not None and bool(parameter.grad.any()) for parameter in list(model.field.parameters())[:-1])


def test_a_ramp_lets_the_weight_grow_over_the_whole_run() -> None:
    stages = (replace(LATTICE.stages[0], iterations=6), replace(LATTICE.stages[0], iterations=4))
    fit = a_fit(replace(LATTICE, stages=stages, cycle=Cycle(weight=0.5, ramp=True)))
    seen = []
    for stage in stages:
        objective = fit.begin(stage)
        with torch.no_grad():
            assert isinstance(fit.forward.field, SplineLattice)
            fit.forward.field.values.fill_(2.0)  # mm along each axis
        seen += [objective.evaluate()["cycle"].item() for _ in range(stage.iterations)]
    # forward: |2, 2, 2|^2; backward: the same under the linear part of the affine, so a constant of its own
    np.testing.assert_allclose(np.diff(seen), seen[0], rtol=1e-4)
    linear_part = (AFFINE[:3, :3] @ fit.forward.prepared.frame.axes @ [2.0, 2.0, 2.0]) ** 2
    assert seen[-1] == pytest.approx(0.5 * (12 + linear_part.sum()), rel=1e-4)
    constant = a_fit(replace(LATTICE, cycle=Cycle(weight=0.0))).begin(stages[0]).evaluate()
    assert "cycle" not in constant


def half(image: Volume, side: int) -> Volume:
    """A mask of one half of an image."""
    values = np.zeros(image.grid.shape, np.uint8)
    middle = image.grid.size[0] // 2
    values[:, :, :middle] = side == 0
    values[:, :, middle:] = side == 1
    return Volume(values, image.grid, "mask")


@pytest.mark.parametrize("settings", [CYCLE, LATTICE], ids=["points", "whole level"])
def test_each_mask_restricts_the_points_of_its_own_image(settings: Settings) -> None:
    pair = a_pair()
    fit = a_fit(settings, fixed_mask=half(pair.fixed, 0), moving_mask=half(pair.moving, 1))
    for side, mask in ((fit.forward, half(pair.fixed, 0)), (fit.backward, half(pair.moving, 1))):
        one_pass, _ = side.enter(settings.stages[0])
        one_pass.draw()
        one_pass.draw_look()
        xi, _ = one_pass.see().look(4000, 0)
        index = mask.grid.to_index(side.prepared.frame.to_world(xi.T.double().numpy()))
        nearest = np.clip(np.rint(index), 0, np.asarray(mask.grid.size) - 1).astype(int)
        inside = with_margin(mask.inside(), mask.grid)[tuple(nearest[:, ::-1].T)]
        assert len(inside) > 1000
        assert inside.mean() > 0.97  # points are jittered by half a voxel of the level
        assert np.ptp(nearest[:, 0]) > 0.4 * mask.grid.size[0]


def test_the_roles_are_exchanged_without_cleaning_anew() -> None:
    prepared = prepare(a_problem(), CYCLE, CPU)
    prepared.choose_similarity(replace(CYCLE, similarity={"mse": 1.0}), np.eye(4))
    back = prepared.swapped(CYCLE)
    assert back.fixed is prepared.moving
    assert back.moving is prepared.fixed
    assert back.similarity == prepared.similarity
    slope, offset = prepared.gain
    assert back.gain[0] * (slope * 0.3 + offset) + back.gain[1] == pytest.approx(0.3)
    again = back.swapped(CYCLE)
    np.testing.assert_allclose(again.frame.axes, prepared.frame.axes)
    np.testing.assert_allclose(again.box, prepared.box)


def test_a_sheared_moving_image_is_set_upright_for_its_own_field() -> None:
    shear = np.eye(4)
    shear[0, 2] = 0.3
    moving = centred((20, 21, 22), 2.5)
    sheared = type(moving)(moving.size, shear @ moving.affine)
    mask = Volume(np.ones(sheared.shape, np.uint8), sheared, "mask")
    prepared = prepare(replace(a_pair(), moving=image_on(sheared), moving_mask=mask), CYCLE, CPU)
    back = prepared.swapped(CYCLE)
    assert not back.fixed.grid.is_sheared
    assert np.isfinite(back.fixed.values).all()
    assert back.fixed.given is not None
    assert 0.5 < back.fixed.counted.mean() < 0.95  # corners of the upright grid lie outside the sheared one
    assert back.moving is prepared.fixed
    assert isinstance(Way.between(back, prepared, np.eye(4)), Way)
