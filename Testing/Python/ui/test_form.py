"""The form itself: what is in it, and that it opens anywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import slicer
from desk import FORMS, Desk

from inr_registration.slicer.ui import INRRegistrationParameterNode, Wires

ROOT = Path(__file__).resolve().parents[3]
SPEAKING = {"QPushButton", "QToolButton", "QComboBox", "QSpinBox", "QDoubleSpinBox", "qMRMLNodeComboBox", "QProgressBar", "QTableWidget"}
INPUT_VOLUMES = ("fixedSelector", "movingSelector")
OUTPUTS = ("transformSelector", "warpedSelector", "jacobianSelector", "uncertaintySelector")


def widgets() -> list[ElementTree.Element]:
    return list(ElementTree.parse(FORMS / "INRRegistration.ui").getroot().iter("widget"))


def text_of(widget: ElementTree.Element, name: str) -> str:
    found = widget.find(f"property[@name='{name}']/*")
    return "" if found is None else found.text or ""


def test_everything_that_can_be_used_has_a_tooltip() -> None:
    silent = [widget.get("name") for widget in widgets() if widget.get("class") in SPEAKING and not text_of(widget, "toolTip")]
    assert silent == []
    assert sum(widget.get("class") in SPEAKING for widget in widgets()) > 40


def test_the_form_has_no_style_of_its_own() -> None:
    assert [widget.get("name") for widget in widgets() if text_of(widget, "styleSheet")] == []


def test_every_parameter_name_in_the_form_is_a_parameter_and_no_parameter_is_forgotten() -> None:
    by_form = {text_of(widget, "SlicerParameterName") for widget in widgets()} - {""}
    by_hand = {"preset", "method", "similarity", "device", "affine", "fixed_mask_segment", "moving_mask_segment"}
    by_hand |= {"ventricle_segment", "uncertainty_method"}
    assert by_form | by_hand == set(INRRegistrationParameterNode.allParameters)


@pytest.mark.parametrize("name", [*INPUT_VOLUMES, *OUTPUTS, "initialSelector", "fixedMaskSelector", "fixedLandmarksSelector"])
def test_nothing_is_chosen_unasked(desk: Desk, name: str) -> None:
    desk.volume("first of the scene")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "some transform")
    assert getattr(desk.ui, name).currentNode() is None


@pytest.mark.parametrize("name", INPUT_VOLUMES)
def test_label_maps_are_not_offered_as_images(desk: Desk, name: str) -> None:
    desk.volume("image")
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    assert getattr(desk.ui, name).nodeCount() == 1


@pytest.mark.parametrize("side", ["fixed", "moving"])
def test_a_mask_may_be_a_segmentation_or_a_label_map(desk: Desk, side: str) -> None:
    for kind in ("vtkMRMLLabelMapVolumeNode", "vtkMRMLSegmentationNode", "vtkMRMLScalarVolumeNode"):
        slicer.mrmlScene.AddNewNodeByClass(kind, kind)
    assert getattr(desk.ui, f"{side}MaskSelector").nodeCount() == 2


@pytest.mark.parametrize(("name", "base"), [("transformSelector", "Transform (INR)"), ("jacobianSelector", "Jacobian (INR)")])
def test_an_output_can_be_made_beforehand_and_is_named(desk: Desk, name: str, base: str) -> None:
    selector = getattr(desk.ui, name)
    assert (selector.addEnabled, selector.renameEnabled, selector.noneDisplay) == (True, True, "Create new")
    assert selector.addNode().GetName() == base


def test_sections_that_are_rarely_needed_start_closed(desk: Desk) -> None:
    ui = desk.ui
    closed = (ui.moreInputs, ui.outputsSection, ui.advancedSection)
    assert [section.collapsed for section in closed] == [True] * 3
    assert not ui.inputsSection.collapsed
    assert not ui.methodSection.collapsed
    assert not desk.shown(ui.resultSection)


WIDE = "A_segmentation_node_with_a_name_as_hospitals_give_it_to_series_" * 2


def test_the_panel_stays_narrow_whatever_it_has_to_say(desk: Desk) -> None:
    desk.script.uncertainty = True
    desk.pair()[0].SetName(WIDE)
    desk.run()
    for section in (desk.ui.moreInputs, desk.ui.outputsSection, desk.ui.advancedSection):
        section.collapsed = False
    mask = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", WIDE)
    mask.GetSegmentation().AddEmptySegment(WIDE, WIDE)
    desk.ui.fixedMaskSelector.setCurrentNode(mask)
    desk.panel.say(f"Saved {WIDE}.html.")
    desk.form.show()
    slicer.app.processEvents()
    assert desk.shown(desk.ui.fixedMaskSegment)
    assert desk.form.minimumSizeHint.width() <= 420
    assert desk.ui.fixedMaskSelector.width > 80
    assert desk.ui.statusLabel.toolTip == desk.ui.statusLabel.text
    desk.form.hide()


def test_a_misspelt_signal_is_an_error(desk: Desk) -> None:
    with pytest.raises(ValueError, match=r"registerButton.*has no signal click"):
        Wires().on(desk.ui.registerButton, "click()", print)


class Deaf:
    """Answers like a QObject whose disconnect counts."""

    def __init__(self) -> None:
        self.cut: list[tuple[Any, ...]] = []

    def connect(self, *_: Any) -> bool:
        return True

    def disconnect(self, *values: Any) -> bool:
        self.cut.append(values)
        return True


def test_cutting_undoes_every_connection_once() -> None:
    sender, wires = Deaf(), Wires()
    wires.on(sender, "a()", print)
    wires.on(sender, "b()", print)
    wires.cut()
    wires.cut()
    assert [signal for signal, _ in sender.cut] == ["a()", "b()"]


def test_opening_the_panel_imports_no_torch() -> None:
    code = (
        "import sys, stand_in; from scripted_engine import Script; from desk import Desk; desk = Desk(Script());"
        "assert desk.ui.torchLabel.text; sys.exit(7 if 'torch' in sys.modules else 0)"
    )
    folders = (ROOT / "Testing", ROOT / "INRRegistration", Path(__file__).parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
