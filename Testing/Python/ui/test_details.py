"""'Copy details' for every ending, and the log file of each run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import slicer
from desk import Desk
from scripted_engine import Script

from inr_registration.core import Outcome, RegistrationError
from inr_registration.slicer.job import living
from inr_registration.slicer.logic import log_files
from inr_registration.slicer.ui import run as run_module

NAMES = ("Miller CT", "Miller MR")


@pytest.fixture
def logged(script: Script, tmp_path: Path) -> Iterator[Desk]:
    """A panel that writes log files, with a pair of images that have somebody's name."""
    slicer.mrmlScene.Clear()
    desk = Desk(script, tmp_path / "logs")
    for name, node in zip(NAMES, desk.pair(), strict=True):
        node.SetName(name)
    yield desk
    desk.shut()
    slicer.mrmlScene.Clear()


@pytest.fixture
def dialogs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    opened: list[tuple[str, str]] = []
    monkeypatch.setattr(slicer.util, "errorDisplay", lambda text, detailedText="", **_: opened.append((text, detailedText)))
    return opened


def files(desk: Desk) -> list[Path]:
    folder = desk.session._logs
    return sorted(folder.iterdir()) if folder.is_dir() else []


def copied() -> dict[str, str]:
    """What was copied, by the name of the line; the names of the images may not be in it."""
    text = slicer.app.clipboard().text()
    assert "Miller" not in text
    lines = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    return {**lines, "all": text}


def test_a_finished_run_has_all_that_a_bug_report_needs_and_the_same_in_a_file(logged: Desk) -> None:
    logged.run()
    assert not logged.shown(logged.ui.failureCopyButton), "the details of a result are copied beside it"
    slicer.app.clipboard().setText("")
    logged.ui.copyButton.click()
    lines = copied()
    for name in (
        "version",
        "packages",
        "machine",
        "Slicer",
        "began",
        "outcome",
        "fixed",
        "moving",
        "device",
        "seconds",
        "quality",
        "settings",
    ):
        assert lines[name]
    assert lines["fixed"].startswith("24 x 20 x 16 voxels of 2 x 2 x 3 mm")
    assert lines["Slicer"] == slicer.app.applicationVersion
    (file,) = files(logged)
    assert file.read_text(encoding="utf-8") == lines["all"] + "\n"
    assert str(file) in logged.ui.statusLabel.text
    assert lines["log file"].endswith(file.name)


def test_a_failed_run_offers_its_details_with_the_traceback(logged: Desk, dialogs: list[tuple[str, str]]) -> None:
    logged.script.error = ValueError("'Miller CT' fell")
    logged.script.finish.clear()
    logged.start()
    logged.script.finish.set()
    logged.until(lambda: not logged.session.running)
    assert logged.shown(logged.ui.failureCopyButton)
    assert not logged.shown(logged.ui.resultSection)
    logged.ui.failureCopyButton.click()
    lines = copied()
    assert lines["outcome"] == "ValueError: '<name>' fell"
    assert "Traceback" in lines["all"]
    assert lines["reached"].startswith("fit, stage ")
    ((_text, shown),) = dialogs
    assert shown == lines["all"]
    (file,) = files(logged)
    assert file.read_text(encoding="utf-8") == lines["all"] + "\n"
    assert str(file) in logged.ui.statusLabel.text


def test_a_cancelled_run_says_how_far_it_came(logged: Desk) -> None:
    logged.start()
    assert not logged.shown(logged.ui.failureCopyButton)
    logged.ui.cancelButton.click()
    logged.until(lambda: not logged.session.running)
    logged.ui.failureCopyButton.click()
    lines = copied()
    assert lines["outcome"] == Outcome.CANCELLED.value
    assert "total" in lines["reached"]
    assert lines["fixed"]


@pytest.mark.parametrize("outcome", [Outcome.DIVERGED, Outcome.OUT_OF_MEMORY])
def test_a_run_without_a_usable_result_offers_its_details(logged: Desk, outcome: Outcome) -> None:
    logged.script.outcome = outcome
    logged.run()
    logged.ui.failureCopyButton.click()
    assert copied()["outcome"].startswith(f"{outcome.name}: ")


