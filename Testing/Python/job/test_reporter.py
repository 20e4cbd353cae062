from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inr_registration.core import Progress
from inr_registration.slicer.job import UPDATES_PER_SECOND, Reporter, Updated, merged


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def fit(iteration: int, value: float, stage: int = 0) -> Progress:
    return Progress("fit", 0.0, 0.0, stage, 3, iteration, {"total": value})


def test_there_are_at_most_so_many_updates_a_second() -> None:
    posted: list[Updated] = []
    clock = Clock()
    reporter = Reporter(posted.append, clock)
    for n in range(10_000):
        reporter.take(fit(n, n))
        clock.now += 1e-3
    assert 0.9 * 10 * UPDATES_PER_SECOND <= len(posted) <= 10 * UPDATES_PER_SECOND + 1


@given(st.lists(st.tuples(st.floats(0, 0.2), st.sampled_from("abc"), st.integers(0, 2), st.integers(0, 3)), min_size=1))
def test_no_point_of_the_curve_is_lost_and_the_last_update_is_the_newest(reports: list[tuple[float, str, int, int]]) -> None:
    posted: list[Updated] = []
    clock = Clock()
    reporter = Reporter(posted.append, clock)
    expected: list[Progress] = []
    for seconds, phase, stage, value in reports:
        clock.now += seconds
        latest = Progress(phase, 0.0, clock.now, stage, terms={"total": float(value)})
        if not expected or (expected[-1].stage, expected[-1].terms) != (latest.stage, latest.terms):
            expected.append(latest)
        reporter.take(latest)
    reporter.flush()
    together = merged(posted)
    assert list(together.points) == expected
    assert together.progress is latest


def test_the_same_values_reported_again_are_one_point_but_those_of_another_stage_are_not() -> None:
    posted: list[Updated] = []
    reporter = Reporter(posted.append, Clock())
    for report in (fit(1, 5.0), fit(2, 5.0), fit(6, 4.0), fit(1, 4.0, stage=1)):
        reporter.take(report)
    reporter.flush()
    assert [(point.stage, point.iteration) for update in posted for point in update.points] == [(0, 1), (0, 6), (1, 1)]


def test_a_new_phase_is_posted_at_once() -> None:
    posted: list[Updated] = []
    reporter = Reporter(posted.append, Clock())
    for phase in ("prepare", "fit", "fit", "fit", "finish"):
        reporter.take(Progress(phase, 0.0, 0.0))
    assert [update.progress.phase for update in posted] == ["prepare", "fit", "finish"]


def test_nothing_is_posted_twice() -> None:
    posted: list[Updated] = []
    reporter = Reporter(posted.append, Clock())
    reporter.flush()
    reporter.take(fit(1, 1.0))
    reporter.flush()
    assert len(posted) == 1
