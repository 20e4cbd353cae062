"""The loss curve stays within its picture and shows what it is given."""

from __future__ import annotations

from typing import Any

import pytest
import qt
from desk import Desk

from inr_registration.slicer.ui import MARGIN, MAX_POINTS, cut, picture, segments


def colours(pixmap: Any) -> set[str]:
    image = pixmap.toImage()
    return {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}


def test_the_largest_value_is_at_the_top_and_the_last_at_the_right() -> None:
    assert segments([3.0, 2.0, 1.0], [], 100, 50) == [[(MARGIN, MARGIN), (50.0, 25.0), (100 - MARGIN, 50 - MARGIN)]]


def test_a_constant_curve_is_a_line_and_one_value_is_none() -> None:
    ((first, last),) = segments([2.0, 2.0], [], 100, 50)
    assert (first[1], last[1]) == (MARGIN, MARGIN)
    assert segments([1.0], [], 100, 50) == []


@pytest.mark.parametrize("count", [2, 999, 12_345])
def test_long_curves_are_thinned_and_stay_inside(count: int) -> None:
    (points,) = segments([float(n % 7) for n in range(count)], [], 200, 80)
    assert len(points) < 2 * MAX_POINTS
    assert all(MARGIN <= x <= 200 - MARGIN and MARGIN <= y <= 80 - MARGIN for x, y in points)
    assert points[-1][0] == pytest.approx(200 - MARGIN)


def test_each_level_is_a_line_of_its_own_on_one_scale() -> None:
    first, second = segments([4.0, 1.0, 5.0, 0.0], [2], 100, 50)
    assert [len(first), len(second)] == [2, 2]
    assert second[0] == (pytest.approx(MARGIN + 2 * (100 - 2 * MARGIN) / 3), MARGIN)
    assert first[0][1] > second[0][1]


@pytest.mark.parametrize("starts", [[0], [4], [-1, 9]])
def test_a_level_that_begins_outside_the_curve_breaks_nothing(starts: list[int]) -> None:
    assert [len(part) for part in segments([4.0, 3.0, 2.0, 1.0], starts, 100, 50)] == [4]


def test_a_level_begins_at_the_steepest_rise_among_the_new_values() -> None:
    values = [9.0, 1.0, 8.0, 3.0, 2.0, 6.0, 5.0]
    assert cut(values, 3) == 5
    assert cut(values, 0) == 2
    assert cut(values, 7) == 7
    assert cut([], 0) == 0


def test_the_picture_has_the_size_asked_for_and_a_line_in_it(desk: Desk) -> None:
    palette = desk.ui.curveLabel.palette
    empty, drawn = picture([], [], 120, 60, palette), picture([3.0, 1.0, 2.0, 0.5], [2], 120, 60, palette)
    assert (drawn.width(), drawn.height()) == (120, 60)
    line = palette.color(qt.QPalette.Highlight).name()
    assert line in colours(drawn)
    assert line not in colours(empty)


def test_a_line_marks_where_a_level_begins(desk: Desk) -> None:
    palette = desk.ui.curveLabel.palette
    whole, parted = (picture([2.0] * 40, starts, 240, 60, palette).toImage() for starts in ([], [20]))
    middle = [x for x in range(110, 130) for y in range(20, 50) if whole.pixelColor(x, y).name() != parted.pixelColor(x, y).name()]
    assert middle
    assert max(middle) - min(middle) <= 3
