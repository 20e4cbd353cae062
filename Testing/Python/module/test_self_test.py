"""What runs inside a real Slicer, run here first: the script of Testing/Slicer, and the module's own test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from functools import cache
from typing import Any

import pytest
import slicer
from opened import FILE, ROOT, Opened
from stand_in.environment import complete_startup

from inr_registration.phantom import trunk as phantom
from inr_registration.slicer.logic import TorchStatus, self_test

pytestmark = pytest.mark.slow

SCRIPT = ROOT / "Testing" / "Slicer" / "INRRegistrationSelfTest.py"
RUN = """
import json, logging, sys, unittest
import stand_in
logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
stand_in.load_scripted_module(sys.argv[1])
suite = unittest.TestLoader().loadTestsFromName(sys.argv[2])
result = unittest.TextTestRunner(verbosity=2).run(suite)
import INRRegistration
INRRegistration.INRRegistrationTest().runTest()
bad = [str(test) for test, _ in result.failures + result.errors]
print(json.dumps([result.testsRun, len(result.skipped), bad, stand_in.slot_errors, stand_in.failed_connections], default=repr))
"""


@cache
def self_tested() -> tuple[list[Any], str]:
    """Tests run, skipped, failed; errors in slots; failed connections; and everything that was said."""
    paths = [ROOT / "Testing", SCRIPT.parent]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "OMP_WAIT_POLICY": "PASSIVE"}
    command = [sys.executable, "-c", RUN, str(FILE), SCRIPT.stem]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def test_the_script_for_slicer_passes_on_the_stand_in() -> None:
    (ran, skipped, bad, slot_errors, failed_connections), said = self_tested()
    assert bad == [], said[-4000:]
    assert ran >= 10
    assert skipped == 0
    assert (slot_errors, failed_connections) == ([], [])
    assert "Traceback" not in said


def test_the_test_of_the_module_registers_the_sample_pair() -> None:
    _numbers, said = self_tested()
    assert "INFO Registered the sample pair: det J from" in said


def test_slicer_knows_the_test_of_the_module_and_it_needs_no_torch(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(self_test, "torch_status", lambda: TorchStatus(False, "", "PyTorch: not installed."))
    with caplog.at_level("INFO"):
        slicer.selfTests[opened.module.name]()
    assert "Nothing was tested. PyTorch: not installed." in caplog.messages


@pytest.fixture
def _no_samples() -> None:
    """As in an application that has just started."""
    vars(slicer.modules).pop("sampleDataSources", None)


@pytest.mark.usefixtures("_no_samples")
def test_the_sample_pair_is_offered_once_the_application_has_started_and_a_click_makes_it(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    import SampleData

    make, sizes = phantom.make_pair, []
    monkeypatch.setattr(phantom, "make_pair", lambda size: sizes.append(size) or make("small"))
    complete_startup()
    complete_startup()
    (source,) = SampleData.SampleDataLogic.sampleDataSourcesByCategory("INRRegistration")
    assert source.sampleName == "INR trunk pair"
    fixed, moving = SampleData.downloadSamples("INR trunk pair")
    assert sizes == ["full"]
    opened.enter()
    assert opened.ui.fixedSelector.currentNode() is fixed
    assert opened.ui.movingSelector.currentNode() is moving
    assert opened.ui.registerButton.enabled
    other = SampleData.downloadSamples("INR trunk pair")  # while the panel is open
    assert (opened.ui.fixedSelector.currentNode(), opened.ui.movingSelector.currentNode()) == tuple(other)


@pytest.mark.usefixtures("_no_samples", "opened")
def test_the_window_lives_while_the_sample_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    import qt
    import SampleData

    make, ticked = phantom.make_pair, threading.Event()

    def slow(_: str) -> object:
        assert threading.current_thread() is not threading.main_thread()
        assert ticked.wait(60), "the main thread does nothing else meanwhile"
        return make("small")

    monkeypatch.setattr(phantom, "make_pair", slow)
    complete_startup()
    qt.QTimer.singleShot(0, ticked.set)
    assert len(SampleData.downloadSamples("INR trunk pair")) == 2


@pytest.mark.usefixtures("_no_samples", "opened")
def test_what_goes_wrong_while_the_sample_is_made_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    from inr_registration.slicer.logic import make_sample

    def broken(_: str) -> object:
        raise MemoryError("no room")

    monkeypatch.setattr(phantom, "make_pair", broken)
    with pytest.raises(MemoryError, match="no room"):
        make_sample()
