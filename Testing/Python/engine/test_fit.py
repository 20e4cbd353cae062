"""One stage of a fit: what it reads, and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from fits import a_problem, short
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from inr_registration.app import registration as register
from inr_registration.core import Settings, Stage, load_preset
from inr_registration.methods import stages
from inr_registration.numerics import kernels as compiled
from inr_registration.optimise import HALVINGS, Diverged, Objective, Reading, fit_stage

WAITING = {
    "aten::_local_scalar_dense",
    "aten::nonzero",
    "aten::masked_select",
    "aten::_unique2",
    "aten::is_nonzero",
    "aten::equal",
    "aten::bincount",
}
"""Operations whose result, or its size, Python needs: on a GPU each waits until everything before it is done."""


class Watch(TorchDispatchMode):
    """Counts operations by name, and indexing by a mask as ``nonzero``, which it is."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        name = func.name().split(".")[0]
        masks = [index for index in (args[1] if name == "aten::index" else ()) if index is not None and index.dtype == torch.bool]
        self.seen["aten::nonzero" if masks else name] += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("preset", ["auto", "multimodal", "ffd", "idir", "idir-relu", "sinr", "sinr-faithful", "cycle", "cycle-siren"])
def test_nothing_in_a_stage_waits_for_a_gpu(preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen on a CPU, in the code that a GPU runs: no operation asks for a number between the first iteration and the last."""
    monkeypatch.setattr(compiled, "usable", lambda _: False)
    watch, ended = Watch(), []

    def watched(*arguments: Any) -> Any:
        with watch:
            ended.append(fit_stage(*arguments))
        return ended[-1]

    monkeypatch.setattr(stages, "fit_stage", watched)
    settings = load_preset(preset).settings
    fewer = tuple(replace(stage, points=min(stage.points, 500)) for stage in settings.stages)
    result = register.register(a_problem(), short(replace(settings, stages=fewer, affine=replace(settings.affine, iterations=2))))
    assert result.outcome.usable
    assert ended
    assert watch.seen["aten::sum"] > 0
    assert not WAITING & set(watch.seen)


def test_the_watch_sees_what_waits() -> None:
    values = torch.tensor([1.0, -1.0])
    for ask in (lambda: float(values[0]), lambda: values[values > 0], lambda: bool((values > 0).any()), values.nonzero):
        with Watch() as watch:
            ask()
        assert WAITING & set(watch.seen)


def objective(value: Callable[[Tensor], Tensor]) -> Objective:
    at = torch.tensor([3.0], requires_grad=True)
    return Objective(lambda: {"it": value(at)}, [at], 0.1, (0.9, 0.999), "here")


STAGE = Stage(shrink=1, iterations=23, learning_rate=0.1)


def test_readings_that_come_late_make_the_same_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(stages=(STAGE,))
    at_once = fit_stage(STAGE, objective(lambda x: x.square().sum()), settings, lambda *_: None)
    monkeypatch.setattr(Reading, "delay", 1)
    told: list[tuple[int, float | None]] = []
    late = fit_stage(STAGE, objective(lambda x: x.square().sum()), settings, lambda done, terms: told.append((done, terms.get("it"))))
    assert late == at_once
    assert late.curve.iterations == [0, 5, 10, 15, 20]
    assert told[5] == (6, late.curve.terms["it"][0])  # that of iteration 0, while that of iteration 5 is on its way


@pytest.mark.parametrize("delay", [0, 1])
@pytest.mark.parametrize("iterations", [3, 23])
def test_an_objective_that_is_never_a_number_ends_the_stage(delay: int, iterations: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reading, "delay", delay)
    stage, it = replace(STAGE, iterations=iterations), objective(lambda x: (x * float("nan")).sum())
    with pytest.raises(Diverged, match=r"objective nan at iteration \d+, also with|never a finite number") as error:
        fit_stage(stage, it, Settings(stages=(stage,)), lambda *_: None)
    assert not error.value.found
    assert it.parameters[0].tolist() == [3.0]


def cliff(at: float) -> Callable[[Tensor], Tensor]:
    """Falls towards 0 with a slope of its own, and is undefined beyond a place: steps of 0.1 cannot help going there."""
    return lambda x: (x + torch.log(x - at) * 0).sum()


@pytest.mark.parametrize("delay", [0, 1])
def test_a_stage_that_diverges_goes_back_and_on_with_half_the_step(delay: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lowest at 0 and undefined below -0.5: Adam overshoots with long steps."""
    monkeypatch.setattr(Reading, "delay", delay)
    stage = replace(STAGE, iterations=120)
    it = replace(objective(lambda x: (x.square() + torch.sqrt(x + 0.5) * 0).sum()), rate=0.8)
    ended = fit_stage(stage, it, Settings(stages=(stage,), lr_end=0.0), lambda *_: None)
    assert 1 <= ended.halvings <= HALVINGS
    assert abs(it.parameters[0].item()) < 0.05
    assert all(np.isfinite(ended.curve.terms["total"]))


@pytest.mark.parametrize("delay", [0, 1])
def test_a_stage_that_keeps_diverging_ends_with_its_best_state(delay: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reading, "delay", delay)
    stage, it = replace(STAGE, iterations=200), objective(cliff(2.75))
    with pytest.raises(Diverged, match="also with steps 8 times shorter") as error:
        fit_stage(stage, it, Settings(stages=(stage,), lr_end=1.0), lambda *_: None)
    assert error.value.found
    assert 2.75 < it.parameters[0].item() < 3.0


def test_a_last_step_to_nowhere_is_taken_back() -> None:
    """The gradient alone is undefined, and only in the last iteration: no objective ever tells."""
    left = [STAGE.iterations]

    def value(x: Tensor) -> Tensor:
        left[0] -= 1
        return (x.square() + torch.sqrt(x * 0) if left[0] == 0 else x.square()).sum()

    it = objective(value)
    ended = fit_stage(STAGE, it, Settings(stages=(STAGE,)), lambda *_: None)
    assert ended.halvings == 1
    assert 0 < it.parameters[0].item() < 3.0


def test_readings_are_not_held_back_without_a_gpu() -> None:
    told: list[float | None] = []
    fit_stage(STAGE, objective(lambda x: x.square().sum()), Settings(stages=(STAGE,)), lambda _, terms: told.append(terms.get("it")))
    assert told[0] == 9.0
    assert told[5] != told[4]
