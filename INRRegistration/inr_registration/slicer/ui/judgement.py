"""The quality control's verdict: its colour and word, the reasons, and right beside them what it cannot see; and a bad ending."""

from __future__ import annotations

from typing import Any

import qt

from inr_registration.core.verdict import Level
from inr_registration.slicer.scene.store import run_description, verdict_of
from inr_registration.slicer.ui import result_words as words
from inr_registration.slicer.ui.piece import Piece

COLOURS = {Level.GREEN: "#1a7f5a", Level.AMBER: "#d98200", Level.RED: "#b3261e"}
SIDE = 18
"""Of the coloured square, pixels."""


class Judgement(Piece):
    """Hidden where the method has no quality control. The colour is never the only sign: the word stands beside it."""

    def connect(self) -> None:
        self.ui.verdictBox.visible = self.ui.endingWarning.visible = False

    def show(self, nodes: Any) -> None:
        warning = "" if nodes is None else words.ending_warning(str(run_description(nodes).get("outcome", "")))
        self.ui.endingWarning.text = warning
        self.ui.endingWarning.visible = bool(warning)
        ui, verdict = self.ui, None if nodes is None else verdict_of(nodes)
        ui.verdictBox.visible = verdict is not None
        if verdict is None:
            return
        square = qt.QPixmap(SIDE, SIDE)
        square.fill(qt.QColor(COLOURS[verdict.level]))
        ui.verdictColour.setPixmap(square)
        ui.verdictLabel.text = words.level(verdict.level)
        ui.verdictReasons.text = "\n".join(f"• {reason}" for reason in verdict.reasons)
        ui.verdictReasons.visible = bool(verdict.reasons)
        ui.verdictBlindSpots.text = words.blind_spots(verdict.blind_spots)
