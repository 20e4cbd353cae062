"""The curves say what was recorded."""

from __future__ import annotations

import re

import pytest

from inr_registration.core import Curve
from inr_registration.report import charts

TWO_STAGES = (
    Curve("4 mm", {"ncc": [0.8, 0.4], "bending": [0.0, 0.1], "total": [0.8, 0.5]}, [0, 9]),
    Curve("2 mm", {"ncc": [0.6, 0.3], "bending": [0.1, 0.1], "total": [0.7, 0.4]}, [0, 19]),
)


def lines(svg: str) -> list[list[tuple[float, float]]]:
    found = re.findall(r'<polyline points="([^"]+)"', svg)
    return [[tuple(float(n) for n in point.split(",")) for point in line.split()] for line in found]


def test_each_term_and_the_total_have_a_line_in_every_stage():
    assert len(lines(charts.curves(TWO_STAGES))) == 3 * 2


def test_lower_values_lie_lower_and_later_iterations_further_right():
    for line in lines(charts.curves(TWO_STAGES))[:2]:  # the total, in both stages
        assert line[1][0] > line[0][0]
        assert line[1][1] > line[0][1]


def test_the_second_stage_starts_where_the_first_ended():
    first, second = lines(charts.curves(TWO_STAGES))[:2]
    plot = charts.WIDTH - charts.LEFT - charts.RIGHT
    assert second[0][0] == pytest.approx(charts.LEFT + plot * 10 / 30, abs=0.1)
    assert first[-1][0] < second[0][0]


def test_stages_and_axes_are_named():
    svg = charts.curves(TWO_STAGES)
    assert all(f">{name}<" in svg for name in ("4 mm", "2 mm", "iteration", "weighted value", "10", "30"))


def test_values_that_are_not_finite_are_left_out():
    svg = charts.curves((Curve("a", {"total": [0.5, float("nan"), float("inf"), 0.2]}, [0, 1, 2, 3]),))
    assert [len(line) for line in lines(svg)] == [2]
    assert "nan" not in svg
    assert "inf" not in svg


@pytest.mark.parametrize("history", [(), (Curve("a", {}, []),), (Curve("a", {"total": []}, []),)])
def test_a_history_without_values_draws_nothing(history):
    assert charts.curves(history) == ""


def test_the_legend_gives_the_last_stage():
    assert "0.700 → 0.400" in charts.legend(TWO_STAGES)


@pytest.mark.parametrize(("low", "high"), [(0, 0.63), (0, 1), (-0.4, 0.2), (0, 3e-4), (0, 1234)])
def test_axis_ticks_are_round_and_hold_the_values(low, high):
    first, last, step = charts.ticks(low, high)
    assert first <= low
    assert last >= high * (1 - 1e-12)
    assert (last - first) / step < 8.5
    assert f"{step:e}"[0] in "125"


def test_the_timing_bar_shares_its_length_among_the_phases():
    bar = charts.timing_bar({"prepare": 1.0, "fit": 3.0, "total": 4.2})
    assert [float(width) for width in re.findall(r' width="([\d.]+)" height="18"', bar)] == [250.0, 750.0]
    assert "4.20 s" in bar
