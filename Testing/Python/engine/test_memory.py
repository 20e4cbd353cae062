"""Memory that runs out. On the CPU the exception is injected; with a GPU, torch is really given too little."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from fits import BEFORE, FIXED, LATTICE, SAMPLED, SIREN, a_problem, error_mm, short

from inr_registration.app import registration as register
from inr_registration.core import Command, Grid, Outcome, Progress, Settings, Stage
from inr_registration.images import working_spacing
from inr_registration.methods import stages
from inr_registration.optimise import memory

SHORTAGES = {
    "cuda": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    "torch on the cpu": RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
    "numpy": MemoryError(),
}


def run_out(monkeypatch: pytest.MonkeyPatch, times: int, error: Exception, stage: int = 1) -> None:
    """Make so many attempts fail, each in the given stage."""
    fit_stage, seen, left = stages.fit_stage, [0], [times]

    def failing(*arguments: Any) -> Any:
        seen[0] += 1
        if seen[0] > stage and left[0] > 0:
            seen[0], left[0] = 0, left[0] - 1
            raise error
        return fit_stage(*arguments)

    monkeypatch.setattr(stages, "fit_stage", failing)


def voxels(settings: Settings, grid: Grid = FIXED) -> float:
    return float(np.prod(np.asarray(grid.size) * grid.spacing)) / working_spacing(grid, settings.max_voxels) ** 3


@pytest.mark.parametrize("kind", SHORTAGES)
def test_the_first_shortage_is_answered_with_half_the_work(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    run_out(monkeypatch, 1, SHORTAGES[kind])
    result = register.register(a_problem(), LATTICE)
    assert result.outcome is Outcome.ITERATION_LIMIT
    used = Settings.from_json(result.settings)
    assert voxels(used) == pytest.approx(voxels(LATTICE) / 2, rel=0.01)
    assert sum(f"max_voxels {used.max_voxels}" in choice and "memory ran out" in choice for choice in result.choices) == 1
    assert error_mm(result) < 0.6 * BEFORE


def test_a_second_attempt_equals_a_first_with_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    few = short(SAMPLED)
    again = register.register(a_problem(), memory.halved(few, FIXED))
    run_out(monkeypatch, 1, SHORTAGES["cuda"])
    result = register.register(a_problem(), few)
    assert result.settings == again.settings
    assert result.displacement is not None
    assert again.displacement is not None
    np.testing.assert_array_equal(result.displacement, again.displacement)


@pytest.mark.parametrize(("settings", "lower"), [(SIREN, "1250 points per iteration"), (LATTICE, "max_voxels")])
def test_the_second_shortage_ends_the_run_and_says_what_to_lower(monkeypatch: pytest.MonkeyPatch, settings: Settings, lower: str) -> None:
    run_out(monkeypatch, 2, SHORTAGES["cuda"], stage=0)
    result = register.register(a_problem(), short(settings))
    assert result.outcome is Outcome.OUT_OF_MEMORY
    assert result.model is None
    assert lower in result.message
    assert "lower that further" in result.message
    assert "\n" not in result.message


def test_other_errors_are_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    run_out(monkeypatch, 1, RuntimeError("something else"), stage=0)
    with pytest.raises(RuntimeError, match="something else"):
        register.register(a_problem(), short(LATTICE))


def test_a_cancel_in_the_second_attempt_cancels(monkeypatch: pytest.MonkeyPatch) -> None:
    run_out(monkeypatch, 1, SHORTAGES["cuda"], stage=0)
    phases: list[str] = []

    def report(progress: Progress) -> Command:
        phases.append(progress.phase)
        return Command.CANCEL if phases.count("prepare") == 2 else Command.CONTINUE

    result = register.register(a_problem(), short(LATTICE), report)
    assert result.outcome is Outcome.CANCELLED
    assert phases.count("prepare") == 2


def test_half_of_sampled_points_leaves_the_working_size_alone() -> None:
    less = memory.halved(replace(SIREN, stages=(Stage(2, 5, 1e-3, 1001), Stage(1, 5, 1e-3, 1))), FIXED)
    assert [stage.points for stage in less.stages] == [500, 1]
    assert less.max_voxels == SIREN.max_voxels


@pytest.mark.parametrize("most", [5_000, 20_000, 10**9])
def test_half_of_whole_levels_counts_from_the_voxels_that_there_are(most: int) -> None:
    settings = replace(LATTICE, max_voxels=most)
    sheared = Grid(FIXED.size, FIXED.affine @ np.array([[1, 0.3, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]))
    assert sheared.is_sheared
    for grid in (FIXED, sheared):
        less = memory.halved(settings, grid)
        used = grid.orthogonal() if grid.is_sheared else grid
        assert voxels(less, used) == pytest.approx(voxels(settings, used) / 2, rel=0.01)


def test_settings_that_are_halved_for_ever_stay_legal() -> None:
    for settings in (LATTICE, SAMPLED):
        for _ in range(40):
            settings = memory.halved(settings, FIXED)
        assert Settings.from_json(settings.to_json()) == settings


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Let torch have 150 MB more of the GPU than it has now."""
    torch.cuda.empty_cache()
    total = torch.cuda.mem_get_info()[1]
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 150 * 2**20) / total)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)


@pytest.mark.gpu
@pytest.mark.usefixtures("little_memory")
def test_a_gpu_that_is_too_small_is_reported_in_megabytes() -> None:
    settings = replace(SIREN, device="cuda", stages=(Stage(1, 5, 1e-3, 4_000_000),))
    result = register.register(a_problem(), settings)
    assert result.outcome is Outcome.OUT_OF_MEMORY
    assert " MB of the GPU's " in result.message


@pytest.mark.gpu
def test_the_gpu_is_given_back_after_a_run() -> None:
    torch.cuda.empty_cache()
    register.register(a_problem(), replace(short(LATTICE), device="cuda"))
    before = torch.cuda.memory_reserved()
    result = register.register(a_problem(), replace(short(LATTICE), device="cuda"))
    assert result.outcome.usable
    assert torch.cuda.memory_reserved() <= before
    assert torch.cuda.memory_allocated() < 20 * 2**20
