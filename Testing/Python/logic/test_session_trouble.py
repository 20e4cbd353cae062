"""What may go wrong around a run: functions that raise, scenes and nodes that leave, windows that live on."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import slicer
from blobs import LONG, QUICK
from loops import Loop

from inr_registration.core import InputError, Outcome, RegistrationError
from inr_registration.slicer.job import living
from inr_registration.slicer.logic import Ended, Session, perform, register_nodes
from inr_registration.slicer.scene import Inputs
from inr_registration.slicer.scene.outputs import Outputs


def endings(heard: list[Any]) -> list[Ended]:
    return [event for event in heard if isinstance(event, Ended)]


def broken(*_: Any) -> None:
    raise ZeroDivisionError("on purpose")


def test_a_listener_that_raises_spoils_neither_the_run_nor_the_others(
    session: Session, loop: Loop, pair: Any, caplog: pytest.LogCaptureFixture
) -> None:
    events: list[Any] = []
    session.listen(broken)
    session.listen(events.append)
    session.start(Inputs(*pair), Outputs(), QUICK)
    loop.until(lambda: not session.running)
    assert [event.outcome for event in endings(events)] == [Outcome.ITERATION_LIMIT]
    assert len([record for record in caplog.records if "Progressed" in record.getMessage()]) <= 1, "not at every report"
    assert any("Ended" in record.getMessage() for record in caplog.records)


def test_a_finished_function_that_raises_does_not_end_the_run_twice(
    session: Session, loop: Loop, heard: list[Any], pair: Any, caplog: pytest.LogCaptureFixture
) -> None:
    session.start(Inputs(*pair), Outputs(), QUICK, finished=broken)
    loop.until(lambda: not session.running)
    assert [event.outcome for event in endings(heard)] == [Outcome.ITERATION_LIMIT]
    assert "at the end failed" in caplog.text


def test_the_next_run_may_be_started_where_the_last_one_is_told(session: Session, loop: Loop, heard: list[Any], pair: Any) -> None:
    second: list[Ended] = []

    def again(_: Ended) -> None:
        session.start(Inputs(*pair), Outputs(), QUICK, finished=second.append)
        raise ZeroDivisionError("after the second one was started")

    session.start(Inputs(*pair), Outputs(), QUICK, finished=again)
    loop.until(lambda: bool(second))
    assert second[0].outcome is Outcome.ITERATION_LIMIT
    assert len(endings(heard)) == 2
    assert not session.running


def test_an_error_while_the_result_is_written_is_told_once_with_its_details(
    session: Session, loop: Loop, heard: list[Any], pair: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inr_registration.slicer.logic.session.write", broken)
    session.start(Inputs(*pair), Outputs(), QUICK)
    loop.until(lambda: not session.running)
    (ended,) = endings(heard)
    assert ended.outcome is None
    assert "on purpose" in ended.message
    assert "Traceback" in ended.details


def test_a_scene_that_closes_is_told_to_listeners_and_to_the_script_whoever_notices_first(
    session: Session, loop: Loop, heard: list[Any], pair: Any
) -> None:
    finished: list[Ended] = []
    tag = slicer.mrmlScene.AddObserver(slicer.vtkMRMLScene.StartCloseEvent, lambda *_: session.abandon())  # as the module's widget does
    session.start(Inputs(*pair), Outputs(), LONG, finished=finished.append)
    loop.until(lambda: len(heard) > 2)
    slicer.mrmlScene.Clear(0)
    slicer.mrmlScene.RemoveObserver(tag)
    assert endings(heard) == finished
    assert [event.outcome for event in finished] == [Outcome.CANCELLED]
    assert "scene was closed" in finished[0].message


def test_closing_a_session_tells_nobody(session: Session, loop: Loop, heard: list[Any], pair: Any) -> None:
    finished: list[Ended] = []
    session.start(Inputs(*pair), Outputs(), LONG, finished=finished.append)
    loop.until(lambda: len(heard) > 2)
    session.close()
    assert not endings(heard)
    assert not finished
    assert not loop.ticks


def test_a_result_whose_output_node_was_removed_goes_into_new_nodes(session: Session, loop: Loop, heard: list[Any], pair: Any) -> None:
    output = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "my output")
    session.start(Inputs(*pair), Outputs(warped=output), QUICK)
    slicer.mrmlScene.RemoveNode(output)
    loop.until(lambda: not session.running)
    (ended,) = endings(heard)
    assert ended.outcome is Outcome.ITERATION_LIMIT
    assert "new nodes" in ended.message
    assert ended.nodes.warped.GetScene() is slicer.mrmlScene


def test_a_waiting_run_lets_no_second_one_begin(session: Session, pair: Any) -> None:
    refused: list[str] = []

    def click(*_: Any) -> None:
        with pytest.raises(InputError) as error:
            session.start(Inputs(*pair), Outputs(), QUICK)
        refused.append(str(error.value))

    register_nodes(session, *pair, settings=QUICK, progress=click)
    assert refused
    assert all("is running" in text for text in refused)
    assert not session.running


@pytest.mark.parametrize("how", ["stop", "cancel"])
def test_a_waiting_run_can_be_stopped_and_cancelled_from_its_progress(session: Session, pair: Any, how: str) -> None:
    def steer(_share: float, phase: str) -> None:
        if phase == "fit":
            getattr(session, how)()

    if how == "cancel":
        with pytest.raises(RegistrationError):
            register_nodes(session, *pair, settings=LONG, progress=steer)
        assert pair[1].GetParentTransformNode() is None
    else:
        nodes = register_nodes(session, *pair, settings=LONG, progress=steer)
        assert pair[1].GetParentTransformNode() is nodes.transform
    assert session.asked == ""


def test_a_scene_that_closes_during_a_waiting_run_ends_it_with_a_reason(session: Session, pair: Any) -> None:
    with pytest.raises(RegistrationError, match="scene was closed"):
        register_nodes(session, *pair, settings=LONG, progress=lambda *_: slicer.mrmlScene.Clear(0))
    assert session.nodes is None
    assert not session.running


def test_no_image_is_kept_after_a_run_but_those_of_the_nodes(
    session: Session, loop: Loop, pair: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[Any] = []

    def spy(task: Any, report: Any) -> Any:
        done = perform(task, report)
        held.extend(weakref.ref(item) for item in (task.problem, done.arrays, done.result.derived, done.result.warped))
        return done

    monkeypatch.setattr("inr_registration.slicer.logic.session.perform", spy)
    session.start(Inputs(*pair), Outputs(), QUICK)
    loop.until(lambda: not session.running and not living() and not loop.ticks)
    gc.collect()
    assert [item() for item in held] == [None] * 4
    assert session.report_html().startswith("<!DOCTYPE html>")


def test_a_report_that_fails_does_not_cost_the_result(session: Session, pair: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inr_registration.slicer.logic.results.report_html", broken)
    nodes = session.run(Inputs(*pair), Outputs(), QUICK)
    assert pair[1].GetParentTransformNode() is nodes.transform
    assert session.report_html() is None
