"""What a method asks for besides the images: said before any work, by scripts as by the panel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import slicer

from inr_registration.core import InputError, calibrated, load_preset, method_of, preset_names, used, users
from inr_registration.slicer.logic import (
    Session,
    choice_of,
    is_modified,
    methods,
    needs,
    read_task,
    register_nodes,
    results,
    settings_from,
    settings_of,
    uncertainties,
    uses,
    with_method,
)
from inr_registration.slicer.scene import Inputs
from inr_registration.slicer.scene.outputs import Outputs


def curve(shift: float = 0.0) -> Any:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsCurveNode", "vessel")
    for place in (-10.0, 0.0, 10.0):
        node.AddControlPoint(place, shift, place / 2)
    return node


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_needs_what_its_settings_say(name: str) -> None:
    geometry = load_preset(name).settings.geometry
    expected = {None: (), "tube": ("centrelines",), "cardiac": ("long_axis", "ventricle")}
    assert needs(choice_of(name)) == expected[None if geometry is None else geometry.kind]
    assert all((name in users(field)) == (field in needs(choice_of(name))) for field in ("centrelines", "long_axis", "ventricle"))


def test_another_method_brings_its_own_needs() -> None:
    assert needs(with_method(choice_of("auto"), "geometry")) == ("centrelines",)
    assert needs(with_method(choice_of("geometry"), "auto")) == ()


def test_every_preset_is_chosen_unmodified_and_gives_its_own_settings() -> None:
    for name in preset_names():
        assert not is_modified(choice_of(name)), name
        assert settings_of(choice_of(name)) == replace(
            load_preset(name).settings,
            regularity={term: weight for term, weight in load_preset(name).settings.regularity.items() if weight},
        )


@pytest.mark.parametrize(("change", "value"), [("start", "discrete"), ("uncertainty", "laplace"), ("landmark_weight", 0.5)])
def test_a_change_is_a_modification_and_reaches_the_settings(change: str, value: Any) -> None:
    changed = replace(choice_of("auto"), **{change: value})
    assert is_modified(changed)
    assert getattr(settings_of(changed), change) == value


@pytest.mark.parametrize(("change", "word"), [("start", "start"), ("uncertainty", "uncertainty")])
def test_an_unknown_name_is_refused(change: str, word: str) -> None:
    with pytest.raises(InputError, match=f"unknown {word} 'magic'"):
        settings_of(replace(choice_of("auto"), **{change: "magic"}))


def test_bending_is_for_fields_with_curvature_only() -> None:
    flat = [method for method in methods() if "bending" not in uses(method)]
    assert set(flat) == {"idir-relu", "cardiac"}


def test_only_tested_ways_to_estimate_the_uncertainty_are_offered() -> None:
    for method in methods():
        settings = load_preset(method).settings
        offered = uncertainties(choice_of(method))
        assert offered[0] == "none"
        assert set(offered) - {"none", "auto", "cycle"} <= set(calibrated(method_of(settings)))
        assert ("cycle" in offered) == (settings.cycle is not None)


def test_keywords_of_scripts_become_settings() -> None:
    options: dict[str, Any] = {"method": "idir", "start": "discrete", "uncertaintyMethod": "auto", "landmarkWeight": 2}
    settings = settings_from(options)
    assert options == {}
    assert (settings.start, settings.uncertainty, settings.landmark_weight) == ("discrete", "auto", 2.0)


@pytest.mark.parametrize("lines", ["one", "several"])
def test_a_script_gives_one_curve_or_several(session: Session, pair: Any, monkeypatch: pytest.MonkeyPatch, lines: str) -> None:
    seen: list[Inputs] = []
    monkeypatch.setattr(session, "run", lambda inputs, *_, **__: seen.append(inputs))
    first, second = curve(), curve(5)
    register_nodes(session, *pair, method="geometry", centrelines=first if lines == "one" else [first, second])
    assert seen[0].centrelines == ((first,) if lines == "one" else (first, second))


def test_what_is_missing_or_in_vain_is_said_before_any_work(session: Session, pair: Any) -> None:
    for options, expected in (
        ({"method": "geometry"}, "the method 'geometry' needs a centreline"),
        ({"method": "cardiac"}, "the long axis of the left ventricle or a segmentation of the left ventricle"),
        ({"centrelines": curve()}, "a centreline is only for geometry"),
        ({"landmarkWeight": 1.0}, "needs landmarks in both images"),
    ):
        with pytest.raises(InputError, match=expected):
            register_nodes(session, *pair, **options)
        assert not session.running


def test_a_task_carries_the_curve_in_world_coordinates(pair: Any) -> None:
    settings = load_preset("geometry").settings
    task = read_task(Inputs(*pair, centrelines=(curve(),)), Outputs(), settings, 0.3)
    np.testing.assert_allclose(task.problem.centrelines[0][[0, -1]], [[10, 0, -5], [-10, 0, 5]], atol=1e-6)


def test_the_panels_sentence_names_every_alternative(pair: Any) -> None:
    said = results.missing(Inputs(*pair), used(load_preset("cardiac").settings))
    assert "the long axis of the left ventricle or a segmentation of the left ventricle" in said
    assert results.missing(Inputs(*pair, centrelines=(curve(),)), ("centrelines",)) == ""
