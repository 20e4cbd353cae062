"""report.json: complete, and readable by any JSON parser."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from inr_registration.core import Curve, Outcome, Quality, Result, Volume
from inr_registration.report import number, percent, plain, position, report_data, seconds, short


def test_everything_about_the_run_is_in_the_data(a_case):
    data = report_data(a_case.problem, a_case.result)
    assert data["outcome"] == "ITERATION_LIMIT"
    assert data["usable"] is True
    assert data["message"] == Outcome.ITERATION_LIMIT.value
    assert data["direction"] == "fixed world point to moving world point, LPS mm"
    assert data["not_for_clinical_use"] == "Not for clinical use."
    assert (data["fixed"]["name"], data["moving"]["name"]) == ("liver A", "liver B")
    assert data["quality"]["similarity"]["correlation"] == {"before": 0.5, "after": 0.9}
    assert data["quality"]["dice"]["2"] == {"before": 0.5, "after": 0.7}
    assert data["quality"]["tre_mm"]["after"]["mean"] == 1.25
    assert data["quality"]["det_jacobian"]["p99"] == 1.7
    assert data["folding"] == {"regions": 0, "voxels": 0, "worst_lps_mm": None}
    assert data["settings"] == a_case.result.settings
    assert data["timings_s"] == {"prepare": 0.5, "fit": 2.5, "total": 3.0}
    assert data["device"] == "CPU, 2 threads"
    assert data["software"] == {"torch": "2.13.0"}
    assert data["choices"] == ["similarity: local correlation"]
    assert data["history"][1] == {"stage": "2 mm", "iterations": [0, 9], "terms": {"ncc": [0.4, 0.2], "total": [0.5, 0.3]}}


def test_what_is_not_finite_becomes_null(a_case):
    quality = Quality({"correlation": (float("nan"), float("inf"))}, folding_percent=float("-inf"), det={"min": np.float32("nan")})
    result = dataclasses.replace(a_case.result, quality=quality, history=(Curve("a", {"total": [1.0, float("nan")]}, [0, 1]),))
    text = json.dumps(report_data(a_case.problem, result), allow_nan=False)
    data = json.loads(text)
    assert data["quality"]["similarity"]["correlation"] == {"before": None, "after": None}
    assert data["quality"]["det_jacobian"]["min"] is None
    assert data["history"][0]["terms"]["total"] == [1.0, None]


def test_folding_regions_are_counted_and_located(a_case):
    grid = a_case.problem.fixed.grid
    det = np.ones(grid.shape, np.float32)
    det[3, 4, 5] = -1
    det[9, 9, 9:12] = -0.5
    case = a_case.with_result(jacobian=Volume(det, grid, "jacobian"))
    assert report_data(case.problem, case.result)["folding"] == {
        "regions": 2,
        "voxels": 4,
        "worst_lps_mm": pytest.approx(grid.to_world([5, 4, 3]).tolist()),
    }


@pytest.mark.parametrize("outcome", [Outcome.CANCELLED, Outcome.DIVERGED, Outcome.OUT_OF_MEMORY])
def test_a_run_without_a_result_has_data_too(outcome, a_case):
    data = report_data(a_case.problem, Result(outcome, outcome.value, {}))
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["usable"] is False
    assert data["quality"] is None
    assert data["folding"] is None


def test_values_of_numpy_and_enums_become_plain():
    made = plain({1: np.float32(0.5), "a": np.arange(2), "b": (Outcome.STOPPED, np.bool_(True), None), "c": np.inf})
    assert json.dumps(made, allow_nan=False) == '{"1": 0.5, "a": [0, 1], "b": ["STOPPED", true, null], "c": null}'


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.72345, "0.723"), (12.345, "12.3"), (1234.5, "1234"), (-0.5, "−0.500"), (0, "0"), (float("nan"), "–"), (None, "–")],
)
def test_numbers_are_said_with_three_digits(value, said):
    assert number(value) == said


def test_small_words_are_right():
    assert (short(20.0), short(1.28906), short(0.05)) == ("20", "1.29", "0.05")
    assert (percent(0), percent(0.0028), percent(0.00001)) == ("0 %", "0.0028 %", "below 0.001 %")
    assert (seconds(0.001), seconds(2.5), seconds(245)) == ("< 0.01 s", "2.50 s", "4 min 05 s")
    assert position(np.array([-12.2, 30.0, -5.0])) == "R 12, P 30, I 5 mm"
