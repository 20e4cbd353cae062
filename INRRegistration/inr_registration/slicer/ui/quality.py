"""The table of indicators, and what can be taken away from a result: files, a text, the way back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from inr_registration.slicer.logic.results import details_of
from inr_registration.slicer.scene.quality import to_csv
from inr_registration.slicer.scene.quality_table import read_table
from inr_registration.slicer.ui import result_words as words
from inr_registration.slicer.ui.piece import Piece
from inr_registration.slicer.ui.tables import tidy
from inr_registration.slicer.ui.words import copied


class Quality(Piece):
    """Shows indicators before and after, with notes.

    Args:
        changed: Called when the nodes of the result hold something else.
    """

    def __init__(self, ui: Any, session: Any, say: Any, changed: Callable[[], None]) -> None:
        super().__init__(ui, session, say)
        self._changed = changed
        self._nodes: Any = None
        self._tables: Any = None

    def connect(self) -> None:
        ui = self.ui
        table = ui.qualityTable
        table.setColumnCount(3)
        table.setHorizontalHeaderLabels([_("Indicator"), _("Before"), _("After")])
        tidy(table)
        table.horizontalHeader().setSectionResizeMode(0, qt.QHeaderView.Stretch)
        self.wires.on(ui.exportCsvButton, "clicked()", self._export_csv)
        self.wires.on(ui.exportReportButton, "clicked()", self._export_report)
        self.wires.on(ui.restoreButton, "clicked()", self._restore)
        self.wires.on(ui.copyButton, "clicked()", self._copy)

    def refresh(self) -> None:
        there, idle = self._nodes is not None, not self.session.running
        self.ui.exportCsvButton.enabled = self._tables is not None
        self.ui.copyButton.enabled = there
        self.ui.restoreButton.enabled = there and idle
        self.ui.exportReportButton.enabled = there and idle

    def show(self, nodes: Any) -> None:
        self._nodes = nodes
        self._tables = None if nodes is None or nodes.quality is None else read_table(nodes.quality)
        self._list()
        self.refresh()

    def close(self) -> None:
        self._nodes = self._tables = None
        super().close()

    def _list(self) -> None:
        rows = [] if self._tables is None else words.quality_rows(self._tables)
        table = self.ui.qualityTable
        table.setRowCount(0)
        table.setRowCount(len(rows))
        for row, (cells, meaning) in enumerate(rows):
            for column, text in enumerate(cells):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(meaning or cells[0])
                table.setItem(row, column, item)
        table.resizeColumnToContents(1)
        table.resizeColumnToContents(2)
        notes = () if self._tables is None else self._tables.notes
        self.ui.qualityNotes.text = "\n".join(notes)
        self.ui.qualityNotes.visible = bool(notes)

    def _export_csv(self) -> None:
        if self._tables is not None:
            self._save(_("Export quality"), "quality.csv", _("Comma-separated text (*.csv)"), to_csv(self._tables))

    def _export_report(self) -> None:
        with slicer.util.WaitCursor():
            page = self.session.report_html()
        if page is None:
            self.say(_("The report shows the images of a run. Those of this result are no longer in memory: register again to export one."))
        else:
            self._save(_("Export report"), "report.html", _("Web page (*.html)"), page)

    def _save(self, title: str, name: str, kinds: str, text: str) -> None:
        """Ask where to, and write; what went wrong is said in the status line."""
        path = with_suffix(ask_path(title, name, kinds), Path(name).suffix)
        if not path:
            return
        try:
            Path(path).write_text(text, encoding="utf-8", newline="")
        except OSError as error:
            self.say(_("Could not write {path}: {error}").format(path=path, error=error.strerror or error))
            return
        self.say(_("Saved {path}.").format(path=path))

    def _restore(self) -> None:
        if self.session.restore_previous():
            self._changed()
            self.say(_("The previous result is back. Click again for the newer one."))
        else:
            self.say(_("There is no previous result: this run made new nodes."))

    def _copy(self) -> None:
        """Those of the run, where it was the latest one; else what the scene remembers of it."""
        latest = self.session.latest
        known = latest is not None and latest.nodes.transform is self._nodes.transform
        slicer.app.clipboard().setText(latest.details if known else details_of(self._nodes, self._tables))
        self.say(copied(latest.log if known else None))


def ask_path(title: str, name: str, kinds: str) -> str:
    """Where to save; empty where the user gave up. In a test run nobody can answer, so it is empty too."""
    if slicer.app.testingEnabled():
        return ""
    folder = slicer.mrmlScene.GetRootDirectory() or ""
    return str(qt.QFileDialog.getSaveFileName(slicer.util.mainWindow(), title, str(Path(folder) / name), kinds) or "")


def with_suffix(path: str, suffix: str) -> str:
    """A path with an ending: not every system's dialog adds it."""
    return path if not path or Path(path).suffix else path + suffix
