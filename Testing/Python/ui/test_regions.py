"""The walk through the folding regions: the table, the views, the ticks and the threshold."""

from __future__ import annotations

import pytest
import qt
import slicer
from desk import Desk
from scripted_engine import FOLDS, SQUEEZED

from inr_registration.core import Doubt
from inr_registration.slicer.scene import UNLISTED, read_regions
from inr_registration.slicer.ui import PAUSE_MS, REVIEWED
from inr_registration.slicer.ui import regions as regions_module


def cursor() -> list[float]:
    return list(slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode").GetCrosshairRAS())


def slice_centres() -> list[list[float]]:
    """Where the middle of each slice view is, RAS mm."""
    matrices = [node.GetSliceToRAS() for node in slicer.util.getNodesByClass("vtkMRMLSliceNode")]
    return [[matrix.GetElement(row, 3) for row in range(3)] for matrix in matrices]


def click_row(desk: Desk, row: int) -> None:
    desk.ui.foldingTable.setCurrentCell(row, 1)
    desk.ui.foldingTable.cellClicked.emit(row, 1)


def test_regions_are_listed_folding_first_and_by_volume(folded: Desk) -> None:
    cells = folded.cells(folded.ui.foldingTable)
    assert [row[:4] for row in cells] == [
        ["1", "folding", "768", "−0.10"],
        ["2", "folding", "96", "−0.50"],
        ["3", "compressed", "96", "0.25"],
    ]
    assert folded.ui.foldingSummary.text == "2 regions folding (det J of 0 or less). 1 region below 0.30. Reviewed: 0 of 3."


def test_a_click_goes_to_the_region(folded: Desk) -> None:
    for row, region in enumerate(read_regions(folded.session.nodes.regions)):
        click_row(folded, row)
        assert len(slice_centres()) == 3
        assert all(centre == pytest.approx(list(region.worst_ras)) for centre in slice_centres())
        assert cursor() == pytest.approx(list(region.worst_ras))


def shown_in_3d(desk: Desk) -> bool:
    display = desk.session.nodes.folding.GetDisplayNode()
    return display is not None and bool(display.GetVisibility() and display.GetVisibility3D())


def test_the_first_click_shows_the_regions_in_3d_and_later_ones_leave_that_to_the_user(folded: Desk) -> None:
    folding = folded.session.nodes.folding
    click_row(folded, 0)
    assert shown_in_3d(folded)
    assert folding.GetSegmentation().ContainsRepresentation("Closed surface")
    folding.GetDisplayNode().SetVisibility3D(0)
    click_row(folded, 1)
    assert not shown_in_3d(folded)


def test_regions_too_large_for_quick_surfaces_are_not_shown_unasked(folded: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regions_module, "MAX_VOXELS_3D", 10)
    click_row(folded, 0)
    assert not folded.session.nodes.folding.GetSegmentation().ContainsRepresentation("Closed surface")


def test_a_click_without_the_segmentation_still_goes_there(folded: Desk) -> None:
    slicer.mrmlScene.RemoveNode(folded.session.nodes.folding)
    click_row(folded, 1)
    assert cursor() == pytest.approx(list(read_regions(folded.session.nodes.regions)[1].worst_ras))


def test_a_long_list_is_cut_and_says_how_many_follow(folded: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regions_module, "MAX_ROWS", 2)
    folded.panel._show(folded.session.nodes)
    ui = folded.ui
    assert ui.foldingTable.rowCount == 2
    assert ui.foldingSummary.text.endswith("Reviewed: 0 of 3. The table lists the first 2; 1 smaller ones follow.")
    ui.nextRegionButton.click()
    ui.nextRegionButton.click()
    assert ui.foldingTable.currentRow() == 1
    assert not ui.nextRegionButton.enabled
    ui.foldingTable.item(1, REVIEWED).setCheckState(qt.Qt.Checked)
    assert "Reviewed: 1 of 3" in ui.foldingSummary.text


def test_next_and_previous_walk_through_the_table_and_stop_at_its_ends(folded: Desk) -> None:
    ui, regions = folded.ui, read_regions(folded.session.nodes.regions)
    assert not ui.previousRegionButton.enabled
    for row in range(3):
        assert ui.nextRegionButton.enabled
        ui.nextRegionButton.click()
        assert ui.foldingTable.currentRow() == row
        assert cursor() == pytest.approx(list(regions[row].worst_ras))
    assert not ui.nextRegionButton.enabled
    ui.previousRegionButton.click()
    assert ui.foldingTable.currentRow() == 1
    assert cursor() == pytest.approx(list(regions[1].worst_ras))


def test_a_tick_is_kept_in_the_table_node(folded: Desk) -> None:
    folded.ui.foldingTable.item(1, REVIEWED).setCheckState(qt.Qt.Checked)
    assert [region.reviewed for region in read_regions(folded.session.nodes.regions)] == [False, True, False]
    assert "Reviewed: 1 of 3" in folded.ui.foldingSummary.text
    folded.ui.foldingTable.item(1, REVIEWED).setCheckState(qt.Qt.Unchecked)
    assert "Reviewed: 0 of 3" in folded.ui.foldingSummary.text


def test_another_threshold_lists_other_regions_after_a_pause_and_keeps_the_ticks(folded: Desk) -> None:
    folded.ui.foldingTable.item(0, REVIEWED).setCheckState(qt.Qt.Checked)
    folded.ui.thresholdSpin.value = 0.2
    assert folded.ui.foldingTable.rowCount == 3, f"sought before the pause of {PAUSE_MS} ms"
    folded.until(lambda: folded.ui.foldingTable.rowCount == 2)
    assert folded.parameters.threshold == 0.2
    assert "Reviewed: 1 of 2" in folded.ui.foldingSummary.text
    assert folded.ui.foldingTable.item(0, REVIEWED).checkState() == qt.Qt.Checked


def test_without_folding_the_panel_says_so(desk: Desk) -> None:
    desk.pair()
    desk.run()
    assert desk.ui.foldingSummary.text.startswith("No folding: det J > 0 everywhere.")
    assert not desk.shown(desk.ui.foldingTable)
    assert not desk.ui.nextRegionButton.enabled


def test_compression_alone_is_not_called_folding(desk: Desk) -> None:
    desk.script.folds = [(SQUEEZED, 0.25)]
    desk.pair()
    desk.run()
    assert desk.ui.foldingSummary.text == "No folding: det J > 0 everywhere. 1 region below 0.30. Reviewed: 0 of 1."


def test_a_threshold_without_a_map_is_answered_in_words(folded: Desk) -> None:
    slicer.mrmlScene.RemoveNode(folded.session.nodes.jacobian)
    folded.ui.thresholdSpin.value = 0.1
    folded.until(lambda: "no longer in the scene" in folded.ui.statusLabel.text)
    assert folded.ui.foldingTable.rowCount == 3


def test_it_says_how_many_regions_are_too_many_to_be_kept(folded: Desk) -> None:
    folded.session.nodes.regions.SetAttribute(UNLISTED, "37 more are not listed.")
    click_row(folded, 1)
    assert "37 more are not listed." in folded.ui.foldingSummary.text


def test_places_where_nothing_speaks_for_the_map_are_listed_and_one_click_away_and_stay_with_another_threshold(desk: Desk) -> None:
    desk.script.doubts = (Doubt((-3.0, 4.0, 5.0), (-2.0, 4.0, 5.0), 2400.0, 80, (8.0, 9.0, 10.0), -0.1),)
    desk.script.folds = FOLDS
    desk.pair()
    desk.run()
    assert [row[1:4] for row in desk.cells(desk.ui.foldingTable)] == [
        ["folding", "768", "−0.10"],
        ["folding", "96", "−0.50"],
        ["no support", "2400", "–"],
        ["compressed", "96", "0.25"],
    ]
    assert "1 region where nothing speaks for the map." in desk.ui.foldingSummary.text
    click_row(desk, 2)
    assert cursor() == pytest.approx([3.0, -4.0, 5.0])
    assert "explain this place as well" in desk.ui.foldingTable.item(2, 1).toolTip()
    regions = desk.session.regions(0.1)
    assert [region.kind for region in regions].count("unsupported") == 1
