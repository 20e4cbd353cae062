"""The colours of the maps, as colour nodes of our own: Slicer's default tables need files that may be missing.

All of them can be told apart with any kind of colour blindness; folding is magenta, in a segmentation of its own.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import slicer

Kind = Literal["jacobian", "uncertainty", "difference", "strain"]
Array = npt.NDArray[np.float64]

ATTRIBUTE = "INRRegistration.Colours"
HALF_RANGE = 1.0
"""det J is shown from 1 - this to 1 + this."""

NAMES: dict[Kind, str] = {
    "jacobian": "INR det J (blue smaller, white 1, red larger)",
    "uncertainty": "INR uncertainty",
    "difference": "INR difference (orange fixed brighter, blue warped brighter)",
    "strain": "INR strain (blue shorter, white 0, red longer)",
}
_BLUE_WHITE_RED = ((0, (20, 62, 130)), (0.25, (88, 148, 208)), (0.5, (255, 255, 255)), (0.75, (232, 122, 92)), (1, (150, 16, 30)))
_STOPS: dict[Kind, tuple[tuple[float, tuple[int, int, int]], ...]] = {
    "jacobian": _BLUE_WHITE_RED,
    "strain": _BLUE_WHITE_RED,
    "uncertainty": ((0, (10, 20, 30)), (0.5, (30, 130, 130)), (1, (250, 240, 150))),
    "difference": ((0, (150, 205, 255)), (0.25, (35, 100, 190)), (0.5, (12, 12, 14)), (0.75, (190, 85, 10)), (1, (255, 205, 120))),
}
ENTRIES = 256


def table(kind: Kind) -> Array:
    """The colours from lowest to highest value, (256, 3), 0 to 1. The two entries in the middle of a diverging one are equal."""
    places, colours = zip(*_STOPS[kind], strict=True)
    at = np.linspace(0, 1, ENTRIES)
    if kind != "uncertainty":
        steps = np.arange(ENTRIES) - (ENTRIES - 1) / 2  # -127.5 to 127.5
        at = 0.5 + 0.5 * (steps - 0.5 * np.sign(steps)) / (ENTRIES // 2 - 1)
    return np.stack([np.interp(at, places, np.array(colours)[:, channel]) for channel in range(3)], axis=1) / 255


def colour_node(scene: slicer.vtkMRMLScene, kind: Kind) -> slicer.vtkMRMLColorTableNode:
    """The colour node of a kind of map; made where the scene has none, saved with the scene."""
    for node in slicer.util.getNodesByClass("vtkMRMLColorTableNode", scene):
        if node.GetAttribute(ATTRIBUTE) == kind:
            return node
    node = slicer.vtkMRMLColorTableNode()
    node.SetName(NAMES[kind])
    node.SetTypeToUser()
    node.SetAttribute(ATTRIBUTE, kind)
    node.SetAttribute("Category", "INRRegistration")  # where Slicer's colour selector lists it
    node.SetNumberOfColors(ENTRIES)
    for entry, (red, green, blue) in enumerate(table(kind).tolist()):
        node.SetColor(entry, red, green, blue, 1.0)  # slice views do not look at the opacity of an entry
    node.SetNamesFromColors()
    return scene.AddNode(node)
