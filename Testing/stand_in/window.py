"""Pictures of the whole application: a module's panel on the left, the four views on the right, as in Slicer's window."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget

from stand_in.boot import SLICE_VIEWS
from stand_in.render import SliceView, ThreeDView, View

PLACES = {"Red": (0, 0), "3D": (0, 1), "Green": (1, 0), "Yellow": (1, 1)}  # row and column of Slicer's layout "Four-Up"
BAR, GAP = 20, 3  # pixels: height of a view's bar, and between the parts
BACKGROUND, VIOLET = (60, 60, 64), (116, 120, 190)


def views(size: tuple[int, int] = (420, 360)) -> dict[str, View]:
    """Make the four views of the layout "Four-Up".

    Args:
        size: width and height of each in pixels.
    """
    return {name: SliceView(name, size=size) if name in SLICE_VIEWS else ThreeDView(size) for name in PLACES}


def grab(panel: Any) -> np.ndarray:
    """Give the picture of a widget, (height, width, 3) uint8.

    Args:
        panel: a widget, as Python code in Slicer sees it or PySide6's own.
    """
    widget: QWidget = getattr(panel, "_it", panel)
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def compose(panel: Any, shown: Mapping[str, View], path: str | Path, panel_width: int = 460) -> None:
    """Write a picture of the window as PNG.

    Args:
        panel: the module's panel; it is given the height of the window.
        shown: views by name, as from views().
        path: the file.
        panel_width: in pixels.
    """
    pictures = {name: _with_bar(view) for name, view in shown.items()}
    height = max(image.height for image in pictures.values())
    width = max(image.width for image in pictures.values())
    widget: QWidget = getattr(panel, "_it", panel)
    widget.window().show()  # what is hidden is not laid out
    for _ in range(3):  # layouts within layouts settle one after the other
        tall = max(2 * height + GAP, widget.minimumSizeHint().height() + 40)  # Slicer's panel scrolls; here its upper part is shown
        widget.window().resize(panel_width, tall)
        QApplication.processEvents()
    left = Image.fromarray(grab(panel)[: 2 * height + GAP])
    window = Image.new("RGB", (left.width + 2 * (width + GAP), 2 * height + GAP), BACKGROUND)
    window.paste(widget.palette().window().color().toTuple()[:3], (0, 0, left.width, window.height))  # below a panel that is in a layout
    window.paste(left, (0, 0))
    for name, image in pictures.items():
        row, column = PLACES[name]
        window.paste(image, (left.width + GAP + column * (width + GAP), row * (height + GAP)))
    window.save(path)


def _with_bar(view: View) -> Image.Image:
    """Give a view's picture under a bar in the view's colour with its name, and the position for a slice view."""
    picture = Image.fromarray(view.picture())
    made = Image.new("RGB", (picture.width, picture.height + BAR), BACKGROUND)
    made.paste(picture, (0, BAR))
    text, colour = "1", VIOLET
    if isinstance(view, SliceView):
        colour = tuple(round(255 * part) for part in view.logic.GetSliceNode().GetLayoutColor())
        text = f"{view.logic.GetSliceNode().GetLayoutLabel()}    {view.logic.GetSliceOffset():.1f} mm"
    draw = ImageDraw.Draw(made)
    draw.rectangle((0, 0, made.width, BAR - 1), fill=colour)
    draw.text((8, 3), text, fill=(0, 0, 0), font=ImageFont.load_default(13))
    return made
