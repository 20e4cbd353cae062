from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch
from analytic import turn

from inr_registration.core import Centreline, InputError, ModelState
from inr_registration.fields import Siren, TubeField, Tubes, unit_scale
from inr_registration.maps import TubeMap, load
from inr_registration.numerics import Frame

Array = npt.NDArray[np.float64]

RADIUS = 14.0
FRAME = Frame(np.array([100.0, -40.0, 920.0]), turn(20) @ turn(-15, 0) * 60.0)
AFFINE = np.eye(4)
AFFINE[:3, :3] = turn(8, 1) @ np.diag([1.1, 0.95, 1.02])
AFFINE[:3, 3] = [4.0, -7.0, 30.0]


def arc(centre: tuple[float, float, float], length: float = 90.0) -> Centreline:
    """Part of a helix around a world point."""
    angle = np.arange(0, length, 0.5) / np.hypot(30, 8)
    return Centreline.along(np.stack([30 * np.cos(angle), 30 * np.sin(angle), 8 * angle], axis=1) + centre, 0.5)


def network(seed: int) -> Siren:
    made = Siren(20, 2, 4.0, False, torch.Generator().manual_seed(seed)).double()
    with torch.no_grad():
        made.weights[-1].mul_(0.2)
        made.biases[-1].mul_(0.2)
    return made


def a_map(combined: bool, coordinates: str = "isotropic") -> TubeMap:
    """Two tubes that overlap near an end of each; a few mm of motion."""
    tubes = Tubes((arc((100, -40, 900)), arc((90, -40, 923), 70.0)), RADIUS)
    field = TubeField(tubes, network(1), network(2) if combined else None, FRAME, unit_scale(tubes, coordinates))
    return TubeMap(field, AFFINE, np.array([[-1.2] * 3, [1.2] * 3]))


@pytest.fixture(params=[False, True], ids=["tangent", "combined"])
def model(request: pytest.FixtureRequest) -> TubeMap:
    return a_map(request.param)


def points_around(model: TubeMap, count: int = 600) -> Array:
    generator = np.random.default_rng(4)
    samples = np.concatenate([line.points for line in model.field.tubes.centrelines])[20:-20]
    return samples[generator.integers(len(samples), size=count)] + generator.uniform(-RADIUS, RADIUS, (count, 3))


def test_the_gradient_is_that_of_differences_also_where_the_tube_fades_out(model: TubeMap) -> None:
    points, h = points_around(model), 1e-4
    place = model.field.tubes.locate(points)
    fading = (place.weight > 0) & (place.weight < 1)
    assert fading.sum() > 60
    assert (fading & place.ambiguous).sum() > 10
    found = model.gradient(points)
    for d in range(3):
        shift = h * np.eye(3)[d]
        numeric = (model.displacement(points + shift) - model.displacement(points - shift)) / (2 * h)
        np.testing.assert_allclose(found[:, :, d], numeric, atol=2e-4)
    assert np.abs(found).max() > 0.2


def test_volume_in_the_image_follows_from_volume_in_the_tube() -> None:
    """det J = det(I + dv/dq) g(q') / g(q): METHODS by the chain rule, compared with differences of the composed map."""
    model = a_map(False)
    tubes = model.field.tubes
    points = points_around(model)
    place = tubes.locate(points)
    core = place.weight == 1
    q, points = place.q[:, core], points[place.inside[core].numpy()]
    with torch.no_grad():
        jet = model.field.tangent_jet(q, 1)
    assert jet.first is not None
    inner = torch.linalg.det(torch.eye(3) + jet.first.permute(2, 0, 1))
    expected = inner * tubes.volume_element(q + jet.value) / tubes.volume_element(q)
    h = 1e-4
    columns = [(model.displacement(points + h * e) - model.displacement(points - h * e)) / (2 * h) for e in np.eye(3)]
    numeric = np.linalg.det(np.eye(3) + np.stack(columns, axis=2))
    np.testing.assert_allclose(expected.numpy(), numeric, atol=1e-5)
    np.testing.assert_allclose(model.determinant(points), numeric * np.linalg.det(AFFINE[:3, :3]), atol=1e-5)
    assert np.abs(inner.numpy() - numeric).max() > 0.02


