"""Application, modules, parameter nodes, scene files and sample data of the stand-in, beyond what the conformance suite looks at."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
import qt
import slicer
from slicer.parameterNodeWrapper import Choice, Default, Maximum, Minimum, parameterNodeWrapper
from stand_in.environment import complete_startup, switched, unload_scripted_module

import stand_in

MODULE = """
import slicer
from slicer.ScriptedLoadableModule import *
from slicer.i18n import tr as _


class Probe(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Probe")
        self.parent.categories = ["Registration"]


class ProbeWidget(ScriptedLoadableModuleWidget):
    number = 1
    calls = []
    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        self.calls.append("setup")
    def enter(self): self.calls.append("enter")
    def exit(self): self.calls.append("exit")
    def cleanup(self): self.calls.append("cleanup")


class ProbeLogic(ScriptedLoadableModuleLogic): pass


class ProbeTest(ScriptedLoadableModuleTest):
    ran = []
    def runTest(self): self.ran.append(1)
"""


@pytest.fixture(autouse=True)
def _empty_scene() -> Iterator[None]:
    slicer.mrmlScene.Clear()
    yield
    slicer.mrmlScene.Clear()


@pytest.fixture
def probe(tmp_path: Path) -> Iterator[Any]:
    path = tmp_path / "Probe.py"
    path.write_text(MODULE)
    yield stand_in.load_scripted_module(str(path))
    if hasattr(slicer.modules, "probe"):
        unload_scripted_module("Probe")


def volume(value: float = 1.0) -> slicer.vtkMRMLScalarVolumeNode:
    return slicer.util.addVolumeFromArray(np.full((3, 4, 5), value, np.float32), name="image")


def test_a_module_ends_with_exit_and_cleanup_and_is_gone(probe: Any) -> None:
    widget = probe.widgetRepresentation().self()
    slicer.util.selectModule("Probe")
    assert slicer.util.selectedModule() == "Probe"
    unload_scripted_module("Probe")
    assert widget.calls == ["setup", "enter", "exit", "cleanup"]
    assert not hasattr(slicer.modules, "probe")
    assert not hasattr(slicer.modules, "ProbeWidget")


def test_reloading_takes_the_new_code_into_the_same_panel(probe: Any) -> None:
    panel = probe.widgetRepresentation()
    former = panel.self()
    path = Path(probe.path)
    path.write_text(MODULE.replace("number = 1", "number = 22"))
    former.onReload()
    assert former.calls == ["setup", "cleanup"]
    assert probe.widgetRepresentation() is panel
    assert panel.self() is slicer.modules.ProbeWidget is not former
    assert panel.self().number == 22
    assert panel.self().calls == ["setup"]


def test_self_tests_are_known_and_run(probe: Any) -> None:
    slicer.selfTests[probe.name]()
    assert importlib.import_module("Probe").ProbeTest.ran == [1]


def test_questions_are_asked_only_outside_testing_and_the_switch_goes_back() -> None:
    assert slicer.app.testingEnabled()
    with switched(testing=False):
        assert not slicer.app.testingEnabled()
    assert slicer.app.testingEnabled()


def test_without_main_window_there_are_no_views_and_no_module_selector() -> None:
    assert slicer.util.mainWindow() is not None
    with switched(main_window=False):
        assert slicer.util.mainWindow() is None
        assert slicer.app.layoutManager() is None
        with pytest.raises(RuntimeError, match="main window"):
            slicer.util.selectModule("Data")
        slicer.util.setSliceViewerLayers(background=volume(), fit=True)
    assert slicer.app.layoutManager() is not None


def test_the_application_has_the_members_of_qt_and_takes_no_new_ones() -> None:
    assert slicer.app.applicationName == "Slicer"
    heard: list[int] = []
    assert slicer.app.connect("aboutToQuit()", lambda: heard.append(1))
    with pytest.raises(AttributeError):
        slicer.app.nosuchthing = 1
    with pytest.raises(AttributeError):
        _ = slicer.app.nosuchthing


def test_modules_hear_that_the_application_has_started() -> None:
    heard: list[str] = []
    hear = lambda: heard.append("started")  # noqa: E731
    assert slicer.app.connect("startupCompleted()", hear)
    complete_startup()
    assert slicer.app.disconnect("startupCompleted()", hear)
    complete_startup()
    assert heard == ["started"]


def test_settings_are_not_the_users_own() -> None:
    assert Path(qt.QSettings().fileName()).is_relative_to(slicer.app.temporaryPath)


@pytest.mark.parametrize("ending", ["mrb", "mrml"])
def test_a_scene_is_saved_and_loaded(tmp_path: Path, ending: str) -> None:
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "warp")
    node = volume(7)
    node.SetAndObserveTransformNodeID(transform.GetID())
    node.SetNodeReferenceID("role", transform.GetID())
    if ending == "mrml":
        assert slicer.util.saveNode(node, str(tmp_path / "image.nrrd"))
        assert slicer.util.saveNode(transform, str(tmp_path / "warp.h5"))
    assert slicer.util.saveScene(str(tmp_path / f"scene.{ending}"))
    slicer.mrmlScene.Clear()
    slicer.util.loadScene(str(tmp_path / f"scene.{ending}"))
    again = slicer.util.getNode("image")
    assert slicer.util.arrayFromVolume(again).min() == 7
    assert again.GetParentTransformNode() is again.GetNodeReference("role") is slicer.util.getNode("warp")


def test_volumes_and_transforms_are_saved_and_loaded(tmp_path: Path) -> None:
    assert slicer.util.saveNode(volume(3), str(tmp_path / "three.nrrd"))
    assert slicer.util.arrayFromVolume(slicer.util.loadVolume(str(tmp_path / "three.nrrd"))).max() == 3
    assert slicer.util.loadLabelVolume(str(tmp_path / "three.nrrd")).IsA("vtkMRMLLabelMapVolumeNode")
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    assert slicer.util.saveNode(transform, str(tmp_path / "t.h5"))
    assert slicer.util.loadTransform(str(tmp_path / "t.h5")).IsA("vtkMRMLTransformNode")
    with pytest.raises(RuntimeError):
        slicer.util.loadVolume(str(tmp_path / "nowhere.nrrd"))


def test_sample_data_are_registered_once_and_made_by_their_own_function() -> None:
    logic = importlib.import_module("SampleData").SampleDataLogic
    make = lambda source: [volume(len(source.sampleName))]  # noqa: E731
    logic.registerCustomSampleDataCategory("Tests", "Tests of the stand-in")
    for _ in range(2):
        logic.registerCustomSampleDataSource("Tests", sampleName="four", customDownloader=make, uris="", fileNames="", nodeNames="")
    assert len(logic.sampleDataSourcesByCategory("Tests")) == 1
    loaded = logic().downloadSample("four")
    assert slicer.util.arrayFromVolume(loaded).max() == 4


def parameters() -> Any:
    @parameterNodeWrapper
    class Parameters:
        steps: Annotated[int, Minimum(1), Maximum(9)] = 3
        kind: Annotated[str, Choice(["a", "b"]), Default("b")]
        image: slicer.vtkMRMLScalarVolumeNode

    return Parameters(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))


def test_bounds_choices_and_annotated_defaults_of_parameters_count() -> None:
    made = parameters()
    assert (made.steps, made.kind) == (3, "b")
    for name, value in (("steps", 0), ("steps", 10), ("kind", "c")):
        with pytest.raises(ValueError, match=str(value)):
            setattr(made, name, value)
    slider, box = qt.QSlider(), qt.QComboBox()
    made.connectParametersToGui({"steps": slider, "kind": box})
    assert (slider.minimum, slider.maximum, slider.value, box.currentText) == (1, 9, 3, "b")
    box.currentIndex = 0
    assert made.kind == "a"


def test_a_check_box_value_poisons_an_int_parameter() -> None:
    made = parameters()
    with pytest.raises(ValueError, match="True"):
        made.steps = True
    with pytest.raises(ValueError, match="True"):
        _ = made.steps


def test_layers_of_the_slice_views_are_replaced_when_their_volume_is_removed() -> None:
    first, second = volume(), volume()
    slicer.util.setSliceViewerLayers(background=first)
    slicer.mrmlScene.RemoveNode(first)
    composite = slicer.app.layoutManager().sliceWidget("Green").mrmlSliceCompositeNode()
    assert composite.GetBackgroundVolumeID() == second.GetID()


LEAVES_NOTHING = """
import sys
import slicer, stand_in
from pathlib import Path
path = str(Path(sys.argv[1]) / "scene.mrb")
slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "warp")
assert slicer.util.saveScene(path)
slicer.util.loadScene(path)
print(slicer.app.temporaryPath)
"""


def test_what_was_stored_for_a_while_is_gone_at_the_end(tmp_path: Path) -> None:
    temporary, kept = tmp_path / "temporary", tmp_path / "kept"
    temporary.mkdir(), kept.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", LEAVES_NOTHING, str(kept)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert Path(done.stdout.split()[-1]).parent == temporary
    assert list(temporary.iterdir()) == []
    assert [path.name for path in kept.iterdir()] == ["scene.mrb"]
