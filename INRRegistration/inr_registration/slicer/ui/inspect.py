"""Looking at a result: the overlay buttons and what the map does at the cursor."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from inr_registration.core.measures import MAPS
from inr_registration.slicer.scene.overlays import Overlays
from inr_registration.slicer.scene.readout import read_at
from inr_registration.slicer.ui.piece import Piece
from inr_registration.slicer.ui.result_words import readout as readout_words
from inr_registration.slicer.ui.words import with_reason


class Inspect(Piece):
    """One button for each overlay: pressed while it is shown; pressed again, the views are as they were before.

    Args:
        icons: Folder of the icons.
    """

    def __init__(self, ui: Any, session: Any, say: Any, icons: Path) -> None:
        super().__init__(ui, session, say)
        self._icons = icons
        self._nodes: Any = None
        self._overlays = Overlays(slicer.mrmlScene)

    def connect(self) -> None:
        ui = self.ui
        buttons = {
            "blend": ui.blendButton,
            "checkerboard": ui.checkerboardButton,
            "jacobian": ui.jacobianButton,
            "uncertainty": ui.uncertaintyButton,
            "warp_grid": ui.warpGridButton,
            "difference": ui.differenceButton,
        }
        strain = {
            "strain_radial": ui.strainRadialButton,
            "strain_circumferential": ui.strainCircumferentialButton,
            "strain_longitudinal": ui.strainLongitudinalButton,
        }
        self._buttons = {mode: (button, button.toolTip) for mode, button in {**buttons, **strain}.items()}
        self._idle = ui.readoutLabel.text
        for mode, (button, _tip) in self._buttons.items():
            if mode in buttons:  # the others have a text only
                button.setIcon(qt.QIcon(str(self._icons / f"{mode}.png")))
            self.wires.on(button, "clicked()", partial(self._clicked, mode))
        ui.backButton.setIcon(qt.QIcon(str(self._icons / "reset.png")))
        self.wires.on(ui.backButton, "clicked()", self.back)
        crosshair = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
        if crosshair is not None:
            self.wires.observe(crosshair, slicer.vtkMRMLCrosshairNode.CursorPositionModifiedEvent, self._moved)

    def refresh(self) -> None:
        for mode, (button, tip) in self._buttons.items():
            reason = _("There is no result yet.") if self._nodes is None else self._overlays.available(mode, self._nodes)
            button.enabled = not reason
            button.toolTip = with_reason(tip, reason)
            button.checked = self._overlays.current == mode
        self.ui.strainBox.visible = self._nodes is not None and any(getattr(self._nodes, name) is not None for name in MAPS)
        self.ui.backButton.enabled = self._overlays.current is not None

    def show(self, nodes: Any) -> None:
        """Another result: an overlay of the former one goes on with this one, or goes."""
        self._nodes = nodes
        self.ui.readoutLabel.text = self._idle
        mode = self._overlays.current
        if mode is not None:
            if nodes is not None and not self._overlays.available(mode, nodes):
                self._overlays.show(mode, nodes)
            else:
                self._overlays.reset()
        self.refresh()

    def back(self) -> None:
        """The slice views as they were before the overlay."""
        self._overlays.reset()
        self.refresh()

    def close(self) -> None:
        self._nodes = None
        self._overlays.close()
        super().close()

    def _clicked(self, mode: str) -> None:
        if self._nodes is not None and self._overlays.current != mode:
            self._overlays.show(mode, self._nodes)
        else:
            self._overlays.reset()
        self.refresh()

    def _moved(self, crosshair: Any, _event: str) -> None:
        if self._nodes is None or self.parameters is None or slicer.mrmlScene.IsClosing():
            return  # also while another module is open
        position = [0.0, 0.0, 0.0]
        inside = crosshair.GetCursorPositionRAS(position)
        readout = read_at(self._nodes, position) if inside else None
        self.ui.readoutLabel.text = self._idle if readout is None else readout_words(readout)
