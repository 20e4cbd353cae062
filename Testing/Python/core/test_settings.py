from __future__ import annotations

import dataclasses
import json
import pickle
from typing import Any

import pytest

from inr_registration.core import (
    REGULARITIES,
    SIMILARITIES,
    Affine,
    Cycle,
    Geometry,
    InputError,
    Representation,
    Settings,
    Stage,
    load_preset,
    preset_names,
)

EVERYTHING = Settings(
    method="mine",
    representation=Representation("siren", width=64, depth=2, omega=20.0, zero_start=False, coordinates="per-axis"),
    similarity={"ncc": 1.0, "mse": 0.5},
    local_ncc_radius=3,
    regularity={"bending": 2.0, "jacobian": 0.05},
    diffusion_knee=0.1,
    regularity_points=0.5,
    affine=Affine("rigid", 10),
    stages=(Stage(4, 100, 1e-3, points=500), Stage(1, 200, 1e-4, points=1000, control_spacing=3.0)),
    lr_end=0.5,
    tolerance=1e-4,
    patience=20,
    outside_weight=0.0,
    max_voxels=1000,
    clip_percent=1.0,
    seed=7,
    device="cpu",
    cycle=Cycle(0.5, "gradient", 0.1, True, "taylor2"),
    landmark_weight=0.1,
    start="discrete",
    uncertainty="cycle",
)
IN_A_TUBE: dict[str, Any] = {"cycle": None, "uncertainty": "perturbation", "geometry": Geometry("cardiac", "tangent", 12.0, 3.0)}
TUBE = dataclasses.replace(EVERYTHING, **IN_A_TUBE)


@pytest.mark.parametrize("settings", [Settings(), EVERYTHING, TUBE])
def test_settings_survive_json(settings: Settings) -> None:
    text = json.dumps(settings.to_json(), allow_nan=False)
    assert Settings.from_json(json.loads(text)) == settings


def test_the_round_trip_is_tried_on_a_value_that_is_not_the_default_for_every_field() -> None:
    assert EVERYTHING.cycle is not None
    assert TUBE.geometry is not None
    parts = (
        (Representation(), EVERYTHING.representation),
        (Affine(), EVERYTHING.affine),
        (Cycle(), EVERYTHING.cycle),
        (Geometry(), TUBE.geometry),
    )
    for kind, other in parts:
        assert [f.name for f in dataclasses.fields(kind) if getattr(kind, f.name) == getattr(other, f.name)] == []
    for f in dataclasses.fields(Settings):
        assert any(getattr(tried, f.name) != getattr(Settings(), f.name) for tried in (EVERYTHING, TUBE)), f.name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"geometry": Geometry()}, "both 'cycle' and 'geometry'"),
        ({"cycle": None}, "uncertainty 'cycle' needs two fields"),
        ({"representation": Representation("velocity"), **IN_A_TUBE}, "needs a network"),
    ],
)
def test_parts_that_exclude_each_other_are_refused(changes: dict[str, Any], message: str) -> None:
    stages = (
        tuple(dataclasses.replace(stage, points=0) for stage in EVERYTHING.stages) if "representation" in changes else EVERYTHING.stages
    )
    with pytest.raises(InputError, match=message):
        dataclasses.replace(EVERYTHING, stages=stages, **changes)


def test_json_names_every_field() -> None:
    data = Settings().to_json()
    assert set(data) == {f.name for f in dataclasses.fields(Settings)}
    assert set(data["stages"][0]) == {f.name for f in dataclasses.fields(Stage)}


