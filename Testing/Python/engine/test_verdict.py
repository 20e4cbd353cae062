from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from inr_registration.core import BLIND_SPOTS, Level
from inr_registration.measure import INDICATORS, LEAD, MIRRORED, Evidence, Indicator, Lead, judge

GOOD = Evidence(
    explained=0.45,
    lead=Lead(0.3, 20.0, 100),
    mirror_lead=Lead(-0.2, -15.0),
    mirror_axis="left-right",
    fit_share=1.1,
    folding_percent=0.0,
    similarity=(0.4, 0.8),
    misplaced_percent=0.5,
    left_percent=2.0,
    extreme_percent=0.0,
    voxel_mm=3.0,
    landmark_ratio=0.1,
    landmarks_mm=(8.0, 4.0),
    dice=(0.5, 0.8),
    mean_mm=0.2,
    p95_mm=0.5,
    unresolved_percent=0.0,
    overlap_percent=97.0,
)
ORDER = [Level.GREEN, Level.AMBER, Level.RED]
WITH_VALUE = {
    "lead over chance": lambda value: {"lead": Lead(LEAD * value, 100.0, 100)},
    "mirror image": lambda value: {"mirror_lead": Lead(MIRRORED * value, 100.0)},
    "without support, %": lambda value: {"doubt_percent": value},
    "order of the slices": lambda value: {"disorder": "moving" if value > 0.5 else ""},
    "label map": lambda value: {"labels": "tumour" if value > 0.5 else ""},
    "end of the fit": lambda value: {"fit_share": value},
    "landmarks": lambda value: {"landmark_ratio": value},
    "landmarks, after over before": lambda value: {"landmarks_mm": (8.0, 8.0 * value)},
    "labels, after over before": lambda value: {"dice": (0.5, 0.5 * value)},
    "P95 of U, voxel diagonals": lambda value: {"p95_mm": 3.0 * value},
    "mean U, voxel diagonals": lambda value: {"mean_mm": 3.0 * value},
    "no inverse, %": lambda value: {"unresolved_percent": value},
    "folding, %": lambda value: {"folding_percent": value},
    "extreme volume change, %": lambda value: {"extreme_percent": value},
    "misplaced, %": lambda value: {"misplaced_percent": value},
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
    for shown in (
        "explains 45%",
        "30% more than chance",
        "0.20 mm",
        "0.50 mm",
        "folding 0 %",
        "0.40 before and 0.80 after",
        "0.5 %",
        "2 %",
        "97 %",
    ):
        assert shown in reason


def test_what_was_not_measured_gives_no_alarm_and_is_not_told_as_measured() -> None:
    unknown = dict.fromkeys(("landmark_ratio", "landmarks_mm", "dice", "mean_mm", "p95_mm", "unresolved_percent", "overlap_percent"))
    verdict = judge(replace(GOOD, **unknown))
    assert verdict.level is Level.GREEN
    assert not set(unknown) & set(verdict.measured)
    assert "nan" not in verdict.reasons[0]


def test_a_label_map_among_intensities_is_red_and_named() -> None:
    verdict = judge(replace(GOOD, labels="tumour"))
    assert verdict.level is Level.RED
    assert "tumour" in verdict.reasons[0]


def test_a_lead_that_is_no_more_than_its_own_error_is_amber_however_large() -> None:
    assert judge(replace(GOOD, lead=Lead(0.3, 2.0, 100))).level is Level.AMBER


def test_where_there_are_too_few_places_to_tell_it_is_amber_and_not_red() -> None:
    assert judge(replace(GOOD, lead=Lead(0.01, 0.5, 3))).level is Level.AMBER


def test_where_a_stiff_map_explains_much_symmetry_may_hide_the_lead_so_that_it_is_amber() -> None:
    assert judge(replace(GOOD, explained=0.8, lead=Lead(0.01, 1.0, 100))).level is Level.AMBER


def test_a_mirror_image_that_explains_more_is_red_even_where_much_is_explained_and_its_direction_is_told() -> None:
    verdict = judge(replace(GOOD, explained=0.9, mirror_lead=Lead(0.08, 13.0), mirror_axis="front-back"))
    assert verdict.level is Level.RED
    assert "turned around front-back" in verdict.reasons[0]


def test_a_mirror_image_of_a_symmetric_head_that_is_better_by_a_hair_gives_no_alarm() -> None:
    assert judge(replace(GOOD, mirror_lead=Lead(0.004, 1.7))).level is Level.GREEN


def test_landmarks_that_end_closer_than_a_voxel_are_well_whatever_they_were_before() -> None:
    assert judge(replace(GOOD, landmarks_mm=(0.2, 0.9))).level is Level.GREEN


def test_without_masks_their_overlap_is_not_mentioned() -> None:
    assert "mask" not in judge(replace(GOOD, overlap_percent=None)).reasons[0]


NUMBERS = [indicator for indicator in INDICATORS if indicator.name not in ("label map", "order of the slices")]


@pytest.mark.parametrize("indicator", NUMBERS, ids=lambda indicator: indicator.name)
def test_each_indicator_alone_turns_the_verdict(indicator: Indicator) -> None:
    for level, limit in ((Level.AMBER, indicator.amber), (Level.RED, indicator.red)):
        if limit is None:
            continue
        evidence = with_value(indicator, beyond(indicator, limit))
        verdict = judge(evidence)
        assert verdict.level is level
        (reason,) = verdict.reasons
        value = indicator.value(evidence)
        assert value == pytest.approx(beyond(indicator, limit))
        assert f"limit {limit:g}" in reason
        assert any(f"{value:.{digits}f}" in reason for digits in (0, 1, 2))
        assert indicator.check in reason


@pytest.mark.parametrize("indicator", NUMBERS, ids=lambda indicator: indicator.name)
def test_worse_evidence_never_has_a_better_verdict(indicator: Indicator) -> None:
    worst = indicator.amber if indicator.red is None else indicator.red
    values = [worst * share for share in (0.0, 0.3, 0.6, 0.9, 1.0, 1.1, 1.4)]
    values = sorted(values, reverse=indicator.low_is_bad)
    levels = [ORDER.index(judge(with_value(indicator, value)).level) for value in values]
    assert levels == sorted(levels)
    assert levels[-1] == (1 if indicator.red is None else 2)


def test_the_level_is_that_of_the_worst_indicator_and_the_worst_comes_first() -> None:
    verdict = judge(replace(GOOD, folding_percent=0.1, misplaced_percent=60.0))
    assert verdict.level is Level.RED
    assert len(verdict.reasons) == 2
    assert "shifted" in verdict.reasons[0]
    assert "fold" in verdict.reasons[1]


@pytest.mark.parametrize("field", ["mean_mm", "p95_mm", "misplaced_percent", "folding_percent", "fit_share", "landmark_ratio"])
def test_a_number_that_is_not_finite_is_red(field: str) -> None:
    assert judge(replace(GOOD, **{field: float("nan")})).level is Level.RED


def test_the_amber_limit_of_every_indicator_comes_before_the_red_one() -> None:
    for indicator in INDICATORS:
        assert indicator.red is None or (indicator.amber > indicator.red) == indicator.low_is_bad
