"""The loss curve: the objective over the iterations, drawn as a small picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import qt

MARGIN = 6
MAX_POINTS = 1000
"""More points than a small picture has columns are thinned out."""


def picture(values: Sequence[float], width: int, height: int, palette: Any) -> Any:
    """Draw a curve in the colours of the application, so that it fits light and dark themes.

    Args:
        values: Objective at each iteration; nothing is drawn for fewer than two.
        width: Of the picture, pixels.
        height: Of the picture, pixels.
        palette: A ``QPalette``.

    Returns:
        A ``QPixmap``.
    """
    pixmap = qt.QPixmap(max(width, 2 * MARGIN + 2), max(height, 2 * MARGIN + 2))
    pixmap.fill(palette.color(qt.QPalette.Base))
    painter = qt.QPainter()
    painter.begin(pixmap)
    painter.setRenderHint(qt.QPainter.Antialiasing, True)
    painter.setPen(qt.QPen(palette.color(qt.QPalette.Mid)))
    painter.drawRect(0, 0, pixmap.width() - 1, pixmap.height() - 1)
    points = positions(values, pixmap.width(), pixmap.height())
    pen = qt.QPen(palette.color(qt.QPalette.Highlight))
    pen.setWidthF(1.8)
    painter.setPen(pen)
    for start, end in pairwise(points):
        painter.drawLine(qt.QPointF(*start), qt.QPointF(*end))
    painter.end()
    return pixmap


def positions(values: Sequence[float], width: int, height: int) -> list[tuple[float, float]]:
    """Where each value lies in the picture, pixels from the upper left; the largest value at the top, the smallest at the bottom."""
    step = max(len(values) // MAX_POINTS, 1)
    kept = list(values[::step])
    if len(kept) < 2:
        return []
    low, high = min(kept), max(kept)
    span = high - low or 1.0
    right, down = (width - 2 * MARGIN) / (len(kept) - 1), (height - 2 * MARGIN) / span
    return [(MARGIN + n * right, MARGIN + (high - value) * down) for n, value in enumerate(kept)]
