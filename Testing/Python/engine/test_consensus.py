from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from analytic import turn

from inr_registration.core import InputError, ModelState
from inr_registration.fields import SplineLattice
from inr_registration.maps import Consensus, Model, invert, load
from inr_registration.maps.newton import newton
from inr_registration.numerics import Frame, Knots

Array = npt.NDArray[np.float64]

AFFINE = np.eye(4)
AFFINE[:3, :3] = turn(8, 1) @ np.diag([1.1, 0.95, 1.02])
AFFINE[:3, 3] = [4.0, -7.0, 30.0]
KNOTS = Knots((-70.0,) * 3, (14.0,) * 3, (11,) * 3)
BOX = np.array([[-56.0] * 3, [56.0] * 3])


def a_map(values: torch.Tensor, affine: Array, degrees: float, centre: Array) -> Model:
    """A spline field on axes of its own, in float64."""
    return Model(SplineLattice(KNOTS, values), Frame(centre, turn(degrees)), affine, BOX)


def noise(size: float, seed: int) -> torch.Tensor:
    return size * torch.randn(3, *KNOTS.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def two_maps(size: float = 1.5, other: float = 1.5, form: Any = "newton") -> Consensus:
    """A forward and a backward map of some mm under an oblique affine and its inverse, which do not undo each other."""
    forward = a_map(noise(size, 1), AFFINE, 25, np.array([10.0, -60.0, 400.0]))
    backward = a_map(noise(other, 2), np.linalg.inv(AFFINE), -40, forward.map([[10.0, -60.0, 400.0]])[0])
    return Consensus(forward, backward, 1.0, form)


def inner(consensus: Consensus, count: int = 200, reach: float = 32.0) -> Array:
    return consensus.forward.frame.centre + np.random.default_rng(1).uniform(-reach, reach, (count, 3))


def after_two_newton_steps(backward: Model, x: Array, y0: Array) -> Array:
    return newton(backward.map, backward.jacobian, x, y0, steps=2, tolerance_mm=0.0)


def as_published(backward: Model, x: Array, y0: Array) -> Array:
    """The second order as the paper's code has it: ``H[d, w]`` in place of ``H[w, w]``."""
    d, jacobian = x - backward.map(y0), backward.jacobian(y0)
    w = np.linalg.solve(jacobian, d[:, :, None])[:, :, 0]
    second = backward.affine[:3, :3] @ np.einsum("nide,nd,ne->ni", backward.hessian(y0), d, w)[:, :, None]
    return np.asarray(y0 + w - np.linalg.solve(jacobian, second)[:, :, 0] / 2)


WAYS: dict[str, tuple[Callable[[Model, Array, Array], Array], float]] = {
    "taylor1": (lambda backward, x, y0: invert(backward, x, y0, "taylor1", 0.0), 2),
    "taylor2": (lambda backward, x, y0: invert(backward, x, y0, "taylor2", 0.0), 3),
    "two Newton steps": (after_two_newton_steps, 4),
}


def mean_error(way: str, distance: float) -> float:
    """Mean error of an inverse found from a guess that is off by so many mm."""
    backward = two_maps(other=2.5).backward
    truth = backward.frame.centre + np.random.default_rng(3).uniform(-30, 30, (300, 3))
    away = np.random.default_rng(4).normal(size=truth.shape)
    guess = truth + distance * away / np.linalg.norm(away, axis=1, keepdims=True)
    solve = as_published if way == "as published" else WAYS[way][0]
    return float(np.linalg.norm(solve(backward, backward.map(truth), guess) - truth, axis=1).mean())


@pytest.mark.parametrize("way", WAYS)
def test_the_error_of_each_inverse_falls_with_its_order(way: str) -> None:
    order = WAYS[way][1]
    far, near = mean_error(way, 0.8), mean_error(way, 0.2)
    assert order - 0.3 < np.log(far / near) / np.log(4) < order + 0.6


def test_the_ways_to_invert_rank_as_their_orders_and_the_published_second_order_lies_between() -> None:
    first, published, second, two = (mean_error(way, 0.5) for way in ("taylor1", "as published", "taylor2", "two Newton steps"))
    assert 3 * two < second < published < first < 0.2


def test_the_consensus_is_the_mean_of_the_map_and_the_inverse() -> None:
    consensus = two_maps()
    points = inner(consensus)
    inverse = consensus.backward.inverse(points, tolerance_mm=1e-9)
    np.testing.assert_allclose(consensus.backward.map(inverse), points, atol=1e-8)
    np.testing.assert_allclose(consensus.map(points), (consensus.forward.map(points) + inverse) / 2, atol=0.01)
    assert np.linalg.norm(consensus.forward.map(points) - inverse, axis=1).mean() > 0.5


def test_where_both_maps_undo_each_other_the_consensus_is_either_of_them() -> None:
    consensus = two_maps(0.0, 0.0)
    points = inner(consensus)
    np.testing.assert_allclose(consensus.map(points), consensus.forward.map(points), atol=1e-9)
    np.testing.assert_allclose(consensus.discrepancy(points), 0, atol=1e-9)


def test_the_gradient_is_that_of_differences() -> None:
    consensus = two_maps()
    exact = Consensus(consensus.forward, consensus.backward, 1e-9)  # inverted to the last digit
    points, h = inner(consensus), 1e-4
    found = consensus.jacobian(points)
    for d in range(3):
        shift = h * np.eye(3)[d]
        np.testing.assert_allclose(found[:, :, d], (exact.map(points + shift) - exact.map(points - shift)) / (2 * h), atol=2e-3)
    assert np.abs(found - consensus.forward.jacobian(points)).max() > 0.05


def test_where_the_backward_map_folds_the_gradient_is_that_of_the_forward_map_and_finite() -> None:
    consensus = two_maps(0.2, 25.0)
    points = inner(consensus)
    folded = consensus.backward.determinant(consensus.through_backward(points)) <= 0
    assert folded.any()
    assert np.isfinite(consensus.gradient(points)).all()
    np.testing.assert_allclose(consensus.gradient(points)[folded], consensus.forward.gradient(points)[folded], atol=1e-9)


def test_the_discrepancy_is_the_distance_of_both_maps_in_mm() -> None:
    consensus = two_maps()
    points = inner(consensus)
    apart = np.linalg.norm(consensus.forward.map(points) - consensus.backward.inverse(points), axis=1)
    np.testing.assert_allclose(consensus.discrepancy(points), apart, atol=0.02)


def test_points_without_an_inverse_carry_at_least_the_distance_they_were_missed_by() -> None:
    consensus = two_maps(0.2, 9.0)
    points = inner(consensus, 500)
    missed = np.linalg.norm(consensus.backward.map(consensus.through_backward(points)) - points, axis=1)
    lost = missed > 0.5
    assert lost.any()
    assert (consensus.discrepancy(points)[lost] >= missed[lost]).all()


def test_both_directions_of_the_consensus_nearly_undo_each_other_although_the_fields_do_not() -> None:
    consensus = two_maps(0.8, 0.8)
    points = inner(consensus)
    moved = consensus.map(points)
    back = np.linalg.norm(consensus.reversed().map(moved) - points, axis=1)
    fields = np.linalg.norm(consensus.backward.map(consensus.forward.map(points)) - points, axis=1)
    assert fields.mean() > 0.5
    assert back.mean() < 0.15 * fields.mean()
    assert consensus.reversed().reversed().map(points) == pytest.approx(moved)


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    consensus = two_maps()
    points = inner(consensus, 53)
    expected = consensus.map(points), consensus.gradient(points), consensus.discrepancy(points)
    monkeypatch.setattr("inr_registration.maps.consensus.CHUNK", 9)
    found = consensus.map(points), consensus.gradient(points), consensus.discrepancy(points)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_no_points_give_no_points() -> None:
    consensus = two_maps()
    assert consensus.map(np.zeros((0, 3))).shape == (0, 3)
    assert consensus.jacobian(np.zeros((0, 3))).shape == (0, 3, 3)
    assert consensus.discrepancy(np.zeros((0, 3))).shape == (0,)


@pytest.mark.parametrize("form", ["newton", "taylor1", "taylor2"])
def test_a_saved_consensus_gives_the_same_map(form: str) -> None:
    consensus = two_maps(form=form)
    points = inner(consensus)
    again = load(consensus.state(settings={"seed": 3}))
    assert isinstance(again, Consensus)
    assert again.form == form
    np.testing.assert_allclose(again.map(points), consensus.map(points), atol=0.01)
    np.testing.assert_allclose(again.gradient(points), consensus.gradient(points), atol=0.01)


def without(state: ModelState, start: str) -> ModelState:
    return ModelState(state.metadata, {name: tensor for name, tensor in state.tensors.items() if not name.startswith(start)})


DAMAGES: dict[str, Callable[[ModelState], ModelState]] = {
    "no backward tensors": lambda state: without(state, "backward"),
    "no forward map": lambda state: ModelState({**state.metadata, "forward": {}}, state.tensors),
    "an unknown inverse": lambda state: ModelState({**state.metadata, "inverse": "guess"}, state.tensors),
    "a map inside that is a consensus": lambda state: ModelState({**state.metadata, "backward": state.metadata}, state.tensors),
    "no voxel": lambda state: ModelState({k: v for k, v in state.metadata.items() if k != "voxel_mm"}, state.tensors),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_consensus_is_refused_in_words(damage: str) -> None:
    with pytest.raises(InputError, match="model"):
        load(DAMAGES[damage](two_maps().state()))
