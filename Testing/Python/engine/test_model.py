from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from analytic import turn

from inr_registration.core import InputError, ModelState
from inr_registration.fields import ReluMlp, Siren, SplineLattice, VelocityLattice
from inr_registration.maps import Model, faded, load
from inr_registration.maps.newton import newton
from inr_registration.numerics import Frame, Knots

Array = npt.NDArray[np.float64]

KINDS = ["lattice", "velocity", "siren", "relu"]
FRAME = Frame(np.array([10.0, -60.0, 400.0]), turn(30) @ turn(-20, 0) @ np.diag([40.0, 50.0, 35.0]))
MILLIMETRES = Frame(np.array([10.0, -60.0, 400.0]), turn(30) @ turn(-20, 0))
AFFINE = np.eye(4)
AFFINE[:3, :3] = turn(8, 1) @ np.diag([1.1, 0.95, 1.02])
AFFINE[:3, 3] = [4.0, -7.0, 30.0]


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def a_model(kind: str, size: float = 1.0) -> Model:
    """A map that moves by a few mm and does not fold, of each kind of field, in float32."""
    if kind in ("lattice", "velocity"):
        knots = Knots((-50.0,) * 3, (10.0, 12.5, 10.0), (11, 9, 11))
        of = SplineLattice if kind == "lattice" else VelocityLattice
        corners = [[s + t for s, t in zip(knots.start, knots.step, strict=True)], [40.0, 37.5, 40.0]]
        return Model(of(knots, (1.5 * size * noise(3, *knots.shape)).float()), MILLIMETRES, AFFINE, np.array(corners))
    generator = torch.Generator().manual_seed(2)
    network = Siren(24, 2, 3.0, False, generator) if kind == "siren" else ReluMlp(24, 2, False, generator)
    with torch.no_grad():
        network.weights[-1].mul_(0.3 * size)
        network.biases[-1].mul_(0.3 * size)
    return Model(network, FRAME, AFFINE, np.array([[-1.0] * 3, [1.0] * 3]))


def points_in(model: Model, count: int = 200, share: float = 0.9) -> Array:
    """World points inside the box of a model."""
    middle, half = model.box.mean(axis=0), share * np.ptp(model.box, axis=0) / 2
    return model.frame.to_world(middle + half * np.random.default_rng(1).uniform(-1, 1, (count, 3)))


def precise(model: Model) -> Model:
    model.field.double()
    return model


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest) -> Model:
    return a_model(request.param)


def test_the_map_is_the_affine_after_the_displacement(model: Model) -> None:
    points = points_in(model)
    moved = points + model.displacement(points)
    np.testing.assert_allclose(model.map(points), moved @ AFFINE[:3, :3].T + AFFINE[:3, 3], atol=1e-9)
    assert np.linalg.norm(model.displacement(points), axis=1).mean() > 0.5


def test_displacements_are_turned_into_world_axes() -> None:
    knots = Knots((-50.0,) * 3, (10.0,) * 3, (11, 11, 11))
    values = torch.zeros(3, *knots.shape)
    values[0] = 5.0  # along the frame's first axis
    model = Model(SplineLattice(knots, values), MILLIMETRES, np.eye(4), np.array([[-40.0] * 3, [40.0] * 3]))
    np.testing.assert_allclose(model.displacement(points_in(model)), np.tile(5 * MILLIMETRES.axes[:, 0], (200, 1)), atol=1e-5)


def test_the_jacobian_is_that_of_differences_in_the_world(model: Model) -> None:
    precise(model)
    points, h = points_in(model), 1e-4
    found = model.jacobian(points)
    for d in range(3):
        shift = h * np.eye(3)[d]
        np.testing.assert_allclose(found[:, :, d], (model.map(points + shift) - model.map(points - shift)) / (2 * h), atol=1e-6)


def test_the_hessian_is_that_of_differences_in_the_world(model: Model) -> None:
    precise(model)
    points, h = points_in(model), 1e-4
    found = model.hessian(points)
    inverse = np.linalg.inv(AFFINE[:3, :3])
    for e in range(3):
        shift = h * np.eye(3)[e]
        slope = inverse @ (model.jacobian(points + shift) - model.jacobian(points - shift)) / (2 * h)
        np.testing.assert_allclose(found[:, :, :, e], slope, atol=1e-5)


def test_the_determinant_is_that_of_the_jacobian_with_the_affine(model: Model) -> None:
    points = points_in(model)
    gradient = np.linalg.solve(AFFINE[:3, :3], model.jacobian(points))
    expected = np.linalg.det(AFFINE[:3, :3]) * np.linalg.det(gradient)
    np.testing.assert_allclose(model.determinant(points), expected, rtol=1e-6)
    assert expected.std() > 0.005 or isinstance(model.field, ReluMlp)


def test_the_inverse_undoes_the_map(model: Model) -> None:
    points = points_in(model, share=0.8)
    assert model.determinant(points).min() > 0
    assert np.linalg.norm(model.inverse(model.map(points)) - points, axis=1).max() < 1e-2


def test_newton_steps_that_lead_away_are_halved() -> None:
    def phi(x: Array) -> Array:
        return np.arctan(x)

    def jacobian(x: Array) -> Array:
        return np.eye(3) / (1 + x[:, :, None] ** 2)

    found = newton(phi, jacobian, np.full((4, 3), 0.2), np.full((4, 3), 2.5), steps=60, tolerance_mm=1e-9)
    np.testing.assert_allclose(found, np.tan(0.2), atol=1e-6)


