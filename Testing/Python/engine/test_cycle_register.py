from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch
from analytic import blobs, centred, turn, wave
from fits import BEFORE, FIXED, LATTICE, MOVING, SAMPLED, SIREN, SPLINE, a_problem, error_mm, inner_points, model_of, short
from scipy.stats import spearmanr

from inr_registration.app import register
from inr_registration.core import Cycle, InputError, Level, Problem, Result, Settings, SplineTransform, Stage, Volume, estimator_for
from inr_registration.fields import SplineLattice
from inr_registration.maps import Consensus, FittedMap, Model
from inr_registration.measure import image_in_mask
from inr_registration.methods import prepare
from inr_registration.numerics import Frame, Knots

pytestmark = pytest.mark.slow

Array = npt.NDArray[np.float64]

CYCLE = replace(SIREN, regularity={"symmetric_jacobian": 0.05}, stages=(Stage(1, 120, 2e-3, 1200),), cycle=Cycle(0.01), uncertainty="cycle")


def consensus_of(result: Result) -> Consensus:
    model = model_of(result)
    assert isinstance(model, Consensus)
    return model


def as_map(transform: SplineTransform) -> FittedMap:
    """The exported spline as a map of its own."""
    n_k, n_j, n_i, _ = transform.coefficients.shape
    x, y, z = transform.spacing.tolist()
    knots = Knots((0.0, 0.0, 0.0), (x, y, z), (n_i, n_j, n_k))
    values = torch.as_tensor(np.moveaxis(transform.coefficients @ transform.direction, -1, 0).copy())
    box = np.array([transform.spacing, transform.spacing * (np.array(knots.count) - 2)])
    return Model(SplineLattice(knots, values), Frame(transform.origin, transform.direction), transform.affine, box)


