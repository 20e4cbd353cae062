"""The loss curve stays within its picture and shows what it is given."""

from __future__ import annotations

from typing import Any

import pytest
import qt
from desk import Desk

from INRRegistrationLib.ui.curve import MARGIN, MAX_POINTS, picture, positions


def colours(pixmap: Any) -> set[str]:
    image = pixmap.toImage()
    return {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}


def test_the_largest_value_is_at_the_top_and_the_last_at_the_right() -> None:
    points = positions([3.0, 2.0, 1.0], 100, 50)
    assert points == [(MARGIN, MARGIN), (50.0, 25.0), (100 - MARGIN, 50 - MARGIN)]


def test_a_constant_curve_is_a_line_and_one_value_is_none() -> None:
    assert [y for _, y in positions([2.0, 2.0], 100, 50)] == [MARGIN, MARGIN]
    assert positions([1.0], 100, 50) == []


@pytest.mark.parametrize("count", [2, 999, 12_345])
def test_long_curves_are_thinned_and_stay_inside(count: int) -> None:
    points = positions([float(n % 7) for n in range(count)], 200, 80)
    assert len(points) < 2 * MAX_POINTS
    assert all(MARGIN <= x <= 200 - MARGIN and MARGIN <= y <= 80 - MARGIN for x, y in points)


def test_the_picture_has_the_size_asked_for_and_a_line_in_it(desk: Desk) -> None:
    palette = desk.ui.curveLabel.palette
    empty, drawn = picture([], 120, 60, palette), picture([3.0, 1.0, 0.5], 120, 60, palette)
    assert (drawn.width(), drawn.height()) == (120, 60)
    line = palette.color(qt.QPalette.Highlight).name()
    assert line in colours(drawn)
    assert line not in colours(empty)
