"""The picture of the whole window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import qt
import slicer
from PIL import Image
from stand_in.messages import Messages
from stand_in.window import BAR, compose, grab, views

import stand_in  # noqa: F401


def test_panel_and_views_are_side_by_side(tmp_path: Path) -> None:
    slicer.mrmlScene.Clear()
    panel = qt.QLabel("text")
    palette = qt.QPalette()
    palette.setColor(qt.QPalette.Window, qt.QColor(10, 200, 30))
    panel.setPalette(palette)
    panel.autoFillBackground = True
    volume = slicer.util.addVolumeFromArray(np.full((8, 8, 8), 100.0))
    volume.CreateDefaultDisplayNodes()
    volume.GetDisplayNode().AutoWindowLevelOff()
    volume.GetDisplayNode().SetWindowLevelMinMax(0, 200)
    slicer.util.setSliceViewerLayers(background=volume)
    with Messages():
        shown = views((120, 100))
        for name in ("Red", "Green", "Yellow"):
            shown[name].fit()
        compose(panel, shown, tmp_path / "window.png", panel_width=150)
    with Image.open(tmp_path / "window.png") as image:
        pixels = np.asarray(image)
    assert pixels.shape == (2 * (100 + BAR) + 3, 150 + 2 * 123, 3)
    assert pixels[5, 140].tolist() == [10, 200, 30]
    assert pixels[BAR + 50, 153 + 60].tolist() == [127, 127, 127]  # the middle of the red view
    assert grab(panel).shape == (243, 150, 3)
    slicer.mrmlScene.Clear()
