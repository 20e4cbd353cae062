"""From the click to the ending: what is shown, what can be pressed, and what is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import slicer
from desk import Desk

from inr_registration.core import Outcome, RegistrationError
from inr_registration.slicer.job import living
from inr_registration.slicer.scene import all_results
from inr_registration.slicer.ui import run as run_module


@pytest.fixture
def dialogs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Error messages that were opened, with their details."""
    opened: list[tuple[str, str]] = []
    monkeypatch.setattr(slicer.util, "errorDisplay", lambda text, detailedText="", **_: opened.append((text, detailedText)))
    return opened


def test_while_it_runs_register_gives_way_to_stop_and_cancel(desk: Desk) -> None:
    desk.pair()
    ui = desk.ui
    assert desk.shown(ui.registerButton)
    assert not desk.shown(ui.runControls)
    desk.start()
    assert not desk.shown(ui.registerButton)
    assert desk.shown(ui.stopButton)
    assert desk.shown(ui.cancelButton)
    assert (ui.stopButton.text, ui.cancelButton.text) == ("Stop and keep", "Cancel")
    assert not ui.inputsSection.enabled
    assert not ui.methodSection.enabled


def test_a_finished_run_gives_the_panel_back_and_a_result(desk: Desk) -> None:
    desk.pair()
    nodes = desk.run()
    assert desk.shown(desk.ui.registerButton)
    assert desk.ui.registerButton.enabled
    assert desk.ui.inputsSection.enabled
    assert desk.ui.statusLabel.text == Outcome.ITERATION_LIMIT.value
    assert desk.parameters.result is nodes.transform
    assert desk.ui.resultSelector.currentNode() is nodes.transform
    assert desk.shown(desk.ui.resultSection)


def test_no_dialog_opens_on_success(desk: Desk, dialogs: list[tuple[str, str]]) -> None:
    desk.pair()
    desk.run()
    assert dialogs == []


def test_cancel_says_so_at_once_and_keeps_nothing(desk: Desk) -> None:
    desk.pair()
    desk.start()
    desk.ui.cancelButton.click()
    assert desk.ui.cancelButton.text == "Cancelling..."
    assert not desk.ui.cancelButton.enabled
    assert not desk.ui.stopButton.enabled
    desk.until(lambda: not desk.session.running)
    assert desk.ui.statusLabel.text == Outcome.CANCELLED.value
    assert desk.parameters.result is None
    assert not desk.shown(desk.ui.resultSection)
    assert desk.ui.registerButton.enabled


def test_stop_and_keep_keeps_the_result_so_far(desk: Desk) -> None:
    desk.pair()
    desk.start()
    desk.ui.stopButton.click()
    assert desk.ui.stopButton.text == "Stopping..."
    assert not desk.ui.stopButton.enabled
    assert desk.ui.cancelButton.enabled
    desk.until(lambda: not desk.session.running)
    assert desk.ui.statusLabel.text == Outcome.STOPPED.value
    assert desk.parameters.result is not None


def test_stopping_may_still_be_cancelled(desk: Desk) -> None:
    desk.pair()
    desk.start()
    desk.ui.stopButton.click()
    desk.ui.cancelButton.click()
    desk.until(lambda: not desk.session.running)
    assert desk.ui.statusLabel.text == Outcome.CANCELLED.value
    assert desk.parameters.result is None


def test_a_second_run_updates_the_result_of_the_first_which_can_be_restored(desk: Desk) -> None:
    desk.pair()
    first = desk.run()
    image = first.warped.GetImageData()
    second = desk.run()
    for part in ("transform", "warped", "jacobian", "folding", "quality", "model"):
        assert getattr(second, part) is getattr(first, part), part
    assert desk.ui.resultSelector.nodeCount() == 1
    assert second.warped.GetImageData() is not image
    assert desk.session.restore_previous()
    assert second.warped.GetImageData() is image


def test_a_result_of_other_images_is_left_alone(desk: Desk) -> None:
    desk.pair()
    first = desk.run()
    desk.pair()
    second = desk.run()
    assert first.transform is not second.transform
    assert desk.parameters.result is second.transform
    assert desk.ui.resultSelector.nodeCount() == 2


def test_parts_of_a_result_that_were_removed_are_made_anew(desk: Desk) -> None:
    desk.pair()
    first = desk.run()
    slicer.mrmlScene.RemoveNode(first.jacobian)
    second = desk.run()
    assert second.transform is first.transform
    assert second.jacobian.GetScene() is slicer.mrmlScene


def test_the_verdict_on_the_former_result_leaves_when_a_run_starts_and_is_back_when_it_is_cancelled(desk: Desk) -> None:
    desk.pair()
    desk.script.outcome, desk.script.keeps = Outcome.DIVERGED, True
    desk.run()
    assert desk.shown(desk.ui.endingWarning)
    desk.script.outcome = Outcome.ITERATION_LIMIT
    desk.ui.registerButton.click()
    assert not desk.shown(desk.ui.endingWarning)
    desk.ui.cancelButton.click()
    desk.until(lambda: not desk.session.running)
    assert desk.shown(desk.ui.endingWarning)


