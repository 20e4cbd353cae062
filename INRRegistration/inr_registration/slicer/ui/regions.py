"""The table of folding regions: where to look, one row a place."""

from __future__ import annotations

from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from inr_registration.core.errors import RegistrationError
from inr_registration.slicer.scene.navigate import jump, show_region_3d
from inr_registration.slicer.scene.regions_table import read_regions, set_reviewed
from inr_registration.slicer.scene.roles import UNLISTED
from inr_registration.slicer.ui import result_words as words
from inr_registration.slicer.ui.piece import Piece
from inr_registration.slicer.ui.tables import tidy

NEAREST, REVIEWED = 4, 5
"""Columns of the structures and of the check boxes."""
MAX_ROWS = 300
"""Regions in the table, the largest. A result that should not be trusted may have thousands."""
MAX_VOXELS_3D = 500_000
"""Of all regions together; the surfaces of more would keep the user waiting."""
PAUSE_MS = 400
"""How long the threshold rests before regions are sought again."""


class Regions(Piece):
    """Lists the regions of the result; a click, or previous and next, goes there."""

    def __init__(self, ui: Any, session: Any, say: Any) -> None:
        super().__init__(ui, session, say)
        self._regions: tuple[Any, ...] = ()
        self._nodes: Any = None
        self._threshold: float | None = None
        self._seen_3d = False
        self._pause = qt.QTimer()  # kept: a timer without an owner stops
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)

    def connect(self) -> None:
        ui = self.ui
        table = ui.foldingTable
        table.setColumnCount(6)
        table.setHorizontalHeaderLabels(words.region_columns())
        tidy(table)
        table.horizontalHeader().setSectionResizeMode(NEAREST, qt.QHeaderView.Stretch)
        self.wires.on(table, "cellClicked(int,int)", self._clicked)
        self.wires.on(table, "itemChanged(QTableWidgetItem*)", self._ticked)
        self.wires.on(ui.previousRegionButton, "clicked()", self._previous)
        self.wires.on(ui.nextRegionButton, "clicked()", self._next)
        self.wires.on(self._pause, "timeout()", self._search)

    def refresh(self) -> None:
        if self.parameters is None or self._nodes is None:
            return
        if self._threshold is None:
            self._threshold = self.parameters.threshold
        elif self._threshold != self.parameters.threshold:
            self._threshold = self.parameters.threshold
            self._pause.start()

    def show(self, nodes: Any) -> None:
        self._pause.stop()
        self._nodes, self._seen_3d = nodes, False
        self._threshold = None if self.parameters is None else self.parameters.threshold
        self._list(() if nodes is None or nodes.regions is None else read_regions(nodes.regions))

    def close(self) -> None:
        self._pause.stop()
        self._nodes = None
        super().close()

    def _search(self) -> None:
        """Regions for another threshold."""
        if self._nodes is not None and self.parameters is not None:
            try:
                with slicer.util.WaitCursor():
                    regions = self.session.regions(self.parameters.threshold)
            except RegistrationError as error:  # the det J volume is gone, say
                self.say(str(error))
                return
            self._list(regions)

    def _list(self, regions: tuple[Any, ...]) -> None:
        self._regions = tuple(regions)
        table = self.ui.foldingTable
        before = table.blockSignals(True)
        table.setRowCount(0)
        table.setRowCount(self._rows())
        for row, region in enumerate(self._regions[:MAX_ROWS]):
            self._fill(row, region)
        for column in (column for column in range(table.columnCount) if column != NEAREST):
            table.resizeColumnToContents(column)
        table.blockSignals(before)
        table.visible = bool(self._regions)
        self._state()

    def _rows(self) -> int:
        return min(len(self._regions), MAX_ROWS)

    def _fill(self, row: int, region: Any) -> None:
        table = self.ui.foldingTable
        for column, text in enumerate(words.region_cells(row + 1, region)):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(words.region_tip(region))
            table.setItem(row, column, item)
        tick = qt.QTableWidgetItem("")
        tick.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable | qt.Qt.ItemIsUserCheckable)
        tick.setCheckState(qt.Qt.Checked if region.reviewed else qt.Qt.Unchecked)
        tick.setToolTip(_("Tick a region once you have looked at it. Kept in the saved scene."))
        table.setItem(row, REVIEWED, tick)

    def _state(self) -> None:
        row, last = self.ui.foldingTable.currentRow(), self._rows() - 1
        self.ui.previousRegionButton.enabled = row > 0
        self.ui.nextRegionButton.enabled = row < last
        threshold = 0.0 if self.parameters is None else self.parameters.threshold
        summary = "" if self._nodes is None else words.regions_summary(self._regions, threshold, self._rows())
        self.ui.foldingSummary.text = f"{summary} {self._unlisted()}".strip()

    def _unlisted(self) -> str:
        """What the table node says of regions that are too many to be kept."""
        table = None if self._nodes is None else self._nodes.regions
        return "" if table is None else table.GetAttribute(UNLISTED) or ""

    def _clicked(self, row: int, _column: int) -> None:
        self._go(row)

    def _previous(self) -> None:
        self._go(self.ui.foldingTable.currentRow() - 1)

    def _next(self) -> None:
        self._go(self.ui.foldingTable.currentRow() + 1)

    def _go(self, row: int) -> None:
        if 0 <= row < self._rows():
            if self.ui.foldingTable.currentRow() != row:
                self.ui.foldingTable.setCurrentCell(row, 0)
            self._show_3d()
            jump(slicer.mrmlScene, self._regions[row].worst_ras)
            self._state()

    def _show_3d(self) -> None:
        """Show all regions in the 3D views, once for each result: who hides them then does so for a reason."""
        if self._seen_3d or self._nodes is None or self._nodes.folding is None:
            return
        self._seen_3d = True
        if sum(region.voxels for region in self._regions) <= MAX_VOXELS_3D:
            with slicer.util.WaitCursor():
                show_region_3d(self._nodes.folding)

    def _ticked(self, item: Any) -> None:
        if item.column() != REVIEWED or self._nodes is None or self._nodes.regions is None:
            return
        set_reviewed(self._nodes.regions, item.row(), item.checkState() == qt.Qt.Checked)
        self._regions = read_regions(self._nodes.regions)
        self._state()
