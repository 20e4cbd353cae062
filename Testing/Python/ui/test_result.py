"""Looking at a result: overlays, the readout, indicators, files and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import slicer
from desk import Desk
from scripted_engine import FOLDS

from inr_registration.slicer.ui import quality as quality_module

BUTTONS = {
    "blend": "blendButton",
    "checkerboard": "checkerboardButton",
    "jacobian": "jacobianButton",
    "uncertainty": "uncertaintyButton",
    "warp_grid": "warpGridButton",
    "difference": "differenceButton",
}


@pytest.mark.parametrize("mode", [mode for mode in BUTTONS if mode != "uncertainty"])
def test_an_overlay_is_on_while_its_button_is_pressed(folded: Desk, mode: str) -> None:
    button = getattr(folded.ui, BUTTONS[mode])
    button.click()
    assert [name for name, other in BUTTONS.items() if getattr(folded.ui, other).checked] == [mode]
    assert folded.ui.backButton.enabled
    button.click()
    assert not button.checked
    assert not folded.ui.backButton.enabled


def layers() -> list[tuple[Any, ...]]:
    nodes = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    return [(node.GetBackgroundVolumeID(), node.GetForegroundVolumeID(), node.GetForegroundOpacity()) for node in nodes]


def test_back_shows_the_views_as_they_were(folded: Desk) -> None:
    before = layers()
    folded.ui.jacobianButton.click()
    folded.ui.differenceButton.click()
    assert layers() != before
    folded.ui.backButton.click()
    assert layers() == before
    assert not folded.ui.differenceButton.checked


def test_an_overlay_that_cannot_be_shown_says_why(folded: Desk) -> None:
    assert not folded.ui.uncertaintyButton.enabled
    first, _, reason = folded.ui.uncertaintyButton.toolTip.partition("\n\n")
    assert "mm" in first
    assert reason


def test_a_method_with_uncertainty_can_show_it(desk: Desk) -> None:
    desk.script.uncertainty = True
    desk.pair()
    desk.run()
    assert desk.ui.uncertaintyButton.enabled
    desk.ui.uncertaintyButton.click()
    assert desk.ui.uncertaintyButton.checked


def test_the_map_is_read_at_the_cursor(folded: Desk) -> None:
    crosshair = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    idle = folded.ui.readoutLabel.text
    crosshair.SetCursorPositionRAS([0.0, 0.0, 20.0])
    said = folded.ui.readoutLabel.text
    assert "Moves 1.5 mm (L 1.5, A 0.0, S 0.0)" in said
    assert "det J 1.00" in said
    crosshair.SetCursorPositionRAS([900.0, 0.0, 0.0])
    assert folded.ui.readoutLabel.text == idle


def test_indicators_are_listed_before_and_after_with_what_they_mean(folded: Desk) -> None:
    cells = folded.cells(folded.ui.qualityTable)
    assert ["Similarity: Correlation", "0.5", "0.9"] in cells
    assert any(row[0].startswith("Folding") and row[1] == "–" and row[2].endswith("%") for row in cells)
    assert folded.ui.qualityTable.item(0, 0).toolTip() != ""
    assert "Not for clinical use" in folded.ui.disclaimerLabel.text


def test_the_quality_is_exported_as_csv(folded: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "q.csv"
    monkeypatch.setattr(quality_module, "ask_path", lambda *_: str(path))
    folded.ui.exportCsvButton.click()
    text = path.read_text(encoding="utf-8")
    assert "Similarity,Correlation,0.5,0.9" in text
    assert "Not for clinical use" in text
    assert str(path) in folded.ui.statusLabel.text


def test_a_file_that_cannot_be_written_is_said(folded: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality_module, "ask_path", lambda *_: str(tmp_path / "no folder" / "q.csv"))
    folded.ui.exportCsvButton.click()
    assert folded.ui.statusLabel.text.startswith("Could not write")


@pytest.mark.parametrize(("chosen", "written"), [("q", "q.csv"), ("q.csv", "q.csv"), ("q.txt", "q.txt")])
def test_a_file_gets_its_ending(folded: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: str, written: str) -> None:
    monkeypatch.setattr(quality_module, "ask_path", lambda *_: str(tmp_path / chosen))
    folded.ui.exportCsvButton.click()
    assert [path.name for path in tmp_path.iterdir()] == [written]


def test_giving_up_the_file_dialog_writes_nothing(folded: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality_module, "ask_path", lambda *_: "")
    before = folded.ui.statusLabel.text
    folded.ui.exportCsvButton.click()
    assert folded.ui.statusLabel.text == before


def test_the_report_is_the_page_of_the_command_line(folded: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r.html"
    monkeypatch.setattr(quality_module, "ask_path", lambda *_: str(path))
    folded.ui.exportReportButton.click()
    assert path.read_text(encoding="utf-8").lower().startswith("<!doctype html>")


def test_details_are_copied_as_text(folded: Desk) -> None:
    folded.ui.copyButton.click()
    text = slicer.app.clipboard().text()
    assert "device: CPU, 2 threads" in text
    assert '"correlation": [0.5, 0.9]' in text


def test_the_previous_result_comes_back_and_goes_again(desk: Desk) -> None:
    desk.pair()
    first = desk.run()
    ui = desk.ui
    ui.restoreButton.click()
    assert "no previous result" in ui.statusLabel.text
    for selector, node in ((ui.transformSelector, first.transform), (ui.jacobianSelector, first.jacobian)):
        selector.setCurrentNode(node)
    desk.script.folds = FOLDS
    desk.run()
    assert ui.foldingTable.rowCount == 3
    ui.restoreButton.click()
    assert "previous result is back" in ui.statusLabel.text
    assert ui.foldingSummary.text.startswith("No folding")
    ui.restoreButton.click()
    assert ui.foldingTable.rowCount == 3


def test_a_renamed_result_stays_as_it_is_shown(folded: Desk) -> None:
    folded.ui.nextRegionButton.click()
    folded.ui.jacobianButton.click()
    folded.session.nodes.transform.SetName("my result")
    assert folded.ui.foldingTable.currentRow() == 0
    assert folded.ui.jacobianButton.checked


def test_choosing_another_result_shows_that_one(folded: Desk) -> None:
    first = folded.session.nodes
    folded.script.folds = []
    folded.parameters.transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "another")
    folded.run()
    assert folded.ui.foldingTable.rowCount == 0
    folded.ui.resultSelector.setCurrentNode(first.transform)
    assert folded.session.nodes.transform is first.transform
    assert folded.ui.foldingTable.rowCount == 3


def test_a_deleted_result_is_not_replaced_by_another_one(folded: Desk) -> None:
    folded.script.folds = []
    second = folded.run()
    slicer.mrmlScene.RemoveNode(second.transform)
    assert folded.parameters.result is None
    assert folded.session.nodes is None
    assert folded.shown(folded.ui.resultSection)  # the first is still there to be chosen
    assert not folded.ui.blendButton.enabled
    assert "There is no result" in folded.ui.blendButton.toolTip


def test_a_deleted_table_leaves_the_rest_usable(folded: Desk) -> None:
    slicer.mrmlScene.RemoveNode(folded.session.nodes.regions)
    slicer.mrmlScene.RemoveNode(folded.session.nodes.quality)
    assert folded.ui.foldingTable.rowCount == 0
    assert folded.ui.qualityTable.rowCount == 0
    assert not folded.ui.exportCsvButton.enabled
    folded.ui.copyButton.click()
    assert slicer.app.clipboard().text() != ""


def test_only_transforms_that_are_results_can_be_chosen(folded: Desk) -> None:
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "something else")
    assert folded.ui.resultSelector.nodeCount() == 1
