"""One stage of a fit: what it reads, and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from fits import a_problem, short
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from INRRegistrationLib.core.presets import load_preset
from INRRegistrationLib.core.settings import Settings, Stage
from INRRegistrationLib.engine import compiled, register
from INRRegistrationLib.engine.fit import Diverged, Objective, Reading, fit_stage

WAITING = {"aten::_local_scalar_dense", "aten::nonzero", "aten::masked_select", "aten::_unique2", "aten::is_nonzero", "aten::equal"}
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


@pytest.mark.parametrize("preset", ["auto", "multimodal", "ffd", "idir", "idir-relu", "sinr", "cycle"])
def test_nothing_in_a_stage_waits_for_a_gpu(preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen on a CPU, in the code that a GPU runs: no operation asks for a number between the first iteration and the last."""
    monkeypatch.setattr(compiled, "usable", lambda _: False)
    watch, ended = Watch(), []

    def watched(*arguments: Any) -> Any:
        with watch:
            ended.append(fit_stage(*arguments))
        return ended[-1]

    monkeypatch.setattr(register, "fit_stage", watched)
    settings = load_preset(preset).settings
    stages = tuple(replace(stage, points=min(stage.points, 500)) for stage in settings.stages)
    result = register.register(a_problem(), short(replace(settings, stages=stages, affine=replace(settings.affine, iterations=2))))
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
def test_an_objective_that_is_no_number_ends_the_stage(delay: int, iterations: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reading, "delay", delay)
    stage = replace(STAGE, iterations=iterations)
    with pytest.raises(Diverged, match="objective nan at iteration 0"):
        fit_stage(stage, objective(lambda x: (x * float("nan")).sum()), Settings(stages=(stage,)), lambda *_: None)
