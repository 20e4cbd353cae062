"""A run while the application goes on around it: other modules, a closed scene, the end."""

from __future__ import annotations

from pathlib import Path

import pytest
import scripted_engine
import slicer
from opened import Opened, observers_of
from scripted_engine import Script

from inr_registration.slicer.job import living

pytestmark = pytest.mark.slow


@pytest.fixture
def slow(script: Script, monkeypatch: pytest.MonkeyPatch) -> Script:
    """An engine that is asked to end and takes a while to do so."""
    monkeypatch.setattr(scripted_engine, "PACE_S", 3.0)  # longer than closing a scene takes on a busy machine
    return script


def result_transforms() -> list[str]:
    """Names of the transform nodes that carry a result."""
    nodes = slicer.util.getNodesByClass("vtkMRMLTransformNode")
    return [node.GetName() for node in nodes if node.GetAttribute("INRRegistration.Result")]


def test_a_run_goes_on_while_another_module_is_open_and_its_result_is_there_on_coming_back(script: Script, opened: Opened) -> None:
    opened.enter()
    _fixed, moving = opened.pair()
    opened.start()
    opened.leave()
    opened.idle()
    assert opened.session.running
    opened.enter()
    assert opened.ui.runControls.isVisibleTo(opened.module.widgetRepresentation())
    assert not opened.ui.inputsSection.enabled
    opened.leave()
    script.finish.set()
    opened.until(lambda: not opened.session.running)
    opened.enter()
    assert opened.widget.panel.parameters.result is moving.GetParentTransformNode() is not None
    assert opened.ui.resultSelector.currentNode() is moving.GetParentTransformNode()


def test_a_second_result_that_came_while_another_module_was_open_is_the_one_shown(script: Script, opened: Opened) -> None:
    opened.enter()
    _fixed, moving = opened.pair()
    script.finish.set()
    opened.ui.registerButton.click()
    opened.until(lambda: not opened.session.running)
    first = moving.GetParentTransformNode()
    script.finish.clear()
    opened.widget.panel.parameters.transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "another")
    opened.start()
    opened.leave()
    script.finish.set()
    opened.until(lambda: not opened.session.running)
    opened.enter()
    assert moving.GetParentTransformNode() is not first
    assert opened.widget.panel.parameters.result is moving.GetParentTransformNode()


def test_a_scene_that_closes_ends_the_run_and_the_panel_starts_afresh(script: Script, opened: Opened) -> None:
    opened.enter()
    opened.pair()
    opened.start()
    slicer.mrmlScene.Clear()
    assert not opened.session.running
    script.finish.set()
    opened.until(lambda: not living())
    opened.idle()
    assert result_transforms() == []
    assert opened.widget.panel.parameters.fixed is None
    assert not opened.ui.runControls.visible
    opened.pair()
    opened.ui.registerButton.click()
    opened.until(lambda: not opened.session.running)
    assert len(result_transforms()) == 1


def test_a_scene_that_closes_while_another_module_is_open_ends_the_run_too(script: Script, opened: Opened) -> None:
    opened.enter()
    opened.pair()
    opened.start()
    opened.leave()
    slicer.mrmlScene.Clear()
    assert not opened.session.running
    opened.until(lambda: not living())
    assert opened.widget.panel.parameters is None
    opened.enter()
    assert opened.widget.panel.parameters.fixed is None
    assert len(script.tasks) == 1


def test_the_end_of_the_application_ends_the_run(script: Script, opened: Opened) -> None:  # noqa: ARG001 (it is run)
    opened.pair()
    opened.start()
    slicer.app._qt.aboutToQuit.emit()
    assert not opened.session.running
    assert living() == []


def test_a_run_that_was_just_cancelled_has_ended_when_the_application_ends(slow: Script, opened: Opened) -> None:  # noqa: ARG001
    opened.pair()
    opened.start()
    opened.ui.cancelButton.click()
    opened.until(lambda: not opened.session.running)
    assert living() != [], "its thread comes to its next report in three seconds"
    slicer.app._qt.aboutToQuit.emit()
    assert living() == []


def test_a_run_whose_scene_has_just_closed_has_ended_when_the_application_ends(slow: Script, opened: Opened) -> None:  # noqa: ARG001
    opened.pair()
    opened.start()
    slicer.mrmlScene.Clear()
    assert living() != []
    slicer.app._qt.aboutToQuit.emit()
    assert living() == []


def test_unloading_ends_the_run_and_nothing_hears_the_scene_any_more(script: Script, opened: Opened) -> None:  # noqa: ARG001
    before = observers_of(slicer.mrmlScene)
    opened.enter()
    opened.pair()
    opened.start()
    assert observers_of(slicer.mrmlScene) > before
    opened.end()
    assert living() == []
    assert observers_of(slicer.mrmlScene) == before


def test_each_run_leaves_a_log_file_in_the_folder_of_the_application(script: Script, opened: Opened) -> None:
    opened.pair()
    script.finish.set()
    opened.ui.registerButton.click()
    opened.until(lambda: not opened.session.running)
    path = opened.session.record.path
    assert path.parent == Path(slicer.app.temporaryPath) / "INRRegistration"
    assert path.read_text(encoding="utf-8").startswith("version: INRRegistration")