@pytest.fixture(scope="module", autouse=True)
def _few_sites_on_export() -> Iterator[None]:
    """The small smooth maps of these tests need no more, and each site takes an inversion."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Consensus, "most_sites", 8000)
        patch.setattr("inr_registration.maps.export.CHECKED_POINTS", 3000)
        yield


@pytest.fixture(scope="module")
def result() -> Result:
    return register(a_problem(), CYCLE)


def off(phi: Callable[[Array], Array], truth: Callable[[Array], Array]) -> float:
    points = inner_points()
    return float(np.linalg.norm(phi(points) - truth(points), axis=1).mean())


def test_the_consensus_is_at_least_as_accurate_as_either_network(result: Result) -> None:
    model = consensus_of(result)
    both = off(model.forward.map, wave), off(model.through_backward, wave)
    assert BEFORE > 2.5
    assert max(both) < 0.8
    assert error_mm(result) <= 1.02 * min(both)


def test_another_seed_is_as_accurate(result: Result) -> None:
    other = register(a_problem(), replace(CYCLE, seed=5))
    assert error_mm(other) == pytest.approx(error_mm(result), abs=0.15)
    assert error_mm(other) < 0.6


def test_the_same_seed_gives_the_same_result_bit_for_bit() -> None:
    first, again = (register(a_problem(), short(CYCLE)) for _ in range(2))
    assert first.model is not None
    assert again.model is not None
    assert all(np.array_equal(tensor, again.model.tensors[name]) for name, tensor in first.model.tensors.items())
    assert not np.array_equal(first.model.tensors["forward.weights.0"], first.model.tensors["backward.weights.0"])


def test_either_form_of_the_cycle_term_brings_the_maps_together() -> None:
    choices = {"none": Cycle(0.0), "value": Cycle(0.01), "gradient": Cycle(0.05, "gradient", 0.1)}
    results = {name: register(a_problem(), replace(short(CYCLE, 50), cycle=cycle, uncertainty="none")) for name, cycle in choices.items()}
    apart = {name: consensus_of(result).discrepancy(inner_points()).mean() for name, result in results.items()}
    assert max(apart["value"], apart["gradient"]) < 0.8 * apart["none"]
    for name, result in results.items():
        assert {"ncc", "ncc (inverse)"} <= set(result.history[0].terms)
        assert ("cycle" in result.history[0].terms) == (name != "none")
        assert result.uncertainty is None


def test_what_is_exported_is_the_consensus(result: Result) -> None:
    model, points = consensus_of(result), inner_points()
    assert result.transform is not None
    assert result.jacobian is not None
    assert np.linalg.norm(as_map(result.transform).map(points) - model.map(points), axis=1).max() < 0.15
    at = FIXED.to_world(np.argwhere(np.ones(FIXED.shape))[:, ::-1]).reshape(*FIXED.shape, 3)[12:18, 12:18, 12:18].reshape(-1, 3)
    seen = result.jacobian.values[12:18, 12:18, 12:18].ravel()
    np.testing.assert_allclose(seen, model.determinant(at), atol=0.05)


def test_the_inverse_takes_mapped_points_back_on_the_moving_image(result: Result) -> None:
    assert result.inverse is not None
    points = inner_points()
    back = as_map(result.inverse).map(consensus_of(result).map(points))
    assert np.linalg.norm(back - points, axis=1).mean() < 0.1
    corners = as_map(result.inverse).displacement(MOVING.corners() * 0.95)
    assert np.isfinite(corners).all()


def test_the_uncertainty_is_the_discrepancy_in_mm_inside_the_mask_only() -> None:
    values = np.zeros(FIXED.shape, np.uint8)
    values[6:22, 6:22, 6:24] = 1
    result = register(a_problem(fixed_mask=Volume(values, FIXED, "mask")), short(CYCLE, 20))
    assert result.uncertainty is not None
    assert result.uncertainty.grid.is_same(FIXED)
    known = np.isfinite(result.uncertainty.values)
    assert np.array_equal(known, values > 0)
    at = FIXED.to_world(np.argwhere(known)[:, ::-1])
    np.testing.assert_allclose(result.uncertainty.values[known], consensus_of(result).discrepancy(at), atol=1e-3)


def test_a_large_image_is_evaluated_on_fewer_points_and_interpolated(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared, asked = prepare(a_problem(), CYCLE, torch.device("cpu")), []

    def smooth(points: Array) -> Array:
        asked.append(len(points))
        return np.asarray(np.sin(points / 15).sum(axis=1))

    exact = image_in_mask(smooth, prepared, FIXED, "exact")
    monkeypatch.setattr("inr_registration.measure.in_mask.EXACT", 3000)
    coarse = image_in_mask(smooth, prepared, FIXED, "coarse")
    assert np.array_equal(np.isfinite(coarse.values), np.isfinite(exact.values))
    assert asked[1] < asked[0] / 4
    assert 0 < np.nanmax(np.abs(coarse.values - exact.values)) < 0.1


@pytest.mark.parametrize("name", ["velocity", "spline", "sampled spline", "sinr"])
def test_lattices_can_be_coupled_too(name: str) -> None:
    kinds: dict[str, Settings] = {"velocity": LATTICE, "spline": SPLINE, "sampled spline": SAMPLED}
    sinr = replace(LATTICE, representation=replace(SIREN.representation, kind="sinr"), stages=(Stage(1, 1, 2e-3, 0, 3.0),))
    settings = replace(short(kinds.get(name, sinr), 15), cycle=Cycle(0.01), uncertainty="none")
    result = register(a_problem(), settings)
    assert error_mm(result) < 0.7 * BEFORE
    assert consensus_of(result).discrepancy(inner_points()).mean() < 0.4 * BEFORE


def half_textured(points: Array) -> Array:
    """The analytic image with a large ball of one value in its right half."""
    inside = 1 / (1 + np.exp(2 * (np.linalg.norm(points - [16.0, 0.0, 0.0], axis=-1) - 24)))
    return np.asarray((1 - inside) * blobs(points) + inside * 600)


def a_textureless_problem() -> tuple[Problem, Model]:
    """A known B-spline warp with hardly any texture on one side of the image, and the true map."""
    knots = Knots((-72.0,) * 3, (24.0,) * 3, (7, 7, 7))
    values = 6 * torch.randn(3, *knots.shape, generator=torch.Generator().manual_seed(3))
    truth = Model(SplineLattice(knots, values), Frame(np.zeros(3), turn(15)), np.eye(4), np.array([[-48.0] * 3, [48.0] * 3]))
    fixed, moving = centred((32, 31, 30), 1.9, turn(12)), centred((34, 33, 32), 2.0, turn(-6, 0))
    moved = truth.map(fixed.all_points().reshape(-1, 3)).reshape(*fixed.shape, 3)
    images = (moved, fixed), (moving.all_points().astype(float), moving)
    return Problem(*(Volume(half_textured(at).astype(np.float32), grid) for at, grid in images)), truth


def test_the_uncertainty_ranks_the_true_error_where_texture_is_missing() -> None:
    problem, truth = a_textureless_problem()
    settings = replace(
        CYCLE,
        representation=replace(SIREN.representation, zero_start=False),  # two different guesses where nothing is seen
        regularity={"symmetric_jacobian": 0.002},
        stages=(Stage(1, 160, 2e-3, 1500),),
        cycle=Cycle(1e-5),
        lr_end=0.02,
        uncertainty="none",
    )
    model = consensus_of(register(problem, settings))
    at = inner_points(20)
    forward, backward, both = (
        np.linalg.norm(phi(at) - truth.map(at), axis=1) for phi in (model.forward.map, model.through_backward, model.map)
    )
    uncertainty = model.discrepancy(at)
    assert spearmanr(uncertainty, forward).statistic > 0.5
    assert spearmanr(uncertainty, both).statistic > 0.4
    assert both.mean() < 0.8 * min(forward.mean(), backward.mean())


def test_two_lattices_give_an_inverse_and_a_verdict() -> None:
    """The constants of the uncertainty were calibrated on networks only; the verdict was tried on velocity lattices, too."""
    both = replace(LATTICE, cycle=Cycle(0.001), uncertainty="cycle")
    result = register(a_problem(), both)
    model = consensus_of(result)
    assert error_mm(result) <= 1.02 * max(off(model.forward.map, wave), off(model.through_backward, wave)) < 0.5
    assert result.inverse is not None
    assert off(as_map(result.inverse).map, lambda q: model.inverse(q)) < 0.1
    assert result.uncertainty is not None
    assert result.verdict is not None
    assert result.verdict.level is not Level.RED
    assert estimator_for(replace(both, uncertainty="auto")) is None
    with pytest.raises(InputError, match="not calibrated for the method 'cycle of lattices'; no other was"):
        estimator_for(replace(both, uncertainty="laplace"))


def test_every_representation_gets_a_verdict_and_of_two_fields_their_difference_is_in_it() -> None:
    result = register(a_problem(), replace(short(SPLINE, 15), cycle=Cycle(0.01), uncertainty="none"))
    assert result.uncertainty is None
    assert result.verdict is not None
    assert 0 < result.verdict.measured["mean_mm"] < result.verdict.measured["p95_mm"]


def test_two_lattices_on_images_of_different_things_are_red() -> None:
    problem = a_problem()
    other = np.random.default_rng(4).normal(size=problem.moving.grid.shape).astype(np.float32)
    result = register(
        replace(problem, moving=Volume(other, problem.moving.grid)), replace(LATTICE, cycle=Cycle(0.001), uncertainty="cycle")
    )
    assert result.verdict is not None
    assert result.verdict.level is Level.RED
