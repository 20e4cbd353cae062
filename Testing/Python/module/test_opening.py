"""Opening the module: cheap, and possible wherever Slicer can be."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import slicer
import stand_in.environment
from opened import FILE, ROOT, Opened

OPEN = """
import json, sys
import stand_in
from stand_in import slicer
asked = []
class Watcher:
    def find_spec(self, name, *_):
        asked.append(name)
sys.meta_path.insert(0, Watcher())
module = stand_in.load_scripted_module(sys.argv[1])
stand_in.environment.complete_startup()
loaded = sorted(sys.modules)
slicer.util.selectModule("INRRegistration")
slicer.app.processEvents()
print(json.dumps([loaded, sorted(sys.modules), asked, stand_in.slot_errors, stand_in.failed_connections]))
"""


def opened_elsewhere() -> list[set[str]]:
    """In a fresh Python: modules after start-up, after opening; names that were asked for; errors; failed connections."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "Testing")}
    command = [sys.executable, "-c", OPEN, str(FILE)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return [set(map(str, names)) for names in json.loads(done.stdout.splitlines()[-1])]


def test_the_start_of_the_application_is_not_slowed_and_opening_does_not_wait_for_torch() -> None:
    loaded, after, asked, errors, failed = opened_elsewhere()
    ours = {name for name in loaded if name.startswith("inr_registration")}
    ours_at_start = ("", ".core", ".core.lazy", ".core.version", ".slicer", ".slicer.logic", ".slicer.logic.sample_data")
    assert ours == {f"inr_registration{part}" for part in ours_at_start}
    assert "scipy" not in loaded
    assert "inr_registration.slicer.ui.panel" in after
    assert not {"torch", "PyTorchUtils", "SimpleITK", "nibabel", "safetensors", "rich"} & after
    assert "PyTorchUtils" not in asked, "the extension is looked for only when the user registers"
    floors = {name.split(".")[1] for name in after if name.startswith("inr_registration.")}
    assert floors == {"core", "report", "slicer"}
    assert (errors, failed) == (set(), set())


def test_the_application_shows_what_the_module_is(opened: Opened) -> None:
    module = opened.module
    assert module.title == "INR Registration"
    assert module.categories == ["Registration"]
    assert "Not for clinical use" in module.helpText
    assert module.icon is not None
    assert not module.icon.isNull()


def test_without_a_main_window_the_panel_is_made_all_the_same() -> None:
    with stand_in.environment.switched(main_window=False):
        opened = Opened()
        try:
            assert slicer.app.layoutManager() is None
            opened.pair()
            assert opened.ui.registerButton.enabled
        finally:
            opened.end()
    assert stand_in.slot_errors == []
    assert stand_in.failed_connections == []


def test_entering_shows_the_parameters_and_leaving_lets_go_of_them(opened: Opened) -> None:
    opened.enter()
    assert opened.widget.panel.parameters.parameterNode is opened.logic.getParameterNode().parameterNode
    assert opened.ui.presetCombo.enabled
    opened.leave()
    assert opened.widget.panel.parameters is None
    opened.enter()
    assert opened.widget.panel.parameters is not None


def test_another_scene_for_the_panel_does_no_harm(opened: Opened) -> None:
    opened.enter()
    fixed, _moving = opened.pair()
    panel = opened.module.widgetRepresentation()
    other = slicer.vtkMRMLScene()
    panel.setMRMLScene(other)
    opened.idle()
    panel.setMRMLScene(slicer.mrmlScene)
    opened.idle()
    assert opened.ui.fixedSelector.currentNode() is fixed
    assert opened.widget.panel.parameters.fixed is fixed


def test_a_second_panel_has_a_session_of_its_own(opened: Opened) -> None:
    opened.pair()
    other = slicer.util.getNewModuleWidget("INRRegistration")
    try:
        assert other is not opened.widget
        assert other.logic.session is not opened.session
        assert other.ui.registerButton.enabled
    finally:
        other.cleanup()
        other.parent.delete()


def test_a_module_can_be_unloaded_and_loaded_again() -> None:
    for _ in range(2):
        opened = Opened()
        opened.enter()
        opened.end()
        assert not hasattr(slicer.modules, "INRRegistrationWidget")
    assert stand_in.slot_errors == []