def test_derivatives_along_the_curve_are_those_of_the_image_but_for_the_turn_of_the_frame() -> None:
    model = a_map(False)
    place = model.field.tubes.locate(points_around(model))
    core = place.weight == 1
    q = place.q[:, core]
    with torch.no_grad():
        seen = model.field.along_curve(q, 1)
        assert seen.first is not None
        (_, before), (_, after) = (model.field.tubes.rho_with_jacobian(at) for at in (q, q + seen.value))
    turns = [torch.stack([m[:, 0] / m[:, 0].norm(dim=0), m[:, 1], m[:, 2]], dim=1) for m in (before, after)]
    gradient = torch.as_tensor(model.gradient(points_around(model)[place.inside[core].numpy()])).permute(1, 2, 0)
    expected = torch.einsum("ban,bcn,cdn->adn", turns[1], gradient + torch.eye(3)[:, :, None], turns[0]) - torch.eye(3)[:, :, None]
    np.testing.assert_allclose(seen.first.numpy(), expected.numpy(), atol=3e-3)  # where a bend ends, the frame is not quite orthonormal


def test_the_tangent_model_moves_nothing_outside_and_is_continuous_at_the_wall(model: TubeMap) -> None:
    line = model.field.tubes.centrelines[0]
    middle, out = line.points[30], line.first[30]
    walls = np.array([1 - 1e-6, 1 + 1e-6, 1.5]) * RADIUS
    inside, wall, beyond = model.displacement(middle + np.outer(walls, out))
    np.testing.assert_allclose(inside, wall, atol=1e-4)
    if model.field.plain is None:
        assert not wall.any()
        assert not beyond.any()
    else:
        assert np.linalg.norm(beyond) > 0.1


def test_a_network_that_is_zero_moves_nothing() -> None:
    model = a_map(False)
    torch.nn.init.zeros_(model.field.network.weights[-1])
    torch.nn.init.zeros_(model.field.network.biases[-1])
    assert not model.displacement(points_around(model)).any()
    assert np.abs(model.gradient(points_around(model))).max() < 1e-12


def test_one_unit_of_the_network_is_the_diameter_or_half_the_length_as_published() -> None:
    tubes = Tubes((arc((0, 0, 0)),), RADIUS)
    assert unit_scale(tubes, "isotropic") == (28.0, 28.0, 28.0)
    assert unit_scale(tubes, "per-axis") == (pytest.approx(44.75), 28.0, 28.0)


@pytest.mark.parametrize("coordinates", ["isotropic", "per-axis"])
@pytest.mark.parametrize("combined", [False, True])
def test_a_saved_map_gives_the_same_map(combined: bool, coordinates: str) -> None:
    model = a_map(combined, coordinates)
    state = model.state(settings={"seed": 3})
    again = load(state)
    assert isinstance(again, TubeMap)
    points = points_around(model)
    np.testing.assert_allclose(again.map(points), model.map(points), atol=1e-4)
    np.testing.assert_allclose(again.jacobian(points), model.jacobian(points), atol=1e-4)
    assert state.metadata["settings"] == {"seed": 3}
    assert all(tensor.dtype == np.float32 for tensor in state.tensors.values())
    twice = load(again.state())
    np.testing.assert_array_equal(twice.map(points), again.map(points))


def test_the_inverse_undoes_the_map(model: TubeMap) -> None:
    points = points_around(model)
    points = points[model.determinant(points) > 0.5][:40]
    assert len(points) == 40
    error = np.linalg.norm(model.map(model.inverse(model.map(points))) - model.map(points), axis=1)
    assert np.median(error) < 1e-4
    assert error.max() < 0.05


def test_chunks_do_not_show(model: TubeMap, monkeypatch: pytest.MonkeyPatch) -> None:
    points = points_around(model, 60)
    expected = model.map(points), model.jacobian(points)
    monkeypatch.setattr("inr_registration.maps.tube_map.CHUNK", 7)
    np.testing.assert_allclose(model.map(points), expected[0], atol=1e-9)
    np.testing.assert_allclose(model.jacobian(points), expected[1], atol=1e-9)
    assert model.map(np.zeros((0, 3))).shape == (0, 3)
    assert model.on_cpu().jacobian(np.zeros((0, 3))).shape == (0, 3, 3)


def lacking(key: str) -> Callable[[ModelState], ModelState]:
    return lambda state: ModelState({k: v for k, v in state.metadata.items() if k != key}, state.tensors)


DAMAGES = {
    "no centreline": lambda state: ModelState({**state.metadata, "centrelines": []}, state.tensors),
    "a centreline of two points": lambda state: ModelState(
        {**state.metadata, "centrelines": [{"points": [[0, 0, 0], [1, 0, 0]], "step": 1.0}]}, state.tensors
    ),
    "no networks": lacking("networks"),
    "no radius": lacking("radius_mm"),
    "no scale": lacking("scale"),
    "no tensors": lambda state: ModelState(state.metadata, {}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_is_refused_in_words(damage: str) -> None:
    with pytest.raises(InputError, match=r"model|centreline"):
        load(DAMAGES[damage](a_map(True).state()))
