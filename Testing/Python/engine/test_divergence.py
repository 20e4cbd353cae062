"""Whole registrations that diverge: what is kept, and what is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from fits import BEFORE, LATTICE, RELU, SIREN, a_problem, error_mm, short

from inr_registration.app import register
from inr_registration.core import Cycle, Level, Outcome, Representation, Settings, Stage
from inr_registration.methods import CycleFit, Prepared, SingleFit, prepare
from inr_registration.optimise import Objective


def steep(settings: Settings, stage: int, rate: float) -> Settings:
    """The same with steps of another length in one stage."""
    stages = list(settings.stages)
    stages[stage] = replace(stages[stage], learning_rate=rate)
    return replace(settings, stages=tuple(stages))


DEEP = replace(short(RELU, 40), representation=Representation("relu", 48, 8))


def test_a_fit_that_diverges_at_once_keeps_the_start_and_says_so() -> None:
    """Eight layers of weights that grow by 100 a step overflow in the determinant."""
    result = register(a_problem(), steep(DEEP, 0, 100.0))
    assert result.outcome is Outcome.DIVERGED
    assert result.usable
    assert not result.outcome.usable
    assert "also with steps 8 times shorter" in result.message
    assert "The best state before that was kept" in result.message
    assert result.verdict is not None
    assert result.verdict.level is Level.RED
    assert result.displacement is not None
    assert np.isfinite(result.displacement).all()
    assert error_mm(result) == pytest.approx(BEFORE, rel=0.05)


def test_a_later_stage_that_diverges_leaves_what_the_earlier_ones_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second stage is given an objective that is never a number."""
    begin = SingleFit.begin

    def spoilt(fit: SingleFit, stage: Stage) -> Objective:
        objective = begin(fit, stage)
        return objective if stage == LATTICE.stages[0] else replace(objective, terms=lambda: {"it": objective.parameters[0].sum() * np.nan})

    monkeypatch.setattr(SingleFit, "begin", spoilt)
    result = register(a_problem(), LATTICE)
    assert result.outcome is Outcome.DIVERGED
    assert error_mm(result) < 0.6 * BEFORE
    assert len(result.history) == 1
    monkeypatch.setattr(SingleFit, "begin", lambda fit, stage: spoilt(fit, replace(stage, shrink=1)))
    nothing = register(a_problem(), LATTICE)
    assert nothing.outcome is Outcome.DIVERGED
    assert not nothing.usable


def test_a_stage_that_only_makes_it_worse_is_undone_with_a_warning() -> None:
    result = register(a_problem(), steep(LATTICE, 1, 100.0))
    assert result.outcome is Outcome.ITERATION_LIMIT
    assert [warning for warning in result.warnings if "1.9 mm ended worse than it began" in warning]
    assert error_mm(result) < 0.6 * BEFORE


def test_a_good_run_says_nothing_of_the_kind() -> None:
    assert not [warning for warning in register(a_problem(), short(LATTICE)).warnings if "stage" in warning]


def test_a_cycle_whose_weight_rises_may_end_with_a_higher_objective() -> None:
    for ramp in (False, True):
        fit = CycleFit(*a_start(replace(SIREN, cycle=Cycle(ramp=ramp))))
        assert fit.begin(SIREN.stages[0]).steady is not ramp


def a_start(settings: Settings) -> tuple[Prepared, Settings, np.ndarray, torch.Generator]:
    prepared = prepare(a_problem(), settings, torch.device("cpu"))
    prepared.choose_similarity(settings, np.eye(4))
    return prepared, settings, np.eye(4), torch.Generator().manual_seed(0)
