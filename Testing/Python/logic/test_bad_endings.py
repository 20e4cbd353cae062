"""Whatever ends a run badly, the scene is as it was: every node, what it holds and when it was last changed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import slicer
from blobs import LONG, QUICK, blob
from loops import Loop
from snapshots import differences, snapshot

from inr_registration.core import Affine, InputError, Outcome, RegistrationError, Result, Settings, Stage
from inr_registration.slicer.job import living
from inr_registration.slicer.logic import Ended, Progressed, Session, perform
from inr_registration.slicer.scene import Inputs
from inr_registration.slicer.scene.outputs import Outputs

REGISTER = "inr_registration.app.registration.register"
SURE = Settings(stages=(Stage(2, 6, 0.8),), affine=Affine("rigid", iterations=5), uncertainty="auto")
"""Goes through all phases; to be cancelled in one of them."""
OTHER = replace(QUICK, stages=(Stage(2, 3, 0.8),))
"""Gives another result."""


class Furnished:
    """A scene with all that a run may touch: a moved pair, landmarks, structures, a parameter node and a result of a former run."""

    def __init__(self, session: Session, pair: Any) -> None:
        fixed, moving = pair
        scene = slicer.mrmlScene
        above = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "above")
        fixed.SetAndObserveTransformNodeID(above.GetID())
        points = [scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name) for name in ("fixed points", "moving points")]
        for node in points:
            for place in ((0, 0, 0), (5, 5, 5), (-5, 0, 5)):
                node.AddControlPoint(*place)
        scene.AddNode(slicer.vtkMRMLScriptedModuleNode()).SetParameter("fixed", fixed.GetID())
        self.inputs = Inputs(fixed, moving, fixed_landmarks=points[0], moving_landmarks=points[1])
        self.result = session.run(self.inputs, Outputs(), QUICK)
        self.update = Outputs(self.result.transform, self.result.warped, self.result.jacobian)


@pytest.fixture
def furnished(session: Session, pair: Any) -> Furnished:
    return Furnished(session, pair)


def ended(heard: list[Any]) -> Ended:
    (found,) = [event for event in heard if isinstance(event, Ended)]
    return found


def ends_without_a_trace(session: Session, loop: Loop, furnished: Furnished, settings: Settings, then: Callable[[], object]) -> None:
    """Run into the nodes of the former result until the thread has gone too, and compare; ``then`` is called after the start."""
    nodes, before = session.nodes, snapshot()
    session.start(furnished.inputs, furnished.update, settings)
    then()
    loop.until(lambda: not session.running and not living() and not loop.ticks)
    assert differences(before, snapshot()) == []
    assert session.nodes is nodes, "the former result is still there to be looked at"


def test_a_snapshot_sees_what_changes(furnished: Furnished) -> None:
    before = snapshot()
    assert differences(before, snapshot()) == [], "looking changes nothing"
    slicer.util.arrayFromVolume(furnished.inputs.moving)[3, 3, 3] += 1  # without a word
    furnished.result.transform.SetAttribute("a", "b")
    extra = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode", "extra")
    furnished.inputs.fixed.SetAndObserveTransformNodeID(None)
    seen = "\n".join(differences(before, snapshot()))
    for sign in (f"{furnished.inputs.moving.GetID()} content", "Node1 attributes", f"new: {extra.GetID()}", "references"):
        assert sign in seen
    assert f"{furnished.inputs.fixed.GetID()} changed" in seen


def test_a_run_that_is_cancelled_before_its_thread_has_begun_leaves_no_trace(
    session: Session, loop: Loop, heard: list[Any], furnished: Furnished
) -> None:
    heard.clear()
    ends_without_a_trace(session, loop, furnished, SURE, session.cancel)
    assert ended(heard).outcome is Outcome.CANCELLED


@pytest.mark.parametrize("phase", ["prepare", "affine", "fit", "finish", "uncertainty"])
def test_a_run_that_is_cancelled_in_any_phase_leaves_no_trace(
    session: Session, loop: Loop, heard: list[Any], furnished: Furnished, monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    reached, go_on = threading.Event(), threading.Event()
    told: list[str] = []
    made: list[str] = []

    def held(task: Any, report: Any) -> Any:
        def held_report(progress: Any) -> Any:
            told.append(progress.phase)
            if progress.phase == phase and not reached.is_set():
                reached.set()
                assert go_on.wait(60)
            return report(progress)

        return perform(task, held_report)

    def cancel() -> None:
        loop.until(reached.is_set)
        session.cancel()
        go_on.set()

    heard.clear()
    monkeypatch.setattr("inr_registration.slicer.logic.session.perform", held)
    monkeypatch.setattr("inr_registration.slicer.logic.work.scene_arrays", lambda *_: made.append("arrays"))
    ends_without_a_trace(session, loop, furnished, QUICK if phase == "finish" else SURE, cancel)
    assert ended(heard).outcome is Outcome.CANCELLED
    assert len(told) - told.index(phase) <= 2, "the thread ends at this report, or at the next one"
    assert made == [], "nobody would look at them"


@pytest.mark.parametrize("error", [ValueError("the sky fell"), InputError("device 'cuda' was asked for"), MemoryError(), SystemExit(3)])
def test_an_error_of_the_engine_leaves_no_trace(
    session: Session, loop: Loop, heard: list[Any], furnished: Furnished, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(*_: Any) -> None:
        raise error

    heard.clear()
    monkeypatch.setattr(REGISTER, fail)
    ends_without_a_trace(session, loop, furnished, QUICK, lambda: None)
    assert ended(heard).outcome is None


@pytest.mark.parametrize("outcome", [Outcome.DIVERGED, Outcome.OUT_OF_MEMORY, Outcome.CANCELLED])
def test_an_ending_without_a_result_leaves_no_trace(
    session: Session, loop: Loop, heard: list[Any], furnished: Furnished, monkeypatch: pytest.MonkeyPatch, outcome: Outcome
) -> None:
    heard.clear()
    monkeypatch.setattr(REGISTER, lambda *_: Result(outcome, outcome.value, {}))
    ends_without_a_trace(session, loop, furnished, QUICK, lambda: None)
    assert ended(heard).outcome is outcome
    assert outcome.name in ended(heard).details


def test_a_session_that_is_closed_leaves_no_trace(session: Session, loop: Loop, heard: list[Any], furnished: Furnished) -> None:
    heard.clear()
    before = snapshot()
    session.start(furnished.inputs, furnished.update, LONG)
    loop.until(lambda: any(isinstance(event, Progressed) and event.progress.phase == "fit" for event in heard))
    session.close()
    loop.until(lambda: not living())
    assert differences(before, snapshot()) == []


def test_a_refused_run_leaves_no_trace(session: Session, furnished: Furnished) -> None:
    constant = blob("constant", (0, 0, 0))
    slicer.util.updateVolumeFromArray(constant, np.ones((24, 24, 24), np.float32))
    before = snapshot()
    with pytest.raises(InputError, match="constant image"):
        session.start(Inputs(furnished.inputs.fixed, constant), furnished.update, QUICK)
    with pytest.raises(InputError, match="is an input"):
        session.start(furnished.inputs, Outputs(warped=furnished.inputs.moving), QUICK)
    assert differences(before, snapshot()) == []


def test_a_waiting_run_that_fails_leaves_no_trace(session: Session, furnished: Furnished) -> None:
    before = snapshot()

    def cancel(_share: float, phase: str) -> None:
        if phase == "fit":
            session.cancel()

    with pytest.raises(RegistrationError):
        session.run(furnished.inputs, furnished.update, LONG, progress=cancel)
    assert differences(before, snapshot()) == []


STEPS = ("place", "_fill_volume", "write_table", "_file")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("update", [False, True], ids=["into new nodes", "into the nodes of a result"])
def test_a_result_that_cannot_be_put_into_the_scene_is_not_there_by_half(
    session: Session, furnished: Furnished, monkeypatch: pytest.MonkeyPatch, step: str, update: bool
) -> None:
    from inr_registration.slicer.scene import write as module

    real = getattr(module, step)

    def fail(*given: Any, **named: Any) -> None:
        real(*given, **named)
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(module, step, fail)
    before = unchanging(snapshot())
    with pytest.raises(ZeroDivisionError):
        session.run(furnished.inputs, furnished.update if update else Outputs(), OTHER)
    assert differences(before, unchanging(snapshot())) == []


def unchanging(seen: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Without times: what was put back has been touched. References that were never used may appear as empty."""
    kept = {key: {part: value for part, value in parts.items() if part != "changed"} for key, parts in seen.items()}
    for parts in kept.values():
        if "references" in parts:
            parts["references"] = {role: ids for role, ids in parts["references"].items() if ids}
    return kept