def test_a_chosen_output_is_updated_by_the_next_run(desk: Desk) -> None:
    desk.pair()
    first = desk.run()
    desk.ui.transformSelector.setCurrentNode(first.transform)
    second = desk.run()
    assert second.transform is first.transform
    assert desk.ui.resultSelector.nodeCount() == 1


def test_a_run_after_a_cancelled_one_goes_well(desk: Desk) -> None:
    desk.pair()
    desk.start()
    desk.ui.cancelButton.click()
    desk.until(lambda: not desk.session.running)
    desk.run()
    assert desk.parameters.result is not None


def test_an_error_is_one_message_with_the_traceback_as_details(desk: Desk, dialogs: list[tuple[str, str]]) -> None:
    desk.pair()
    desk.script.error = ValueError("the sky fell")
    desk.script.finish.clear()
    desk.start()
    desk.script.finish.set()
    desk.until(lambda: not desk.session.running)
    assert "the sky fell" in desk.ui.statusLabel.text
    ((text, details),) = dialogs
    assert text == desk.ui.statusLabel.text
    assert "Traceback" in details
    assert desk.ui.registerButton.enabled


@pytest.mark.parametrize("outcome", [Outcome.DIVERGED, Outcome.OUT_OF_MEMORY])
def test_an_unusable_ending_says_what_to_do(desk: Desk, outcome: Outcome) -> None:
    desk.pair()
    desk.script.outcome = outcome
    desk.run()
    assert desk.ui.statusLabel.text == outcome.value
    assert desk.parameters.result is None


def test_unusable_input_is_said_before_anything_starts(desk: Desk, dialogs: list[tuple[str, str]]) -> None:
    fixed, _ = desk.pair()
    slicer.util.arrayFromVolume(fixed)[:] = 3
    slicer.util.arrayFromVolumeModified(fixed)
    desk.ui.registerButton.click()
    assert not desk.session.running
    assert "constant image" in desk.ui.statusLabel.text
    assert dialogs == []
    assert desk.ui.registerButton.enabled


def test_missing_pytorch_is_said_in_words(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RegistrationError("PyTorch is missing: install it.")

    desk.pair()
    monkeypatch.setattr(run_module, "ensure_torch", refuse)
    desk.ui.registerButton.click()
    assert not desk.session.running
    assert desk.ui.statusLabel.text == "PyTorch is missing: install it."


def test_closing_the_scene_during_a_run_ends_it_quietly(desk: Desk) -> None:
    desk.pair()
    desk.start()
    slicer.mrmlScene.Clear()
    assert not desk.session.running
    desk.until(lambda: not living())
    assert desk.shown(desk.ui.registerButton)
    assert not desk.ui.registerButton.enabled
    assert not desk.shown(desk.ui.runControls)
    assert desk.parameters.result is None
    assert all_results(slicer.mrmlScene) == []


def test_removing_the_fixed_volume_during_a_run_cancels_it_and_says_why(desk: Desk) -> None:
    fixed, _ = desk.pair()
    desk.volume("C", 3)
    desk.start()
    slicer.mrmlScene.RemoveNode(fixed)
    desk.until(lambda: not desk.session.running)
    assert "'A' was removed" in desk.ui.statusLabel.text
    assert desk.parameters.fixed is None


def test_leaving_the_module_does_not_stop_the_run_and_coming_back_shows_its_result(desk: Desk) -> None:
    desk.pair()
    desk.start()
    desk.leave()
    desk.script.finish.set()
    desk.until(lambda: not desk.session.running)
    desk.open()
    assert desk.parameters.result is desk.session.nodes.transform
    assert desk.shown(desk.ui.resultSection)
    assert desk.ui.statusLabel.text == Outcome.ITERATION_LIMIT.value


def test_coming_back_during_a_run_shows_it(desk: Desk) -> None:
    desk.pair()
    desk.start()
    desk.leave()
    desk.open()
    assert desk.shown(desk.ui.runControls)
    assert not desk.shown(desk.ui.registerButton)


def test_a_reload_during_a_run_leaves_no_thread_and_the_next_panel_works(make_desk: Callable[[], Desk]) -> None:
    first = make_desk()
    first.pair()
    first.start()
    first.session.close()
    first.panel.close()
    assert living() == []
    second = make_desk()
    assert second.ui.registerButton.enabled  # the parameters are those of the scene
    second.run()
    assert second.parameters.result is not None


def test_a_closed_panel_hears_nothing(make_desk: Callable[[], Desk]) -> None:
    desk = make_desk()
    desk.panel.close()
    before = desk.ui.missingLabel.text
    desk.pair()
    assert desk.ui.missingLabel.text == before
