"""The loss curve: the objective over the iterations, drawn as a small picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import qt

MARGIN = 6
MAX_POINTS = 300
"""Of a curve in the picture. More would not be seen, and drawing takes time from the fit."""

Points = list[tuple[float, float]]


def picture(values: Sequence[float], starts: Sequence[int], width: int, height: int, palette: Any) -> Any:
    """Draw a curve in the colours of the application, so that it fits light and dark themes.

    Args:
        values: Objective at each iteration; nothing is drawn for fewer than two.
        starts: Index of the first value of each level after the first; there the line is broken and a dotted one marks the place.
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
    grey = qt.QPen(palette.color(qt.QPalette.Mid))
    painter.setPen(grey)
    painter.drawRect(0, 0, pixmap.width() - 1, pixmap.height() - 1)
    parts = segments(values, starts, pixmap.width(), pixmap.height())
    grey.setStyle(qt.Qt.DotLine)
    painter.setPen(grey)
    for before, after in pairwise(parts):
        _line(painter, [((before[-1][0] + after[0][0]) / 2, y) for y in (MARGIN, pixmap.height() - MARGIN)])
    pen = qt.QPen(palette.color(qt.QPalette.Highlight))
    pen.setWidthF(1.8)
    painter.setPen(pen)
    for part in parts:
        _line(painter, part)
    painter.end()
    return pixmap


def segments(values: Sequence[float], starts: Sequence[int], width: int, height: int) -> list[Points]:
    """Where each value lies in the picture, pixels from the upper left, one list a level.

    The largest value of all is at the top, the smallest at the bottom.
    """
    if len(values) < 2:
        return []
    low, high = min(values), max(values)
    right, down = (width - 2 * MARGIN) / (len(values) - 1), (height - 2 * MARGIN) / (high - low or 1.0)
    step = max(len(values) // MAX_POINTS, 1)
    edges = sorted({0, len(values), *(start for start in starts if 0 < start < len(values))})
    return [
        [(MARGIN + n * right, MARGIN + (high - values[n]) * down) for n in _thinned(first, end, step)] for first, end in pairwise(edges)
    ]


def cut(values: Sequence[float], known: int) -> int:
    """Where a new level begins among the values that came since there were ``known``: at the steepest rise."""
    candidates = range(max(known, 1), len(values))
    return max(candidates, key=lambda n: values[n] - values[n - 1], default=len(values))


def _thinned(first: int, end: int, step: int) -> list[int]:
    """Every ``step``-th index, and the last one."""
    return [*range(first, end - 1, step), end - 1]


def _line(painter: Any, points: Points) -> None:
    for start, end in pairwise(points):
        painter.drawLine(qt.QPointF(*start), qt.QPointF(*end))