def test_chunks_do_not_show(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    points = points_in(model, 101)
    expected = model.map(points), model.jacobian(points)
    monkeypatch.setattr("inr_registration.maps.model.CHUNK", 7)
    np.testing.assert_allclose(model.map(points), expected[0], atol=1e-4)
    np.testing.assert_allclose(model.jacobian(points), expected[1], atol=1e-4)


def test_no_points_give_no_points(model: Model) -> None:
    assert model.map(np.zeros((0, 3))).shape == (0, 3)
    assert model.jacobian(np.zeros((0, 3))).shape == (0, 3, 3)


def test_outside_its_box_the_displacement_is_that_of_the_nearest_point(model: Model) -> None:
    low, high = model.box
    beyond, nearest = np.array([high * [3, 1, 1], low * [1, 2, 2]]), np.array([high, low])
    outside, border = (model.displacement(model.frame.to_world(unit)) for unit in (beyond, nearest))
    np.testing.assert_allclose(outside, border, atol=1e-6)


def test_a_saved_model_gives_the_identical_map(model: Model) -> None:
    again = load(model.state(settings={"seed": 3}))
    points = points_in(model)
    assert np.array_equal(again.map(points), model.map(points)) or not isinstance(model.field, SplineLattice | Siren | ReluMlp)
    np.testing.assert_allclose(again.map(points), model.map(points), atol=1e-5)
    np.testing.assert_allclose(again.jacobian(points), model.jacobian(points), atol=1e-5)


def test_a_state_says_what_it_is(model: Model) -> None:
    state = model.state(settings={"seed": 3})
    assert state.metadata["settings"] == {"seed": 3}
    assert "LPS" in state.metadata["direction"]
    assert all(tensor.dtype == np.float32 for tensor in state.tensors.values())


def without_tensors(state: ModelState) -> ModelState:
    return ModelState(state.metadata, {})


def with_tensors_cut(state: ModelState) -> ModelState:
    return ModelState(state.metadata, {name: tensor[:1] for name, tensor in state.tensors.items()})


def changed(**values: Any) -> Callable[[ModelState], ModelState]:
    return lambda state: ModelState({**state.metadata, **values}, state.tensors)


def lacking(key: str) -> Callable[[ModelState], ModelState]:
    return lambda state: ModelState({k: v for k, v in state.metadata.items() if k != key}, state.tensors)


DAMAGES = {
    "another format": changed(format="something else"),
    "another version": changed(version=99),
    "no metadata": lambda state: ModelState({}, state.tensors),
    "no field": lacking("field"),
    "no frame": lacking("frame"),
    "no affine": lacking("affine"),
    "no box": lacking("box"),
    "an unknown kind": changed(field={"kind": "spline"}),
    "a kind that is no file's": changed(field={"kind": "velocity"}),
    "a kind that nobody knows": changed(field={"kind": "wavelet"}),
    "a field that is text": changed(field="spline"),
    "an affine too small": changed(affine=[[1.0, 0.0], [0.0, 1.0]]),
    "a box of words": changed(box="large"),
    "no tensors": without_tensors,
    "tensors cut short": with_tensors_cut,
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("kind", ["lattice", "siren"])
def test_a_damaged_state_is_refused_in_words(kind: str, damage: str) -> None:
    with pytest.raises(InputError, match=r"model"):
        load(DAMAGES[damage](a_model(kind).state()))


@pytest.mark.parametrize("kind", ["lattice", "velocity"])
@pytest.mark.parametrize("size", [0.5, 6.0])
def test_a_faded_lattice_is_unchanged_inside_and_zero_far_outside(kind: str, size: float) -> None:
    model = a_model(kind, size)
    assert isinstance(model.field, SplineLattice | VelocityLattice)
    lattice = faded(model.field)
    inside = torch.as_tensor(model.frame.to_unit(points_in(model, 500, 1.0)).T.copy()).float()
    with torch.no_grad():
        np.testing.assert_allclose(lattice.evaluate(inside).value.numpy(), model.field.evaluate(inside).value.numpy(), atol=1e-4 * size)
        far = lattice.evaluate(torch.tensor([[900.0, 0.0, -800.0], [0.0, -900.0, 700.0], [0.0, 0.0, 600.0]])).value
    assert not far.any()
    assert not lattice.values[:, :2].any()
    assert not lattice.values[:, :, :, -2:].any()


def test_a_faded_lattice_goes_down_without_a_step_and_without_folding() -> None:
    model = a_model("lattice", 3.0)
    assert isinstance(model.field, SplineLattice)
    lattice = faded(model.field)
    line = torch.zeros(3, 4001)
    line[0] = torch.linspace(0, 300, 4001)
    with torch.no_grad():
        values = lattice.evaluate(line).value
    assert float((values[:, 1:] - values[:, :-1]).abs().max()) < 0.2
    assert float(values[:, line[0] < 40].abs().max()) > 0.5
    assert float(values[:, -1].abs().max()) == 0


def test_a_huge_displacement_does_not_make_the_faded_lattice_huge() -> None:
    knots = Knots((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (12, 10, 11))
    lattice = SplineLattice(knots, torch.full((3, *knots.shape), 400.0))  # 1200 control points of fading, if it were let
    grown = faded(lattice)
    assert grown.values[0].numel() <= 1_000_000
    middle = torch.tensor([[5.0], [5.0], [5.0]])
    with torch.no_grad():
        np.testing.assert_allclose(grown.evaluate(middle).value.numpy(), 400.0, rtol=1e-5)
    assert not grown.values[:, :2].any()
