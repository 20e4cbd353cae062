"""Steps that a GPU records once and repeats. Here a tape on the CPU stands in for its recording: the same operations on the same memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from fits import a_problem, short
from test_fit import WAITING
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from inr_registration.app import register
from inr_registration.core import Result, Settings, load_preset
from inr_registration.measure import NAME as CHANCE
from inr_registration.methods import SampledPoints, StageData, passes, prepare, stages
from inr_registration.numerics import Held
from inr_registration.numerics import kernels as compiled
from inr_registration.optimise import WARM_UP, Adam, Objective, Plain, Recorded, alike, fit

pytestmark = pytest.mark.slow

FORBIDDEN = {*WAITING, "aten::lift_fresh"}
"""What a GPU cannot record; the last one brings numbers from Python."""


class Tape(TorchDispatchMode):
    """Operations with their inputs and outputs, as addresses: to be done again with whatever lies there then."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        name = func.name().split(".")[0]
        if name in FORBIDDEN:
            raise RuntimeError(f"{name}: operation not permitted when stream is capturing\nmore about it")
        out = func(*args, **(kwargs or {}))
        self.operations.append((func, args, kwargs or {}, out))
        return out

    @torch.no_grad()
    def repeat(self) -> None:
        for func, args, kwargs, out in self.operations:
            for place, value in zip(tree_leaves(out), tree_leaves(func(*args, **kwargs)), strict=True):
                if isinstance(value, Tensor) and value.untyped_storage().data_ptr() != place.untyped_storage().data_ptr():
                    place.copy_(value)


class OnTape:
    """Records like a GPU: what it records is not done."""

    def __init__(self, state: list[Tensor]) -> None:
        self.state, self.repeats = state, 0

    def apart(self, work: Callable[[], None]) -> None:
        work()

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        before = [tensor.detach().clone() for tensor in self.state]
        with Tape() as tape:
            work()
        with torch.no_grad():
            for tensor, value in zip(self.state, before, strict=True):
                tensor.copy_(value)

        def repeat() -> None:
            self.repeats += 1
            tape.repeat()

        return repeat


def recorded(objective: Objective, optimiser: Adam) -> Recorded:
    return Recorded(objective, optimiser, OnTape([*objective.parameters, *optimiser.means, *optimiser.squares]))


def few(preset: str, similarity: dict[str, float] | None = None) -> Settings:
    settings = short(load_preset(preset).settings, 8)
    stages = tuple(replace(stage, points=min(stage.points, 400)) for stage in settings.stages)
    return replace(settings, stages=stages, affine=replace(settings.affine, iterations=2), similarity=similarity or settings.similarity)


def moved(result: Result) -> np.ndarray:
    assert result.displacement is not None
    return result.displacement


CASES = {
    **{name: few(name) for name in ("auto", "multimodal", "ffd", "idir", "idir-relu", "sinr", "cycle", "cycle-siren")},
    "mutual information": few("ffd", {"nmi": 1.0}),
    "mutual information at points": few("idir", {"nmi": 1.0}),
}


