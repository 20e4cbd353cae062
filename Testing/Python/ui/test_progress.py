"""What is shown while a run goes on: the bar, the words and the curve."""

from __future__ import annotations

from typing import Any

import pytest
import qt
import slicer
from desk import Desk

from inr_registration.core import Progress
from inr_registration.slicer.logic import Progressed, Started
from inr_registration.slicer.ui import run as run_module
from inr_registration.slicer.ui import words


def colours(pixmap: Any) -> set[str]:
    image = pixmap.toImage()
    return {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}


def test_progress_time_left_and_the_curve_are_shown(desk: Desk) -> None:
    desk.pair()
    desk.start()
    desk.until(lambda: desk.ui.progressBar.value > 300)
    assert "level" in desk.ui.phaseLabel.text
    assert "s left" in desk.ui.phaseLabel.text
    line = desk.ui.curveLabel.palette.color(qt.QPalette.Highlight).name()
    desk.until(lambda: line in colours(desk.ui.curveLabel.pixmap))


def test_the_bar_tells_only_that_something_is_done_while_pytorch_loads(desk: Desk) -> None:
    desk.pair()
    desk.ui.registerButton.click()
    bar = desk.ui.progressBar
    assert (bar.minimum, bar.maximum) == (0, 0)
    desk.until(lambda: "Deforming" in desk.ui.phaseLabel.text)
    assert bar.maximum == run_module.WHOLE
    for phase, maximum in (("load", 0), ("wait", 0), ("prepare", run_module.WHOLE)):
        desk.panel._run.heard(Progressed(Progress(phase, 0.0, 0.1), ()))
        assert bar.maximum == maximum, phase


def test_a_run_that_ends_while_it_waits_leaves_no_busy_bar(desk: Desk) -> None:
    desk.pair()
    desk.ui.registerButton.click()
    desk.ui.cancelButton.click()
    desk.until(lambda: not desk.session.running)
    assert desk.ui.progressBar.maximum == run_module.WHOLE


def test_the_curve_fills_the_panel_also_when_that_becomes_wider(desk: Desk) -> None:
    desk.pair()
    desk.start()
    desk.form.show()
    for width in (430, 700):
        desk.form.resize(width, 900)
        slicer.app.processEvents()
        assert desk.ui.curveLabel.width > width - 30
        assert desk.ui.curveLabel.scaledContents
    desk.until(lambda: desk.ui.curveLabel.pixmap.width() > 670)
    desk.form.hide()


def test_a_finer_level_begins_a_new_line_of_the_curve(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[list[int]] = []
    monkeypatch.setattr(run_module, "PAUSE_S", -1.0)
    monkeypatch.setattr(run_module, "picture", lambda _, starts, *__: drawn.append(list(starts)) or qt.QPixmap(10, 10))
    heard = desk.panel._run.heard
    heard(Started(1))
    curve = (3.0, 2.0, 1.0)
    heard(Progressed(Progress("fit", 0.2, 1.0, 0, 2), curve))
    heard(Progressed(Progress("fit", 0.5, 2.0, 1, 2), (*curve, 0.9, 4.0, 2.0)))
    heard(Progressed(Progress("finish", 0.9, 3.0, 0, 1), (*curve, 0.9, 4.0, 2.0)))
    assert drawn == [[], [], [4], [4]]


@pytest.mark.parametrize(
    ("progress", "said"),
    [
        (Progress("load", 0.0, 0.1), "Loading PyTorch (first time only)..."),
        (Progress("affine", 0.01, 1.0), "Aligning (linear part)"),
        (Progress("fit", 0.5, 30.0, 1, 4), "Deforming, level 2 of 4 – about 30 s left"),
        (Progress("fit", 0.25, 100.0, 0, 3), "Deforming, level 1 of 3 – about 5 min left"),
        (Progress("finish", 0.99, 100.0), "Preparing the result"),
        (Progress("wait", 0.0, 0.0), "Waiting for the earlier run to end..."),
    ],
)
def test_a_phase_is_said_in_words(progress: Progress, said: str) -> None:
    assert words.phase(progress) == said
