"""The quality control's verdict and strain overlays in the panel."""

from __future__ import annotations

from pathlib import Path

import pytest
import slicer
from desk import Desk

from inr_registration.core import BLIND_SPOTS, Level, Verdict
from inr_registration.slicer.ui import COLOURS

REASONS = ("The discrepancy is 4 mm, above 3 mm.", "0.2 % of the voxels fold, above 0.1 %.")


def judged(desk: Desk, level: Level) -> None:
    desk.script.verdict = Verdict(level, REASONS)
    desk.pair()
    desk.run()


def colour_of(desk: Desk) -> str:
    return str(desk.ui.verdictColour.pixmap.toImage().pixelColor(3, 3).name())


@pytest.mark.parametrize("level", Level)
def test_the_verdict_is_a_word_a_colour_its_reasons_and_what_it_cannot_see(desk: Desk, level: Level) -> None:
    judged(desk, level)
    assert desk.shown(desk.ui.verdictBox)
    assert desk.ui.verdictLabel.text.startswith(level.name)
    assert all(reason in desk.ui.verdictReasons.text for reason in REASONS)
    assert BLIND_SPOTS in desk.ui.verdictBlindSpots.text
    assert desk.shown(desk.ui.verdictBlindSpots)
    assert colour_of(desk) == COLOURS[level]


def test_a_method_without_quality_control_shows_none(desk: Desk) -> None:
    judged(desk, Level.RED)
    desk.script.verdict = None
    desk.run()
    assert not desk.shown(desk.ui.verdictBox)


def test_the_verdict_is_shown_again_after_another_module_and_after_reopening(desk: Desk, tmp_path: Path) -> None:
    judged(desk, Level.AMBER)
    desk.leave()
    desk.open()
    assert desk.ui.verdictLabel.text.startswith("AMBER")
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    slicer.mrmlScene.Clear()
    assert not desk.shown(desk.ui.verdictBox)
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    desk.until(lambda: desk.shown(desk.ui.verdictBox))
    assert desk.ui.verdictLabel.text.startswith("AMBER")
    assert REASONS[0] in desk.ui.verdictReasons.text


def test_strain_overlays_are_offered_where_there_is_strain(desk: Desk) -> None:
    desk.pair()
    desk.run()
    assert not desk.shown(desk.ui.strainBox)
    desk.script.strain = True
    desk.run()
    assert desk.shown(desk.ui.strainBox)
    buttons = (desk.ui.strainRadialButton, desk.ui.strainCircumferentialButton, desk.ui.strainLongitudinalButton)
    for button in buttons:
        button.click()
        assert [other.checked for other in buttons] == [other is button for other in buttons]
    desk.ui.backButton.click()
    assert not any(button.checked for button in buttons)


def test_the_details_tell_the_verdict(desk: Desk) -> None:
    judged(desk, Level.RED)
    desk.ui.copyButton.click()
    assert f"quality control: RED: {REASONS[0]}" in slicer.app.clipboard().text()
