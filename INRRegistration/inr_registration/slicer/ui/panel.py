"""The panel: puts its pieces together and carries changes from one to the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer

from inr_registration.slicer.logic.session import Ended, Started
from inr_registration.slicer.scene.roles import RESULT
from inr_registration.slicer.scene.store import all_results
from inr_registration.slicer.ui.inputs import MaskSegment, MethodInputs, Removals
from inr_registration.slicer.ui.inspect import Inspect
from inr_registration.slicer.ui.judgement import Judgement
from inr_registration.slicer.ui.method import Method
from inr_registration.slicer.ui.quality import Quality
from inr_registration.slicer.ui.regions import Regions
from inr_registration.slicer.ui.run import Run
from inr_registration.slicer.ui.wires import Wires

LAST = -100.0
"""Priority of the observers that come after those of the selectors."""


class Panel:
    """Everything that the form does.

    Widgets change the parameters; every change of the parameters, and everything that the session tells, refreshes all pieces.

    Args:
        ui: The widgets of the form, by name.
        session: The logic's session. A run goes on while the panel has no parameters (another module is open).
        forms: Folder of the form; the icons are in ``Icons`` beside it.
    """

    def __init__(self, ui: Any, session: Any, forms: str) -> None:
        self.ui, self.session = ui, session
        self.parameters: Any = None
        self._tag: Any = None
        self._result: Any = None
        self._unseen: Any = None
        self._nodes: Any = None
        self._busy = self._import_pending = False
        self._wires, self._parameter_wires = Wires(), Wires()
        shared = (ui, session, self.say)
        self._run, self._judgement = Run(*shared), Judgement(*shared)
        self._pieces = (
            MaskSegment(*shared, "fixed_mask", ui.fixedMaskSegment),
            MaskSegment(*shared, "moving_mask", ui.movingMaskSegment),
            MaskSegment(*shared, "ventricle", ui.ventricleSegment),
            MethodInputs(*shared),
            Removals(*shared),
            Method(*shared),
            self._run,
            self._judgement,
            Inspect(*shared, Path(forms).parent / "Icons"),
            Regions(*shared),
            Quality(*shared, self._restored),
        )
        for piece in self._pieces:
            piece.connect()
        ui.resultSelector.addAttribute("vtkMRMLTransformNode", RESULT)
        events = slicer.vtkMRMLScene
        self._wires.observe(slicer.mrmlScene, events.StartCloseEvent, self._closing)
        self._wires.observe(slicer.mrmlScene, events.NodeRemovedEvent, self._removed)
        self._wires.observe(slicer.mrmlScene, events.EndImportEvent, self._imported, LAST)
        self._wires.observe(slicer.mrmlScene, events.EndBatchProcessEvent, self._batch_ended, LAST)
        session.listen(self._heard)
        self.set_parameters(None)

    def set_parameters(self, parameters: Any) -> None:
        """Show these parameters from now on; None to show none, while another module is open or the scene is being closed."""
        self._let_go()
        self.parameters = parameters
        for piece in self._pieces:
            piece.parameters = parameters
        if parameters is not None:
            self._tag = parameters.connectGui(self.ui)
            self._parameter_wires.observe(parameters.parameterNode, "ModifiedEvent", self._changed)
            self._find_result()
        self.refresh()

    def refresh(self) -> None:
        """Show what the parameters and the session hold."""
        if self._busy or slicer.mrmlScene.IsClosing():
            return
        self._busy = True
        try:
            self._follow_result()
            for piece in self._pieces:
                piece.refresh()
            self.ui.resultSection.visible = self._result is not None or self.ui.resultSelector.nodeCount() > 0
        finally:
            self._busy = False

    def say(self, text: str) -> None:
        """Put a sentence into the status line; empty clears it."""
        self.ui.statusLabel.text = self.ui.statusLabel.toolTip = text  # a long path may not fit into the panel
        self.ui.statusLabel.visible = bool(text)

    def close(self) -> None:
        """Let go of session, scene and widgets, for a reload or the end of the application."""
        self.session.unlisten(self._heard)
        self._let_go()
        self._wires.cut()
        for piece in self._pieces:
            piece.close()
        self.parameters = self._result = None

    def _let_go(self) -> None:
        self._parameter_wires.cut()
        if self.parameters is not None and self._tag is not None:
            self.parameters.disconnectGui(self._tag)
        self._tag = None

    def _changed(self, *_: object) -> None:
        self.refresh()

    def _closing(self, *_: object) -> None:
        """The nodes are still there, but nobody may hold on to them, and the parameters will be emptied."""
        self.say("")  # of a run that is given up with the scene, the session tells later
        self._result = None
        self._show(None)
        self.set_parameters(None)

    def _removed(self, *_: object) -> None:
        """A node of the shown result may have gone: show what is left."""
        if self._nodes is not None and not slicer.mrmlScene.IsClosing() and any(_is_gone(node) for node in vars(self._nodes).values()):
            self._show(self.session.choose(self._result))
            self.refresh()

    def _imported(self, *_: object) -> None:
        """The parameters came before the nodes that they name, and the selectors know no node before the import, or its batch, ends."""
        self._import_pending = bool(slicer.mrmlScene.IsBatchProcessing())
        self._read_again()

    def _batch_ended(self, *_: object) -> None:
        if self._import_pending:
            self._import_pending = False
            self._read_again()

    def _read_again(self) -> None:
        """The wrapper remembers what it last read, nodes that were not there yet included."""
        if self.parameters is not None:
            self._let_go()
            self.parameters.Modified()
            self.set_parameters(self.parameters)

    def _heard(self, event: Any) -> None:
        """Take in what the session tells; on a new result, show it."""
        self._run.heard(event)
        if isinstance(event, Started | Ended):  # while a run goes on, the verdict on the former one would be read as its own
            self._judgement.show(None if isinstance(event, Started) else self._nodes)
        if isinstance(event, Ended) and event.nodes is not None:
            self._result = event.nodes.transform
            if self.parameters is not None:
                self.parameters.result = event.nodes.transform
            else:
                self._unseen = event.nodes.transform
            self._show(event.nodes)
        self.refresh()

    def _find_result(self) -> None:
        """Choose a result that came while another module was open; without a chosen one, the session's, or the newest of the scene."""
        if self.parameters is None:
            return
        unseen, self._unseen = self._unseen, None
        if unseen is not None and unseen.GetScene() is not None:
            self.parameters.result = unseen
        if self.parameters.result is not None:
            return
        nodes = self.session.nodes or next(reversed(all_results(slicer.mrmlScene)), None)
        if nodes is not None:
            self.parameters.result = nodes.transform

    def _follow_result(self) -> None:
        """Show another result where another one was chosen; the same node, renamed for example, changes nothing."""
        chosen = None if self.parameters is None else self.parameters.result
        if self.parameters is not None and chosen is not self._result:
            self._result = chosen
            self._show(self.session.choose(chosen))

    def _restored(self) -> None:
        """The nodes of the shown result hold something else now."""
        self._show(self.session.nodes)
        self.refresh()

    def _show(self, nodes: Any) -> None:
        self._nodes = nodes
        for piece in self._pieces:
            piece.show(nodes)


def _is_gone(node: Any) -> bool:
    return hasattr(node, "GetScene") and node.GetScene() is None