def test_a_refused_run_offers_its_details_and_leaves_no_file(logged: Desk) -> None:
    slicer.util.arrayFromVolume(logged.parameters.fixed)[:] = 3
    slicer.util.arrayFromVolumeModified(logged.parameters.fixed)
    logged.ui.registerButton.click()
    assert logged.shown(logged.ui.failureCopyButton)
    logged.ui.failureCopyButton.click()
    lines = copied()
    assert "constant image" in lines["outcome"]
    assert lines["fixed"].endswith("float32, 3 to 3")
    assert lines["settings"]
    assert files(logged) == []


def test_missing_pytorch_can_be_copied_too(logged: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RegistrationError("PyTorch is missing: install it.")

    monkeypatch.setattr(run_module, "ensure_torch", refuse)
    logged.ui.registerButton.click()
    logged.ui.failureCopyButton.click()
    assert copied()["outcome"] == "PyTorch is missing: install it."


def test_the_details_of_a_failure_go_when_a_run_goes_well(logged: Desk) -> None:
    logged.script.outcome = Outcome.DIVERGED
    logged.run()
    assert logged.shown(logged.ui.failureCopyButton)
    logged.script.outcome = Outcome.ITERATION_LIMIT
    logged.run()
    assert not logged.shown(logged.ui.failureCopyButton)


def test_a_run_that_takes_the_application_with_it_leaves_a_file(logged: Desk) -> None:
    logged.start()
    (file,) = files(logged)
    text = file.read_text(encoding="utf-8")
    assert "the application ended during it" in text
    assert "settings: " in text
    assert "fixed: 24 x 20 x 16" in text
    assert "Miller" not in text


def test_closing_the_scene_ends_the_file_too(logged: Desk) -> None:
    logged.start()
    slicer.mrmlScene.Clear()
    logged.until(lambda: not living())
    (file,) = files(logged)
    assert "outcome: The scene was closed" in file.read_text(encoding="utf-8")
    assert "scene was closed" in logged.ui.statusLabel.text
    assert logged.shown(logged.ui.failureCopyButton)


def test_the_newest_files_stay(logged: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "KEPT", 2)
    seen = []
    for _ in range(3):
        logged.run()
        seen.append(logged.session.record.path)
    assert files(logged) == seen[-2:]


def test_a_folder_that_cannot_be_written_costs_nothing_but_the_file(logged: Desk, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "logs").write_text("in the way")
    nodes = logged.run()
    assert nodes is not None
    assert "no log file" in caplog.text
    logged.ui.copyButton.click()
    assert "log file" not in copied()
    assert logged.ui.statusLabel.text.endswith("a question.")


def test_what_was_logged_on_the_way_is_told_and_nobody_listens_afterwards(logged: Desk) -> None:
    import logging

    library = logging.getLogger("inr_registration")
    before = list(library.handlers)
    logged.start()
    assert len(library.handlers) == len(before) + 1
    library.getChild("job").warning("something about %s", "Miller CT")
    logged.script.finish.set()
    logged.until(lambda: not logged.session.running)
    assert library.handlers == before
    logged.ui.copyButton.click()
    assert "log: WARNING inr_registration.job: something about <name>" in copied()["all"]


def test_an_older_result_tells_what_the_scene_remembers(logged: Desk) -> None:
    first = logged.run()
    logged.parameters.transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "another")
    logged.run()
    logged.ui.resultSelector.setCurrentNode(first.transform)
    logged.ui.copyButton.click()
    lines = copied()
    assert lines["outcome"] == "ITERATION_LIMIT"
    assert lines["Similarity, Correlation"] == "0.5 to 0.9"


def test_the_best_state_of_a_diverged_fit_is_shown_with_a_warning(logged: Desk) -> None:
    logged.script.outcome, logged.script.keeps = Outcome.DIVERGED, True
    nodes = logged.run()
    assert nodes is not None
    assert logged.shown(logged.ui.endingWarning)
    assert "diverged" in logged.ui.endingWarning.text
    assert "diverged" in logged.ui.statusLabel.text
    logged.script.outcome = Outcome.ITERATION_LIMIT
    logged.parameters.transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "another")
    logged.run()
    assert not logged.shown(logged.ui.endingWarning)
    logged.ui.resultSelector.setCurrentNode(nodes.transform)
    assert logged.shown(logged.ui.endingWarning), "the scene remembers it"
