"""A panel as a user has it before them: the real form, the real scene, the real session, and an engine that follows a script."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import qt
import slicer
from scripted_engine import Script

from inr_registration.core import Grid, Volume
from inr_registration.slicer.logic import Session
from inr_registration.slicer.scene import volume_node
from inr_registration.slicer.ui import INRRegistrationParameterNode, Panel

FORMS = Path(__file__).resolve().parents[3] / "INRRegistration" / "Resources" / "UI"
GRID = Grid.from_geometry((24, 20, 16), [2.0, 2.0, 3.0], [-24.0, -20.0, -24.0], np.eye(3))


def make_timer(tick: Callable[[], None]) -> Any:
    """As the module's file makes it."""
    timer = qt.QTimer()
    timer.setInterval(0)
    timer.connect("timeout()", tick)
    return timer


class Desk:
    """What a test needs to play a user.

    Attributes:
        ui: The widgets by name.
        panel: The panel.
        session: The logic's session.
        script: What the engine does.
    """

    def __init__(self, script: Script, logs: Path | None = None) -> None:
        self.script = script
        self.form = slicer.util.loadUI(str(FORMS / "INRRegistration.ui"))
        self.ui = slicer.util.childWidgetVariables(self.form)
        self.form.setMRMLScene(slicer.mrmlScene)
        self.session = Session(make_timer, logs)
        self.panel = Panel(self.ui, self.session, str(FORMS))
        self.entered = False
        scene = slicer.mrmlScene
        self._tags = [scene.AddObserver(scene.StartCloseEvent, self._closing), scene.AddObserver(scene.EndCloseEvent, self._closed)]
        self.open()

    @property
    def parameters(self) -> Any:
        """The parameter node that the panel shows."""
        return self.panel.parameters

    def open(self) -> None:
        """Enter the module."""
        self.entered = True
        self.panel.set_parameters(INRRegistrationParameterNode(parameter_node()))

    def leave(self) -> None:
        """Go to another module."""
        self.entered = False
        self.panel.set_parameters(None)

    def _closing(self, *_: object) -> None:
        """As the module's onSceneStartClose."""
        self.session.abandon()
        self.panel.set_parameters(None)

    def _closed(self, *_: object) -> None:
        """As the module's onSceneEndClose."""
        if self.entered:
            self.open()

    def shut(self) -> None:
        """As the module's cleanup."""
        for tag in self._tags:
            slicer.mrmlScene.RemoveObserver(tag)
        self.script.finish.set()
        self.session.close()
        self.panel.close()
        self.form.delete()

    def volume(self, name: str, seed: int = 0, grid: Grid = GRID) -> Any:
        """Add a volume to the scene."""
        values = np.random.default_rng(seed).normal(100.0, 20.0, grid.shape).astype(np.float32)
        return volume_node(slicer.mrmlScene, Volume(values, grid, name), name)

    def pair(self) -> tuple[Any, Any]:
        """Add two volumes and choose them."""
        fixed, moving = self.volume("A", 1), self.volume("B", 2)
        self.ui.fixedSelector.setCurrentNode(fixed)
        self.ui.movingSelector.setCurrentNode(moving)
        return fixed, moving

    def pick(self, combo: Any, name: str) -> None:
        """Choose an entry by the name it stands for, as a user does."""
        row = combo.findData(name)
        assert row >= 0, f"{combo.objectName} has no entry {name}"
        combo.setCurrentIndex(row)
        combo.activated.emit(row)

    def until(self, condition: Callable[[], object], seconds: float = 20.0) -> None:
        """Let the application go on until something holds."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"it did not come true; status: {self.ui.statusLabel.text!r}"
            slicer.app.processEvents()
            time.sleep(0.001)

    def start(self) -> None:
        """Click Register and wait until the fit goes on."""
        self.ui.registerButton.click()
        assert self.session.running, self.ui.statusLabel.text
        self.until(lambda: "Deforming" in self.ui.phaseLabel.text)

    def run(self) -> Any:
        """Register from the click to the result."""
        self.script.finish.clear()
        self.start()
        self.script.finish.set()
        self.until(lambda: not self.session.running)
        return self.session.nodes

    def cells(self, table: Any) -> list[list[str]]:
        """Texts of a table."""
        return [[table.item(row, column).text() for column in range(table.columnCount)] for row in range(table.rowCount)]

    def shown(self, widget: Any) -> bool:
        """Whether a widget is shown once the panel is."""
        return bool(widget.isVisibleTo(self.form))

    def save_picture(self, path: Path, width: int = 480) -> None:
        """Draw the panel into a PNG."""
        self.form.resize(width, 100)
        self.form.show()
        slicer.app.processEvents()
        self.form.resize(width, self.form.sizeHint.height())
        slicer.app.processEvents()
        assert self.form.grab().save(str(path))
        self.form.hide()


def parameter_node() -> Any:
    """The module's parameter node, as ``ScriptedLoadableModuleLogic.getParameterNode`` makes it."""
    scene = slicer.mrmlScene
    node = scene.GetSingletonNode("INRRegistration", "vtkMRMLScriptedModuleNode")
    if node is None:
        node = slicer.vtkMRMLScriptedModuleNode()
        node.SetSingletonTag("INRRegistration")
        node.SetModuleName("INRRegistration")
        node.SetName("INRRegistration")
        node = scene.AddNode(node)
    node.SetAttribute("ModuleName", "INRRegistration")
    return node
