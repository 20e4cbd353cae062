"""The module as the application has it: loaded, opened, reloaded, unloaded."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
from blobs import blob
from PySide6.QtCore import QCoreApplication, QEvent
from stand_in.environment import unload_scripted_module

import stand_in
from inr_registration.slicer.job import living

NAME = "INRRegistration"
LIBRARY = "inr_registration"
ROOT = Path(__file__).resolve().parents[3]
FILE = ROOT / "INRRegistration" / "INRRegistration.py"


class Opened:
    """What a test needs to play the application.

    Attributes:
        module: ``slicer.modules.inrregistration``.
    """

    def __init__(self) -> None:
        slicer.mrmlScene.Clear()
        stand_in.slot_errors.clear()
        stand_in.failed_connections.clear()
        self._library = library_modules()
        self.module = stand_in.load_scripted_module(str(FILE))

    @property
    def widget(self) -> Any:
        """The ``INRRegistrationWidget`` of now; made at the first call."""
        return self.module.widgetRepresentation().self()

    @property
    def logic(self) -> Any:
        """As scripts get it."""
        return slicer.util.getModuleLogic(NAME)

    @property
    def ui(self) -> Any:
        """The widgets of the panel of now."""
        return self.widget.ui

    @property
    def session(self) -> Any:
        """The session of now."""
        return self.widget.logic.session

    def enter(self) -> None:
        """Open the module as a user does."""
        slicer.util.selectModule(NAME)

    def leave(self) -> None:
        """Go to another module."""
        slicer.util.selectModule("Data")

    def pair(self) -> tuple[Any, Any]:
        """Add two volumes and choose them."""
        fixed, moving = blob("fixed", (0, 0, 0)), blob("moving", (5, -3, 2))
        self.ui.fixedSelector.setCurrentNode(fixed)
        self.ui.movingSelector.setCurrentNode(moving)
        return fixed, moving

    def start(self) -> None:
        """Click Register and wait until the fit goes on."""
        self.ui.registerButton.click()
        assert self.session.running, self.ui.statusLabel.text
        self.until(lambda: "Deforming" in self.ui.phaseLabel.text)

    def until(self, condition: Callable[[], object], seconds: float = 60.0) -> None:
        """Let the application go on until something holds."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"it did not come true; errors: {stand_in.slot_errors}"
            slicer.app.processEvents()
            time.sleep(0.001)

    def idle(self, seconds: float = 0.1) -> None:
        """Let the application go on for a while."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= end)
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # for which Qt waits until a running event loop is there

    def end(self) -> None:
        """Unload the module as the application does when it quits, and put back the library that the other tests know."""
        if hasattr(slicer.modules, NAME.lower()):
            unload_scripted_module(NAME)
        self.until(lambda: not living())
        slicer.mrmlScene.Clear()
        for name in library_modules():
            del sys.modules[name]
        sys.modules.update(self._library)


def observers_of(subject: Any) -> int:
    """How many observers a VTK object has."""
    return str(subject).count("vtkObserver (")


def library_modules() -> dict[str, Any]:
    """Every imported module of the library by name."""
    return {name: module for name, module in sys.modules.items() if name.partition(".")[0] == LIBRARY}
