"""Reload, as developers do all day: the code is new, and nothing of the old one is left at work."""

from __future__ import annotations

import gc
import sys
import weakref
from typing import Any

import pytest
import slicer
from opened import Opened, library_modules, observers_of
from scripted_engine import Script

from inr_registration.slicer.job import living


def test_the_library_is_imported_anew(opened: Opened) -> None:
    former = opened.widget
    before = library_modules()
    former.onReload()
    assert opened.widget is not former
    assert opened.widget is slicer.modules.INRRegistrationWidget
    after = library_modules()
    assert set(after) <= set(before)
    assert "inr_registration.slicer.ui.panel" in after
    assert not [name for name in after if after[name] is before[name]]
    assert type(opened.widget.panel) is sys.modules["inr_registration.slicer.ui.panel"].Panel is not type(former.panel)


def test_a_reload_during_a_run_ends_its_thread_and_puts_nothing_into_the_scene(script: Script, opened: Opened) -> None:
    opened.enter()
    opened.pair()
    opened.start()
    former = opened.session
    nodes = slicer.mrmlScene.GetNumberOfNodes()
    opened.widget.onReload()
    assert living() == []
    assert not former.running
    script.finish.set()
    opened.idle()
    assert slicer.mrmlScene.GetNumberOfNodes() == nodes
    assert opened.ui.fixedSelector.currentNode().GetName() == "fixed"
    assert opened.ui.registerButton.enabled


def test_nothing_of_the_former_panel_is_alive(script: Script, opened: Opened) -> None:  # noqa: ARG001 (it is run)
    opened.enter()
    opened.pair()
    opened.start()
    former = [weakref.ref(opened.widget.panel), weakref.ref(opened.session)]
    timer = opened.session._pump._timer
    assert timer.active
    opened.widget.onReload()
    opened.idle()
    gc.collect()
    assert [kept() for kept in former] == [None, None]
    assert not timer.active


def test_reloading_again_and_again_adds_no_observers_and_shows_one_panel(opened: Opened) -> None:
    opened.enter()
    opened.widget.onReload()
    opened.idle(0.01)
    once = observers_of(slicer.mrmlScene), observers_of(opened.logic.getParameterNode().parameterNode)
    for _ in range(2):
        opened.widget.onReload()
        opened.idle(0.01)
    assert (observers_of(slicer.mrmlScene), observers_of(opened.logic.getParameterNode().parameterNode)) == once
    forms = [child for child in opened.module.widgetRepresentation().children() if child.isWidgetType() and not child.isHidden()]
    assert len(forms) == 1
    assert opened.module.widgetRepresentation().layout().count() == 1


def test_the_next_run_after_a_reload_is_one_run_with_one_result(script: Script, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    opened.enter()
    opened.pair()
    opened.start()
    opened.widget.onReload()
    monkeypatch.setattr(sys.modules["inr_registration.slicer.logic.session"], "perform", script.perform)
    script.finish.set()
    opened.ui.registerButton.click()
    opened.until(lambda: not opened.session.running)
    transforms = slicer.util.getNodesByClass("vtkMRMLTransformNode")
    assert len([node for node in transforms if node.GetAttribute("INRRegistration.Result")]) == 1


def test_a_panel_that_could_not_be_made_can_be_reloaded_once_its_code_is_mended(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    import inr_registration.slicer.ui.panel as panel

    def broken(*_: Any) -> None:
        raise RuntimeError("an error while the panel is made")

    monkeypatch.setattr(panel, "Panel", broken)
    with pytest.raises(RuntimeError, match="while the panel is made"):
        opened.module.widgetRepresentation()
    slicer.modules.INRRegistrationWidget.onReload()
    assert opened.ui.registerButton is not None