def test_what_json_leaves_out_keeps_the_default_of_the_class() -> None:
    assert Settings.from_json({}) == Settings()
    assert Settings.from_json({"representation": {}}).representation == Representation()
    stage = Settings.from_json({"stages": [{"shrink": 1, "iterations": 5, "learning_rate": 1}]}).stages[0]
    assert stage == Stage(1, 5, 1)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"simliarity": {}}, "settings has no key 'simliarity'; known are method, representation"),
        ({"representation": {"widht": 3}}, r"settings\.representation has no key 'widht'"),
        ({"stages": [{"shrink": 1, "iterations": 1, "learning_rate": 1, "lr": 2}]}, r"settings\.stages\[0\] has no key 'lr'"),
        ({"diffusion_knee": 1e-9}, r"settings\.diffusion_knee must lie between 0\.001 and 1000, got 1e-09"),
        ({"affine": {"kind": "rigid", "steps": 1}}, r"settings\.affine has no key 'steps'"),
        ({"similarity": {"mutual": 1}}, "unknown similarity 'mutual'; known are mse, ncc, local_ncc, nmi, .*auto"),
        ({"regularity": {"smooth": 1}}, "unknown regularity 'smooth'; known are jacobian, symmetric_jacobian, bending, diffusion"),
    ],
)
def test_an_unknown_key_is_refused_with_its_place(data: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Settings.from_json(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "settings must be an object"),
        ({"seed": 1.5}, r"settings\.seed must be a whole number, got 1\.5"),
        ({"seed": "1"}, r"settings\.seed must be a whole number, got '1'"),
        ({"seed": True}, r"settings\.seed must be a whole number, got True"),
        ({"tolerance": "small"}, r"settings\.tolerance must be a number"),
        ({"tolerance": None}, r"settings\.tolerance must be a number"),
        ({"method": 3}, r"settings\.method must be a text"),
        ({"representation": {"zero_start": 1}}, r"settings\.representation\.zero_start must be true or false"),
        (
            {"representation": {"kind": "cnn"}},
            r"settings\.representation\.kind must be one of siren, relu, spline, velocity, sinr, got 'cnn'",
        ),
        ({"representation": "siren"}, r"settings\.representation must be an object"),
        ({"stages": 3}, r"settings\.stages must be a list"),
        ({"stages": [{"shrink": "x", "iterations": 1, "learning_rate": 1}]}, r"settings\.stages\[0\]\.shrink must be a number"),
        ({"similarity": ["mse"]}, r"settings\.similarity must be an object"),
        ({"similarity": {"mse": "1"}}, r"settings\.similarity\.mse must be a number"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_with_its_place(data: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Settings.from_json(data)


def test_whole_numbers_may_stand_for_real_ones_and_the_other_way_round() -> None:
    settings = Settings.from_json({"tolerance": 1, "seed": 3.0})
    assert isinstance(settings.tolerance, float)
    assert isinstance(settings.seed, int)


@pytest.mark.parametrize("weight", [-1.0, float("inf"), float("nan")])
@pytest.mark.parametrize("what", ["similarity", "regularity"])
def test_a_weight_must_be_a_number_from_zero_up(what: str, weight: float) -> None:
    name = SIMILARITIES[0] if what == "similarity" else REGULARITIES[0]
    with pytest.raises(InputError, match=f"the weight of {what} '{name}' must be a number from 0 up"):
        Settings(**{what: {name: weight}})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stages": ()}, "at least one stage"),
        ({"stages": (Stage(1, 1, 1, points=5),)}, "a velocity lattice is fitted on whole levels"),
        ({"representation": Representation("siren")}, "a network is fitted on sampled points"),
        ({"representation": Representation("relu"), "stages": (Stage(2, 1, 1, points=5), Stage(1, 1, 1))}, "sampled points"),
        ({"max_voxels": 0}, r"settings\.max_voxels must lie between 1000 and 1e\+09, got 0"),
        ({"patience": 0}, r"settings\.patience must lie between 1 and"),
        ({"local_ncc_radius": 0}, r"settings\.local_ncc_radius must lie between 1 and 20"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Settings(**change)


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_loads_complete(name: str) -> None:
    preset = load_preset(name)
    assert preset.name == name
    assert Settings.from_json(json.loads(json.dumps(preset.settings.to_json()))) == preset.settings


def test_an_unknown_preset_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InputError, match="there is no preset 'best'; known are auto"):
        load_preset("best")


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().seed = 1  # type: ignore[misc]


def test_settings_cannot_be_changed_through_what_they_hold_and_can_be_a_key() -> None:
    given = {"ncc": 1.0}
    settings = Settings(similarity=given)
    given["mse"] = 3.0
    assert settings.similarity == {"ncc": 1.0}
    with pytest.raises(TypeError, match="does not support item assignment"):
        settings.similarity["ncc"] = 2.0  # type: ignore[index]
    same = Settings(similarity={"ncc": 1.0})
    assert {settings: 1}[same] == 1
    assert hash(settings) != hash(dataclasses.replace(settings, similarity={"ncc": 2.0}))
    again = pickle.loads(pickle.dumps(settings))
    assert (again, hash(again)) == (settings, hash(settings))
    assert Settings.from_json(json.loads(json.dumps(settings.to_json()))) == settings
