"""The stand-in is as strict as PythonQt was seen to be."""

from __future__ import annotations

import gc
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import stand_in
from stand_in import ctk, qt, slicer

TESTING = Path(__file__).resolve().parents[2]
SUITE = TESTING.parents[1] / "shared" / "tools" / "slicer_conformance.py"
MAY_BE_ABSENT = {"no main window", "views"}  # each is about an application that the other is not


@pytest.fixture(autouse=True)
def nothing_goes_wrong_unseen() -> Iterator[None]:
    stand_in.slot_errors.clear()
    stand_in.failed_connections.clear()
    yield
    assert stand_in.slot_errors == []
    assert stand_in.failed_connections == []


@pytest.mark.skipif(not SUITE.is_file(), reason="the suite of facts that were seen in Slicer is not on this machine")
def test_every_fact_seen_in_slicer_holds() -> None:
    command = [sys.executable, str(SUITE), "--stand-in", "stand_in"]
    done = subprocess.run(command, cwd=TESTING, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    passed, failed = (int(n) for n in re.findall(r"(\d+) passed, (\d+) failed", done.stdout)[-1])
    assert failed == 0
    assert passed > 200
    assert set(re.findall(r"^ABSENT \[(.+?)\]", done.stdout, re.MULTILINE)) <= MAY_BE_ABSENT


def test_a_property_is_no_function_and_takes_what_slicer_converts() -> None:
    button, spin = qt.QPushButton("go"), qt.QSpinBox()
    assert button.text == "go"
    with pytest.raises(TypeError):
        button.text()
    button.text = None
    assert button.text == "None"
    spin.value = 3.7
    assert spin.value == 3
    with pytest.raises(AttributeError):
        spin.value = np.float32(2)
    with pytest.raises(AttributeError):
        spin.value = "4"


def test_misspelt_names_are_refused() -> None:
    button = qt.QPushButton()
    with pytest.raises(AttributeError):
        button.enable = True
    with pytest.raises(AttributeError):
        button.setTxt("a")
    with pytest.raises(AttributeError):
        qt.QPushButon  # noqa: B018
    with pytest.raises(AttributeError):
        slicer.qMRMLNodeComboBox().currentNode = None


def test_methods_that_only_pyside6_or_cpp_has_are_refused() -> None:
    with pytest.raises(AttributeError):
        ctk.ctkSliderWidget().setRange(0, 1)
    with pytest.raises(AttributeError):
        ctk.ctkCollapsibleButton().setCollapsed(True)
    with pytest.raises(ValueError, match="keyword"):
        qt.QLabel(text="a")
    with pytest.raises(ValueError, match="wrong arguments"):
        qt.QLabel().setText("a", "b")


def test_a_signal_that_does_not_exist_is_reported_to_the_test() -> None:
    assert qt.QPushButton().connect("clicked", print) is False
    assert stand_in.failed_connections == ["QPushButton::clicked"]
    stand_in.failed_connections.clear()


def test_an_exception_in_a_slot_is_printed_and_kept_for_the_test(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise RuntimeError("deliberate")

    button, heard = qt.QPushButton(), []
    assert button.connect("clicked()", fail)
    assert button.connect("clicked()", lambda: heard.append(1))
    button.click()
    assert heard == [1]
    assert [str(problem) for problem in stand_in.slot_errors] == ["deliberate"]
    assert "RuntimeError: deliberate" in capsys.readouterr().err
    stand_in.slot_errors.clear()


def test_a_slot_gets_as_many_arguments_as_it_takes_even_into_its_defaults() -> None:
    heard: list[object] = []
    button = qt.QPushButton()
    for function in (lambda: heard.append("none"), lambda checked: heard.append(checked), lambda index=7: heard.append(index)):
        assert button.connect("clicked(bool)", function)
    button.click()
    assert heard == ["none", False, False]


def test_a_python_subclass_paints_itself_and_its_errors_are_kept() -> None:
    class Curve(qt.QWidget):
        def paintEvent(self, _event: object) -> None:
            painter = qt.QPainter(self)
            painter.fillRect(self.rect, qt.QColor("red"))
            painter.end()

        def sizeHint(self) -> object:
            raise RuntimeError("deliberate")

    curve = Curve()
    curve.resize(20, 10)
    assert curve.grab().toImage().pixelColor(5, 5).name() == "#ff0000"
    curve.adjustSize()
    assert {str(problem) for problem in stand_in.slot_errors} == {"deliberate"}
    stand_in.slot_errors.clear()


def test_a_timer_that_python_drops_stops() -> None:
    ticks: list[int] = []
    timer = qt.QTimer()
    timer.connect("timeout()", lambda: ticks.append(1))
    timer.start(0)
    del timer
    for _ in range(20):
        qt.QApplication.processEvents()
    assert ticks == []


def test_what_is_destroyed_cannot_be_used() -> None:
    top = qt.QWidget()
    child = qt.QLabel(top)
    top.delete()
    with pytest.raises(ValueError, match="destroyed"):
        child.setText("a")


def test_a_collapsed_button_hides_what_is_in_it_and_keeps_what_was_hidden_before() -> None:
    button = ctk.ctkCollapsibleButton("Advanced")
    column = qt.QVBoxLayout(button)
    seen, hidden = qt.QLabel("seen"), qt.QLabel("hidden")
    column.addWidget(seen)
    column.addWidget(hidden)
    hidden.visible = False
    button.show()
    assert (seen.visible, hidden.visible) == (True, False)
    open_height = button.sizeHint.height()
    button.collapsed = True
    assert (seen.visible, hidden.visible) == (False, False)
    assert button.sizeHint.height() < open_height
    button.click()
    assert button.collapsed is False
    assert (seen.visible, hidden.visible) == (True, False)


def test_a_selector_that_is_gone_leaves_no_observer_on_the_scene() -> None:
    scene = slicer.mrmlScene
    scene.Clear()
    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    selector.setMRMLScene(scene)
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "a")
    selector.setCurrentNode(node)
    watch = selector._it._watch
    assert watch.observed() == {scene, node}
    del selector
    gc.collect()
    assert watch.observed() == set()


def test_removing_a_node_while_its_selector_hears_other_changes_does_not_list_it_again() -> None:
    scene = slicer.mrmlScene
    scene.Clear()
    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    selector.noneEnabled = True
    selector.setMRMLScene(scene)
    first, second = (scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name) for name in "ab")
    selector.setCurrentNode(first)
    selector.connect("currentNodeChanged(vtkMRMLNode*)", lambda _: second.SetAttribute("heard", "1"))
    scene.RemoveNode(first)
    assert selector.nodeCount() == 1
    assert selector.currentNode() is second
