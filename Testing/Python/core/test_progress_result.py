from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from inr_registration.core import Command, Outcome, Progress, Quality, Result, SplineTransform, silent


def test_the_time_left_is_that_of_the_work_left_at_the_same_rate() -> None:
    assert Progress("fit", 0.25, 10.0).remaining_s == pytest.approx(30.0)
    assert Progress("finish", 1.0, 10.0).remaining_s == 0


def test_too_little_work_done_tells_no_time_left() -> None:
    assert Progress("read", 0.0, 5.0).remaining_s is None
    assert Progress("read", 0.01, 5.0).remaining_s is None


def test_the_silent_report_lets_the_run_go_on() -> None:
    assert silent(Progress("fit", 0.5, 1.0)) is Command.CONTINUE


def test_only_runs_that_keep_something_have_a_usable_outcome() -> None:
    usable = {outcome for outcome in Outcome if outcome.usable}
    assert usable == {Outcome.CONVERGED, Outcome.ITERATION_LIMIT, Outcome.STOPPED}


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_a_sentence_for_the_user(outcome: Outcome) -> None:
    assert outcome.value[0].isupper()
    assert outcome.value.endswith(".")


@pytest.mark.parametrize("outcome", [Outcome.DIVERGED, Outcome.OUT_OF_MEMORY])
def test_a_failure_names_a_remedy(outcome: Outcome) -> None:
    assert "Try " in outcome.value


def test_a_result_without_a_transform_has_no_images() -> None:
    result = Result(Outcome.CANCELLED, Outcome.CANCELLED.value, {})
    kept = [f.name for f in dataclasses.fields(result) if f.name in ("model", "transform", "warped", "jacobian", "derived", "quality")]
    assert len(kept) == 6
    assert all(getattr(result, name) is None for name in [*kept, "displacement", "before", "aligned"])


def test_two_results_do_not_share_what_they_hold() -> None:
    first, second = (Result(Outcome.CONVERGED, "", {}) for _ in range(2))
    first.timings_s["fit"] = 1.0
    assert second.timings_s == {}
    assert Quality().similarity is not Quality().similarity


def test_reports_and_results_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Progress("fit", 0.5, 1.0).fraction = 1.0  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        Result(Outcome.CONVERGED, "", {}).outcome = Outcome.DIVERGED  # type: ignore[misc]


@pytest.mark.parametrize("outcome", Outcome)
def test_a_result_is_usable_where_it_has_a_map_whatever_the_outcome(outcome: Outcome) -> None:
    result = Result(outcome, outcome.value, {})
    assert not result.usable
    lattice = SplineTransform(np.eye(4), np.zeros((4, 4, 4, 3), np.float32), np.zeros(3), np.ones(3), np.eye(3))
    assert dataclasses.replace(result, transform=lattice).usable
