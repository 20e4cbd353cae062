"""Ways to look at a result in the slice views, and back to how the views were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import slicer

from inr_registration.core.measures import MAPS
from inr_registration.slicer.scene.colours import HALF_RANGE, colour_node
from inr_registration.slicer.scene.contrast import thinned
from inr_registration.slicer.scene.maps import map_words
from inr_registration.slicer.scene.overlay_volumes import OverlayVolumes, same_grid
from inr_registration.slicer.scene.store import ResultNodes
from inr_registration.slicer.scene.view_memory import Memory, quiet
from inr_registration.slicer.scene.warp_grid import show_grid

MODES = ("blend", "checkerboard", "jacobian", "uncertainty", "warp_grid", "difference", *MAPS)

_NEEDS = {
    "blend": ("fixed", "warped"),
    "checkerboard": ("fixed", "warped"),
    "jacobian": ("fixed", "jacobian"),
    "uncertainty": ("fixed", "uncertainty"),
    "warp_grid": ("fixed", "transform"),
    "difference": ("fixed", "warped"),
    **{name: ("fixed", name) for name in MAPS},
}
_WORDS = {
    "fixed": "fixed image",
    "warped": "warped image",
    "jacobian": "det J map",
    "uncertainty": "uncertainty map",
    "transform": "transform",
    **{name: f"{map_words(name)} map" for name in MAPS},
}
_APART = (
    "does not lie voxel on voxel with the warped image: it was moved after the registration, or lies under a deformable transform. "
    "Use blend instead, or run the registration again."
)
_KNOWN_MM = 0.0
"""Uncertainty below this is not drawn: it is ``UNKNOWN_MM``. However small, what is known has its colour."""
_MAP_OPACITY = 0.5
"""Enough for the colours to be told apart, little enough for the anatomy to be seen through white."""


class Overlays:
    """Switches the slice views of a scene between modes, and puts back exactly what it found.

    Works on the view nodes of the scene, with or without a layout manager. Call ``close`` at the end.

    Args:
        scene: Its slice views are switched.
    """

    def __init__(self, scene: slicer.vtkMRMLScene) -> None:
        self.current: str | None = None
        self._scene = scene
        self._memory = Memory()
        self._volumes = OverlayVolumes()
        self._tag = scene.AddObserver(slicer.vtkMRMLScene.StartCloseEvent, self._forget)

    def available(self, mode: str, nodes: ResultNodes | None) -> str:
        """Why a mode cannot be shown for a result; empty where it can."""
        if nodes is None:
            return "There is no result yet: run a registration first."
        if mode == "uncertainty" and nodes.uncertainty is None:
            return "This method gives no uncertainty."
        if mode in MAPS and getattr(nodes, mode) is None:
            return f"This method gives no {map_words(mode)}."
        for part in _NEEDS[mode]:
            node = getattr(nodes, part)
            if node is None or node.GetScene() is not self._scene:
                return f"The {_WORDS[part]} of this result is no longer in the scene: run the registration again."
            if part != "transform" and node.GetImageData() is None:
                return f"{node.GetName()} has no voxels any more: run the registration again."
        if mode in ("checkerboard", "difference") and not same_grid(nodes):
            return f"{nodes.fixed.GetName()} {_APART}"
        return ""

    def show(self, mode: str, nodes: ResultNodes) -> None:
        """Show a result in a mode, in all slice views; showing it again refreshes colours and windows.

        Raises:
            ValueError: The mode is not available; the text says why.
        """
        reason = self.available(mode, nodes)
        if reason:
            raise ValueError(reason)
        with quiet():
            self._restore()
            if mode in MAPS:
                self._strain(nodes, mode)
            else:
                _SHOWN[mode](self, nodes)
        self.current = mode

    def reset(self) -> None:
        """Put the views back to how they were before the first ``show``."""
        with quiet():
            self._restore()
        self.current = None

    def close(self) -> None:
        """Reset, remove the volumes made here and stop listening to the scene. May be called again."""
        self.reset()
        self._volumes.remove()
        self._scene.RemoveObserver(self._tag)

    def _restore(self) -> None:
        self._memory.restore()
        for composite in _composites(self._scene):  # an original that was deleted cannot come back: ours must not stay
            for layer in ("Background", "Foreground"):
                volume = getattr(composite, f"Get{layer}VolumeID")()
                if volume and self._volumes.holds(self._scene.GetNodeByID(volume)):
                    getattr(composite, f"Set{layer}VolumeID")(None)

    def _forget(self, *_: object) -> None:
        """The scene closes: nothing of it is to be written to what comes after."""
        self._memory.forget()
        self._volumes = OverlayVolumes()
        self.current = None

    def _layers(self, background: Any, foreground: Any = None, opacity: float = 0.0) -> None:
        for composite in _composites(self._scene):
            values = {"BackgroundVolumeID": background, "ForegroundVolumeID": foreground, "ForegroundOpacity": opacity, "Compositing": 0}
            self._memory.set(composite, values)

    def _blend(self, nodes: ResultNodes) -> None:
        self._layers(nodes.fixed, nodes.warped, 0.5)

    def _checkerboard(self, nodes: ResultNodes) -> None:
        self._layers(self._volumes.checkerboard(nodes))

    def _difference(self, nodes: ResultNodes) -> None:
        volume = self._volumes.difference(nodes)
        self._layers(volume)
        self._legend(volume, "fixed - warped", "%.3g")

    def _jacobian(self, nodes: ResultNodes) -> None:
        self._map(nodes.jacobian, "jacobian", 1 - HALF_RANGE, 1 + HALF_RANGE)
        self._layers(nodes.fixed, nodes.jacobian, _MAP_OPACITY)
        self._legend(nodes.jacobian, "det J", "%.2f")
        display = nodes.folding.GetDisplayNode() if nodes.folding is not None and nodes.folding.GetScene() is self._scene else None
        if display is not None:
            self._memory.set(display, {"Visibility2D": 1, "Visibility": 1})

    def _uncertainty(self, nodes: ResultNodes) -> None:
        seen = thinned(slicer.util.arrayFromVolume(nodes.uncertainty))
        seen = seen[seen >= _KNOWN_MM]
        at = int(0.99 * (len(seen) - 1))
        top = float(np.partition(seen, at)[at]) if len(seen) else 1.0
        self._map(nodes.uncertainty, "uncertainty", 0.0, top)
        self._layers(nodes.fixed, nodes.uncertainty, _MAP_OPACITY)
        self._legend(nodes.uncertainty, "uncertainty (mm)", "%.2g")

    def _strain(self, nodes: ResultNodes, name: str) -> None:
        volume = self._volumes.strain(nodes, name)
        self._layers(nodes.fixed, volume, _MAP_OPACITY)
        self._legend(volume, map_words(name), "%.2f")

    def _warp_grid(self, nodes: ResultNodes) -> None:
        self._layers(nodes.fixed)
        show_grid(self._memory, nodes.transform, nodes.fixed)

    def _map(self, volume: Any, kind: Any, low: float, high: float) -> None:
        """Colours and window of a map."""
        if volume.GetDisplayNode() is None:
            volume.CreateDefaultDisplayNodes()
            self._memory.made(volume.GetDisplayNode())
        values = {"AutoWindowLevel": 0, "Window": high - low, "Level": (high + low) / 2}
        if kind == "uncertainty":
            values |= {"AutoThreshold": 0, "LowerThreshold": _KNOWN_MM, "ApplyThreshold": 1}
        else:
            values |= {"ApplyThreshold": 0}
        self._memory.set(volume.GetDisplayNode(), {**values, "ColorNodeID": colour_node(self._scene, kind)})

    def _legend(self, volume: Any, title: str, digits: str) -> None:
        logic = slicer.vtkSlicerColorLogic
        existed = logic.GetColorLegendDisplayNode(volume) is not None
        legend = logic.AddDefaultColorLegendDisplayNode(volume)
        if not existed:
            self._memory.made(legend)
        look = {"TitleText": title, "LabelFormat": digits, "NumberOfLabels": 5, "Size": (0.12, 0.42), "Position": (0.97, 0.12)}
        self._memory.set(legend, {**look, "Visibility": 1})


_SHOWN: dict[str, Callable[[Overlays, ResultNodes], None]] = {mode: getattr(Overlays, f"_{mode}") for mode in MODES if mode not in MAPS}


def _composites(scene: slicer.vtkMRMLScene) -> list[slicer.vtkMRMLSliceCompositeNode]:
    return list(slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode", scene))