@pytest.mark.parametrize("name", CASES)
def test_repeated_steps_are_the_steps_themselves(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that changes from one iteration to the next is read from memory, and nothing waits: so a GPU can repeat them."""
    monkeypatch.setattr(compiled, "usable", lambda _: False)
    plain = register(a_problem(), CASES[name])
    made: list[Recorded] = []

    def new_step(objective: Objective, optimiser: Adam) -> Plain | Recorded:
        if objective.name == CHANCE:  # the quality control's own fits always run on the CPU
            return Plain(objective, optimiser)
        made.append(recorded(objective, optimiser))
        return made[-1]

    monkeypatch.setattr(fit, "new_step", new_step)
    again = register(a_problem(), CASES[name])
    assert made
    for step in made:
        assert step.note == ""
        assert step.recorder.repeats == 8 - WARM_UP  # one more than was needed, for comparison
    assert np.abs(moved(plain)).max() > 0.05
    np.testing.assert_array_equal(moved(again), moved(plain))
    for one, other in zip(plain.history, again.history, strict=True):
        np.testing.assert_array_equal(one.terms["total"], other.terms["total"])


def parabola(spoil: Callable[[], Any] = lambda: None) -> tuple[Objective, Adam]:
    """The squared distance from what is drawn, with something else in its evaluation."""
    at, goal = torch.tensor([3.0, 2.0, -1.0], requires_grad=True), torch.zeros(3)
    drawn = torch.Generator().manual_seed(1)

    def terms() -> dict[str, Tensor]:
        extra = spoil()
        value = (at - goal).square().sum()
        return {"it": value if extra is None else value * extra}

    objective = Objective(terms, [at], 0.1, (0.9, 0.999), "here", draw=lambda: goal.copy_(torch.rand(3, generator=drawn)))
    return objective, Adam(objective.parameters, objective.betas)


def places(step: Plain | Recorded) -> list[list[float]]:
    found = []
    for number in range(9):
        step(0.1 / (1 + number))
        found.append(step.objective.parameters[0].tolist())
    return found


def test_each_step_of_a_record_goes_its_own_length_for_its_own_numbers() -> None:
    step = recorded(*parabola())
    np.testing.assert_allclose(places(step), places(Plain(*parabola())), rtol=1e-5)
    assert step.repeat is not None


def test_what_cannot_be_recorded_is_done_piece_by_piece() -> None:
    waits = lambda: float(torch.ones(1))  # noqa: E731
    step = recorded(*parabola(waits))
    np.testing.assert_allclose(places(step), places(Plain(*parabola())), rtol=1e-5)
    assert step.repeat is None
    assert "_local_scalar_dense" in step.note
    assert "\n" not in step.note


def test_a_record_that_does_something_else_is_not_used() -> None:
    calls = [0]

    def changing() -> float:  # Python's own count is not in a record
        calls[0] += 1
        return 1.0 if calls[0] == WARM_UP + 1 else 50.0

    step = recorded(*parabola(changing))
    found = places(step)
    assert step.repeat is None
    assert "differed" in step.note
    assert np.isfinite(found).all()


def test_steps_are_alike_by_their_own_length() -> None:
    before = [torch.zeros(4), torch.zeros(2)]
    step = [torch.full((4,), 0.1), torch.full((2,), 1e-4)]
    assert alike(before, [step[0] * 1.04, step[1]], step)
    assert not alike(before, [step[0], step[1] * 1.2], step)
    assert not alike(before, [step[0] * float("nan"), step[1]], step)


class Elsewhere(TorchDispatchMode):
    """Refuses to bring numbers from the CPU to a device whose tensors hold none (``meta``), or back."""

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> Any:
        out = func(*args, **(kwargs or {}))
        kinds = {leaf.device.type for leaf in tree_leaves((args, kwargs, out)) if isinstance(leaf, Tensor) and leaf.dim() > 0}
        assert kinds <= {"meta"}, f"{func.name()} works on {kinds}"
        return out


def on_meta(data: StageData) -> StageData:
    """The same stage where nothing is computed; what is not on the device of the images shows at once."""
    fixed, moving = (replace(image, values=image.values.to("meta")) for image in (data.fixed, data.moving))
    return replace(data, fixed=fixed, moving=moving, fixed_weight=data.fixed_weight.to("meta"), moving_weight=data.moving_weight.to("meta"))


def points_on_meta(here: StageData, there: StageData) -> Callable[..., SampledPoints]:
    """Makes sampled points that choose from the images here and look at those there."""

    def made(data: StageData, count: int, generator: torch.Generator) -> SampledPoints:
        points = SampledPoints(replace(here, similarity=data.similarity), count, generator)
        points.data, points.index = replace(there, similarity=data.similarity), Held(torch.device("meta"))
        for name in ("linear", "shift", "to_unit", "origin"):
            setattr(points, name, getattr(points, name).to("meta"))
        return points

    return made


@pytest.mark.parametrize(
    "name", ["auto", "multimodal", "ffd", "mutual information", "idir", "idir-relu", "sinr", "mutual information at points"]
)
def test_an_iteration_stays_on_its_device(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, generator = CASES[name], torch.Generator().manual_seed(0)
    stage = settings.stages[-1]
    prepared = prepare(a_problem(), settings, torch.device("cpu"))
    prepared.choose_similarity(settings, np.eye(4))
    here = prepared.stage_data(stage, settings, np.eye(4))
    there = on_meta(here)
    monkeypatch.setattr(passes, "SampledPoints", points_on_meta(here, there))
    field = prepared.field_for(stage, settings, None, generator).to("meta")
    one_pass = passes.passes(stage, there, field, settings, generator)
    one_pass.draw_look()

    def terms() -> dict[str, Tensor]:
        seen = one_pass.see()
        return {**seen.terms, "looked at": seen.look(50, 1)[1].value.sum()}

    objective = Objective(terms, list(field.parameters()), 0.1, (0.9, 0.99), "here", one_pass.draw)
    step = recorded(objective, Adam(objective.parameters, objective.betas))
    step(0.1)  # makes constants
    objective.draw()
    with Elsewhere():
        step._whole()
    assert len(step.seen[0]) > 2


def test_what_leaves_its_device_is_seen() -> None:
    with pytest.raises(AssertionError, match="works on"), Elsewhere():
        torch.ones(3, device="meta") + torch.ones(3, device="cpu").to("meta")


@pytest.fixture
def complaints(monkeypatch: pytest.MonkeyPatch) -> None:
    """Operations that wait for the GPU inside a stage raise, but for the recording itself."""
    fit_stage = stages.fit_stage

    def watched(*arguments: Any) -> Any:
        torch.cuda.set_sync_debug_mode("error")
        try:
            return fit_stage(*arguments)
        finally:
            torch.cuda.set_sync_debug_mode("default")

    monkeypatch.setattr(stages, "fit_stage", watched)


@pytest.mark.gpu
@pytest.mark.usefixtures("complaints")
@pytest.mark.parametrize("name", CASES)
def test_pieces_launched_on_a_gpu_never_wait_for_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "new_step", Plain)
    monkeypatch.setattr(fit.StageRun, "ended", lambda run: fit.StageOutcome(run.records.curve, False))
    assert register(a_problem(), replace(CASES[name], device="cuda")).outcome.usable


@pytest.mark.gpu
@pytest.mark.parametrize("name", CASES)
def test_a_gpu_records_and_repeats(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = replace(CASES[name], device="cuda")
    result = register(a_problem(), settings)
    assert not [choice for choice in result.choices if "record" in choice]
    monkeypatch.setattr(fit, "new_step", Plain)
    plain = moved(register(a_problem(), settings))
    assert np.abs(moved(result) - plain).mean() < 0.03 * np.abs(plain).mean()
