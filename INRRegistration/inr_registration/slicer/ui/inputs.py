"""The section Inputs: the segments of masks, and nodes that leave the scene."""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from slicer.i18n import tr as _

from inr_registration.core.needs import SPECIAL
from inr_registration.slicer.logic.choice import needs
from inr_registration.slicer.ui import choices
from inr_registration.slicer.ui.parameters import INPUT_NODES, OUTPUT_NODES, choice_in, has_landmarks
from inr_registration.slicer.ui.piece import Piece
from inr_registration.slicer.ui.wires import Wires

FIRST = 100.0
"""Priority of the observer that has to come before those of the selectors."""


class MaskSegment(Piece):
    """The combo box of a mask's segments: shown for a segmentation only, and following its segments.

    Args:
        mask: Parameter that holds the mask: ``fixed_mask``, ``moving_mask`` or ``ventricle``.
        combo: The combo box.
    """

    def __init__(self, ui: Any, session: Any, say: Any, mask: str, combo: Any) -> None:
        super().__init__(ui, session, say)
        self._mask, self._segment = mask, f"{mask}_segment"
        self._combo = combo
        self._node: Any = None
        self._segments = Wires()

    def connect(self) -> None:
        self.wires.on(self._combo, "activated(int)", self._chosen)

    def refresh(self) -> None:
        node = None if self.parameters is None else getattr(self.parameters, self._mask)
        if node is not self._node:
            self._follow(node)
        self._fill()

    def close(self) -> None:
        self._segments.cut()
        self._node = None
        super().close()

    def _follow(self, node: Any) -> None:
        """Listen to another segmentation; a segment chosen in the former one means nothing in it."""
        self._segments.cut()
        former, self._node = self._node, node
        if self.parameters is not None and former is not None:
            setattr(self.parameters, self._segment, "")
        if _is_segmentation(node):
            segments = node.GetSegmentation()
            for event in (segments.SegmentAdded, segments.SegmentRemoved, segments.SegmentModified):
                self._segments.observe(segments, event, lambda *_: self._fill())

    def _fill(self) -> None:
        self._combo.visible = self._is_used()
        if not self._is_used():
            return
        segments = self._node.GetSegmentation()
        names = {identifier: segments.GetSegment(identifier).GetName() for identifier in segments.GetSegmentIDs()}
        tip = self._combo.toolTip
        entries = {"": (_("All segments"), tip), **{identifier: (name, tip) for identifier, name in names.items()}}
        chosen = getattr(self.parameters, self._segment)
        if chosen not in entries:  # said, and left alone: another mask than the chosen one must not slip in
            entries[chosen] = (_("(removed segment)"), tip)
        choices.fill(self._combo, entries)
        choices.select(self._combo, chosen)

    def _is_used(self) -> bool:
        """Whether there are segments to choose from, for a mask that the method uses."""
        if self.parameters is None or not _is_segmentation(self._node):
            return False
        return self._mask not in SPECIAL or self._mask in needs(choice_in(self.parameters))

    def _chosen(self) -> None:
        if self.parameters is not None:
            setattr(self.parameters, self._segment, choices.selected(self._combo))


class MethodInputs(Piece):
    """Shows those inputs that the chosen method uses, and the landmark weight where there are landmarks to steer by."""

    def connect(self) -> None:
        ui = self.ui
        self._rows = {
            "centrelines": (
                *(ui.centrelineSelectorLabel, ui.centrelineSelector),
                *(ui.centreline2SelectorLabel, ui.centreline2Selector),
                *(ui.tubeRadiusLabel, ui.tubeRadius),
            ),
            "long_axis": (ui.longAxisSelectorLabel, ui.longAxisSelector),
            "ventricle": (ui.ventricleSelectorLabel, ui.ventricleSelector),
        }

    def refresh(self) -> None:
        wanted = () if self.parameters is None else needs(choice_in(self.parameters))
        for name, widgets in self._rows.items():
            for widget in widgets:
                widget.visible = name in wanted
        steering = self.parameters is not None and has_landmarks(self.parameters)
        for widget in (self.ui.landmarkWeightLabel, self.ui.landmarkWeight):
            widget.visible = steering


class Removals(Piece):
    """A chosen node that leaves the scene leaves an empty choice, and a sentence.

    The selectors would take another node of the scene instead, and the next run would silently register another image. They do so
    when the node is about to be removed; the parameter is emptied before that.
    """

    def connect(self) -> None:
        def removed(_caller: object, _event: str, node: Any) -> None:
            self._removed(node)

        removed.CallDataType = vtk.VTK_OBJECT  # type: ignore[attr-defined]  # how VTK learns what to hand over
        self.wires.observe(slicer.mrmlScene, slicer.vtkMRMLScene.NodeAboutToBeRemovedEvent, removed, FIRST)

    def _removed(self, node: Any) -> None:
        if self.parameters is None or slicer.mrmlScene.IsClosing():
            return
        for name in (*INPUT_NODES, *OUTPUT_NODES, "result"):
            if getattr(self.parameters, name) is node:
                setattr(self.parameters, name, None)
                self._tell(name, node)

    def _tell(self, name: str, node: Any) -> None:
        if name in ("fixed", "moving"):
            side = _("fixed") if name == "fixed" else _("moving")
            self.say(_("The {side} volume '{name}' was removed from the scene. Select another one.").format(side=side, name=node.GetName()))
        elif name in INPUT_NODES:
            self.say(_("'{name}' was removed from the scene and is no longer used.").format(name=node.GetName()))


def _is_segmentation(node: Any) -> bool:
    return node is not None and bool(node.IsA("vtkMRMLSegmentationNode"))
