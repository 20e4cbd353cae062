from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from INRRegistrationLib.core.verdict import BLIND_SPOTS, Level
from INRRegistrationLib.engine.verdict import INDICATORS, Evidence, Indicator, judge

GOOD = Evidence(
    mean_mm=0.2,
    p95_mm=0.5,
    voxel_mm=3.0,
    unresolved_percent=0.0,
    folding_percent=0.0,
    similarity=(0.4, 0.8),
    misplaced_percent=0.5,
    left_percent=2.0,
    overlap_percent=97.0,
)
ORDER = [Level.GREEN, Level.AMBER, Level.RED]
WITH_VALUE = {
    "P95 of U, voxel diagonals": lambda value: {"p95_mm": 3.0 * value},
    "mean U, mm": lambda value: {"mean_mm": value},
    "no inverse, %": lambda value: {"unresolved_percent": value},
    "folding, %": lambda value: {"folding_percent": value},
    "misplaced, %": lambda value: {"misplaced_percent": value},
    "local similarity after": lambda value: {"similarity": (0.0, value)},
    "loss of similarity": lambda value: {"similarity": (0.8 + value, 0.8)},
    "left the moving image, %": lambda value: {"left_percent": value},
    "overlap of the masks, %": lambda value: {"overlap_percent": value},
}


def with_value(indicator: Indicator, value: float) -> Evidence:
    """The good evidence, but for one number."""
    changed: dict[str, Any] = WITH_VALUE[indicator.name](value)
    return replace(GOOD, **changed)


def beyond(indicator: Indicator, limit: float) -> float:
    """A little worse than a limit."""
    return limit * (0.95 if indicator.low_is_bad else 1.05)


def test_good_evidence_is_green_and_says_what_was_looked_at() -> None:
    verdict = judge(GOOD)
    assert verdict.level is Level.GREEN
    assert verdict.blind_spots == BLIND_SPOTS
    (reason,) = verdict.reasons
    for shown in ("0.20 mm", "0.50 mm", "folding 0 %", "0.40 before and 0.80 after", "0.5 %", "2 %", "97 %"):
        assert shown in reason


def test_without_masks_their_overlap_is_not_mentioned() -> None:
    assert "mask" not in judge(replace(GOOD, overlap_percent=None)).reasons[0]


@pytest.mark.parametrize("indicator", INDICATORS, ids=lambda indicator: indicator.name)
def test_each_indicator_alone_turns_the_verdict(indicator: Indicator) -> None:
    for level, limit in ((Level.AMBER, indicator.amber), (Level.RED, indicator.red)):
        evidence = with_value(indicator, beyond(indicator, limit))
        verdict = judge(evidence)
        assert verdict.level is level
        (reason,) = verdict.reasons
        value = indicator.value(evidence)
        assert value == pytest.approx(beyond(indicator, limit))
        assert f"limit {limit:g}" in reason
        assert any(f"{value:.{digits}f}" in reason for digits in (0, 1, 2))
        assert indicator.check in reason


@pytest.mark.parametrize("indicator", INDICATORS, ids=lambda indicator: indicator.name)
def test_worse_evidence_never_has_a_better_verdict(indicator: Indicator) -> None:
    values = [indicator.red * share for share in (0.0, 0.3, 0.6, 0.9, 1.0, 1.1, 1.4)]
    values = sorted(values, reverse=indicator.low_is_bad)
    levels = [ORDER.index(judge(with_value(indicator, value)).level) for value in values]
    assert levels == sorted(levels)
    assert levels[-1] == 2


def test_the_level_is_that_of_the_worst_indicator_and_the_worst_comes_first() -> None:
    verdict = judge(replace(GOOD, folding_percent=0.1, misplaced_percent=60.0))
    assert verdict.level is Level.RED
    assert len(verdict.reasons) == 2
    assert "shifted" in verdict.reasons[0]
    assert "fold" in verdict.reasons[1]


@pytest.mark.parametrize("field", ["mean_mm", "p95_mm", "misplaced_percent", "folding_percent"])
def test_a_number_that_is_not_finite_is_red(field: str) -> None:
    assert judge(replace(GOOD, **{field: float("nan")})).level is Level.RED


def test_the_amber_limit_of_every_indicator_comes_before_the_red_one() -> None:
    for indicator in INDICATORS:
        assert (indicator.amber > indicator.red) == indicator.low_is_bad
