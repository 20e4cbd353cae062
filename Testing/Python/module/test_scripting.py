"""Registration from a script, as the Python console of Slicer has it, with the real engine."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import slicer
from blobs import QUICK, blob
from opened import Opened

from inr_registration.core import InputError, Outcome
from inr_registration.slicer.job import living


@pytest.fixture
def pair(opened: Opened) -> tuple[Any, Any]:  # noqa: ARG001 (it empties the scene)
    """Volumes that differ by a shift of (5, -3, 2) mm RAS."""
    return blob("fixed", (0, 0, 0)), blob("moving", (5, -3, 2))


def centre(transform: Any) -> tuple[float, ...]:
    """Where the middle of the fixed image is mapped to, RAS mm."""
    return transform.GetTransformFromParent().TransformPoint(0, 0, 0)


def test_a_script_waits_for_the_result(opened: Opened, pair: Any) -> None:
    heard: list[tuple[float, str]] = []
    nodes = opened.logic.register(*pair, settings=QUICK, progress=lambda share, phase: heard.append((share, phase)))
    assert pair[1].GetParentTransformNode() is nodes.transform
    assert centre(nodes.transform) == pytest.approx((5, -3, 2), abs=2)
    shares = [share for share, _phase in heard]
    assert shares == sorted(shares)
    assert shares[-1] > 0.9
    assert not opened.session.running


def test_a_script_is_called_back_and_the_application_stays_alive_meanwhile(opened: Opened, pair: Any) -> None:
    ended: list[Any] = []
    number = opened.logic.register(*pair, settings=QUICK, wait=False, finished=ended.append)
    assert number == 1
    assert opened.session.running
    opened.until(lambda: ended)
    assert ended[0].outcome is Outcome.ITERATION_LIMIT
    assert centre(ended[0].nodes.transform) == pytest.approx((5, -3, 2), abs=2)
    opened.until(lambda: not living())


def test_an_open_panel_shows_what_a_script_has_registered(opened: Opened, pair: Any) -> None:
    opened.enter()
    nodes = opened.logic.register(*pair, settings=QUICK)
    assert opened.ui.resultSelector.currentNode() is nodes.transform
    other = opened.logic.register(*pair, settings=QUICK)
    assert other.transform is not nodes.transform
    assert opened.ui.resultSelector.currentNode() is opened.session.nodes.transform is other.transform


def test_a_script_needs_no_main_window_and_no_panel(pair: Any) -> None:
    logic = sys.modules["INRRegistration"].INRRegistrationLogic()
    assert not hasattr(slicer.modules, "INRRegistrationWidget")
    assert logic.getParameterNode().preset == "auto"
    nodes = logic.register(*pair, settings=QUICK)
    assert slicer.util.arrayFromVolume(nodes.jacobian).min() > 0


def test_what_cannot_be_registered_is_refused_before_any_work(opened: Opened, pair: Any) -> None:
    with pytest.raises(InputError, match="'speed'"):
        opened.logic.register(*pair, speed="fast")
    with pytest.raises(InputError, match="'slow'"):
        opened.logic.register(*pair, preset="slow")
    with pytest.raises(InputError, match="fixed"):
        opened.logic.register(pair[0], pair[0], wait=False)
    assert not opened.session.running
    assert slicer.mrmlScene.GetFirstNodeByName("Folding") is None


def test_a_scene_that_closes_tells_the_script_that_waits_for_an_answer(opened: Opened, pair: Any) -> None:
    ended: list[Any] = []
    opened.logic.register(*pair, settings=QUICK, wait=False, finished=ended.append)
    slicer.mrmlScene.Clear()
    assert [one.outcome for one in ended] == [Outcome.CANCELLED]
    assert ended[0].nodes is None
    opened.until(lambda: not living())
    assert len(ended) == 1
