"""The spline whose control points a network moves: against loops, finite differences, its other way of evaluation and ITK."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from analytic import OBLIQUE, centred, pair, wave
from fits import BEFORE, SINR, a_problem, error_mm, inner_points, model_of, short
from torch import Tensor

from inr_registration.app import register
from inr_registration.core import Grid, Stage
from inr_registration.fields import NetworkLattice, Siren, evaluate_at_points, network_lattice
from inr_registration.io import write_transform
from inr_registration.methods import SampledPoints, SingleFit, WholeLevel, prepare
from inr_registration.numerics import Knots
from inr_registration.optimise import fit_stage

KNOTS = Knots((-12.0, 3.0, -40.0), (6.0, 7.0, 5.0), (8, 7, 9))
CENTRE, SCALE = (9.0, 20.0, -20.0), (25.0, 30.0, 22.0)
RANDOM_START = replace(SINR, representation=replace(SINR.representation, zero_start=False))


def a_lattice(knots: Knots = KNOTS, seed: int = 0) -> NetworkLattice:
    """A lattice that moves its control points by some mm."""
    return NetworkLattice(knots, Siren(12, 2, 4.0, False, torch.Generator().manual_seed(seed)), CENTRE, SCALE)


def points_near(knots: Knots, count: int = 50) -> Tensor:
    low = torch.tensor(knots.start) + torch.tensor(knots.step)
    span = (torch.tensor(knots.count) - 3) * torch.tensor(knots.step)
    share = torch.rand(3, count, generator=torch.Generator().manual_seed(4), dtype=torch.get_default_dtype())
    return low.to(share)[:, None] + 0.02 + share * (span.to(share)[:, None] - 0.04)


@pytest.mark.usefixtures("float64")
def test_each_control_point_moves_as_the_network_says() -> None:
    lattice = a_lattice()
    found = lattice.coefficients()
    for k, j, i in [(0, 0, 0), (8, 6, 7), (3, 5, 2)]:
        at = [start + step * n for start, step, n in zip(KNOTS.start, KNOTS.step, (i, j, k), strict=True)]
        unit = torch.tensor([[(x - c) / s] for x, c, s in zip(at, CENTRE, SCALE, strict=True)])
        torch.testing.assert_close(found[:, k, j, i], torch.tensor(SCALE) * lattice.network(unit)[:, 0], rtol=0, atol=1e-12)


def objective(lattice: NetworkLattice, points: Tensor) -> Tensor:
    """Something that depends on the value and on both derivatives."""
    jet = lattice.evaluate(points, 2)
    assert jet.first is not None
    assert jet.second is not None
    return jet.value.square().mean() + 5 * jet.first.square().mean() + 40 * jet.second.square().mean()


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("parts", [False, True])
def test_the_gradient_by_the_weights_is_that_of_finite_differences(parts: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if parts:
        monkeypatch.setattr(network_lattice, "CHUNK_FLOATS", 12 * 100)  # 504 control points go through in six parts
    lattice, points, h = a_lattice(), points_near(KNOTS), 1e-6
    objective(lattice, points).backward()
    for weight in lattice.parameters():
        assert weight.grad is not None
        flat = weight.detach().view(-1)
        for n in (0, flat.numel() // 2, flat.numel() - 1):
            kept, values = float(flat[n]), []
            for shift in (h, -h):
                flat[n] = kept + shift
                values.append(float(objective(lattice, points).detach()))
            flat[n] = kept
            assert float(weight.grad.view(-1)[n]) == pytest.approx((values[0] - values[1]) / (2 * h), rel=1e-5, abs=1e-7)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("share", [0.5, 0.25])
def test_finer_knots_give_the_map_of_the_network_but_for_what_the_spline_smooths(share: float) -> None:
    lattice = a_lattice()
    steps = (KNOTS.step[0] * share, KNOTS.step[1] * share, KNOTS.step[2] * share)
    low = tuple(start + step for start, step in zip(KNOTS.start, KNOTS.step, strict=True))
    first = (low[0] - steps[0], low[1] - steps[1], low[2] - steps[2])
    finer = Knots(first, steps, (int(5 / share) + 3, int(4 / share) + 3, int(6 / share) + 3))
    points = points_near(KNOTS)
    unit = (points - torch.tensor(CENTRE)[:, None]) / torch.tensor(SCALE)[:, None]
    with torch.no_grad():
        jet = lattice.network.evaluate(unit, 2)
        assert jet.second is not None
        exact = torch.tensor(SCALE)[:, None] * jet.value
        smoothed = sum(torch.tensor(SCALE)[:, None] * jet.second[:, d] * (steps[d] / SCALE[d]) ** 2 / 6 for d in range(3))
        found = lattice.on(finer).evaluate(points).value
    assert float((found - exact).norm(dim=0).max()) < 0.25
    assert float((found - exact - smoothed).abs().max()) < 0.3 * float((found - exact).abs().max())


def test_the_next_stage_goes_on_where_the_last_one_ended() -> None:
    prepared = prepare(a_problem(), SINR, torch.device("cpu"))
    prepared.choose_similarity(SINR, np.eye(4))
    fit = SingleFit(prepared, SINR, np.eye(4), torch.Generator().manual_seed(0))
    fit_stage(SINR.stages[0], fit.begin(SINR.stages[0]), SINR, lambda *_: None)
    coarse, before, points = fit.model(), fit.field, inner_points()
    fit.begin(SINR.stages[1])
    fine, after = fit.model(), fit.field
    assert isinstance(before, NetworkLattice)
    assert isinstance(after, NetworkLattice)
    assert after.network is before.network
    assert after.knots.step[0] < 0.7 * before.knots.step[0]
    assert np.linalg.norm(coarse.displacement(points), axis=1).mean() > 2.0, "mm"
    difference = np.linalg.norm(fine.displacement(points) - coarse.displacement(points), axis=1)
    assert difference.mean() < 0.25, "mm: the coarser knots are 6 mm apart"
    assert difference.max() < 0.5


@pytest.mark.parametrize("similarity", ["ncc", "nmi", "nmi_gaussian"])
def test_whole_levels_and_sampled_points_see_the_same(similarity: str) -> None:
    settings = replace(RANDOM_START, similarity={similarity: 1.0}, outside_weight=0.2)
    problem = pair(centred((18, 16, 8), (2.0, 2.0, 4.5), OBLIQUE), centred((20, 20, 20), 2.0, centre=(6.0, 0.0, 0.0)), wave)
    prepared = prepare(problem, settings, torch.device("cpu"))
    prepared.choose_similarity(settings, np.eye(4))
    stage = Stage(1, 1, 1e-3, 100, 3.0)
    lattice = prepared.field_for(stage, settings, None, torch.Generator().manual_seed(1))
    assert isinstance(lattice, NetworkLattice)
    data = prepared.stage_data(stage, settings, np.eye(4))
    sampled = SampledPoints(data, stage.points, torch.Generator())
    k, j, i = torch.meshgrid(*(torch.arange(float(n)) for n in data.fixed.grid.shape), indexing="ij")
    index = torch.stack([i, j, k]).reshape(3, -1)
    xi = sampled.to_unit @ index + sampled.origin[:, None]
    with torch.no_grad():
        coefficients = lattice.coefficients()
        dense = WholeLevel(data, lattice).terms(coefficients)
        points = sampled.terms(index, xi, evaluate_at_points(coefficients, lattice.knots, xi).value)
    assert set(dense) == {similarity, "outside"}
    assert float(dense["outside"]) > 1e-3
    for name, value in dense.items():
        assert float(value) == pytest.approx(float(points[name]), abs=2e-5)


GRIDS = {
    "thin": centred((24, 20, 4), (2.0, 2.0, 6.0)),
    "anisotropic and oblique": centred((22, 12, 10), (1.5, 3.0, 4.0), OBLIQUE, (4.0, -9.0, 7.0)),
    "left-handed": centred((14, 17, 15), 2.5, OBLIQUE @ np.diag([1.0, 1.0, -1.0])),
    "long": centred((9, 10, 40), (3.0, 3.0, 1.5)),
    "sheared": Grid.from_geometry((16, 15, 14), (2.0, 2.0, 3.0), (-15.0, -15.0, -20.0), np.eye(3) + 0.2 * np.eye(3, k=1)),
}


@pytest.mark.parametrize("coordinates", ["isotropic", "per-axis"])
@pytest.mark.parametrize("name", GRIDS)
def test_the_written_transform_is_the_map_itself_in_itk(name: str, coordinates: str, tmp_path: Path) -> None:
    grid = GRIDS[name]
    representation = replace(RANDOM_START.representation, coordinates=coordinates)
    problem = pair(grid, centred((24, 24, 24), 2.5), wave)
    result = register(problem, short(replace(RANDOM_START, representation=representation), 2))
    assert result.transform is not None
    assert result.transform.max_error_mm == 0
    write_transform(tmp_path / "transform.h5", result.transform)
    judge, model = sitk.ReadTransform(str(tmp_path / "transform.h5")), model_of(result)
    half = np.asarray(grid.size) / 2
    generator = np.random.default_rng(3)
    points = grid.to_world(half + generator.uniform(-1.3, 1.3, (500, 3)) * half)  # also beyond the image
    expected = np.array([judge.TransformPoint(point) for point in points.tolist()])
    assert np.linalg.norm(model.displacement(points), axis=1).max() > 1.0
    np.testing.assert_allclose(model.map(points), expected, rtol=0, atol=1e-3)


def test_sampled_points_find_a_known_warp_too() -> None:
    stages = tuple(replace(stage, iterations=50, points=1500) for stage in SINR.stages)
    result = register(a_problem(), replace(SINR, stages=stages))
    assert BEFORE > 2.5
    assert error_mm(result) < 0.8
    assert result.quality is not None
    assert result.quality.folding_percent == 0
