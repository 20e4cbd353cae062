"""Runs that end on the way and are taken up again: they must end where an uninterrupted run does, to the last bit on a CPU."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fits import LATTICE, SAMPLED, SINR, SIREN, a_problem, short

from inr_registration.app import register
from inr_registration.app import registration as engine
from inr_registration.core import (
    Affine,
    Command,
    Cycle,
    InputError,
    ModelState,
    Outcome,
    Problem,
    Progress,
    Result,
    Settings,
    Stage,
    from_bytes,
    load_preset,
    to_bytes,
)

AXIS = np.array([[-20.0, 0, -15], [18.0, 4, 16]])
LINE = np.array([[-24.0, 0, 0], [-8, 2, 1], [8, -1, 2], [24, 1, 0]])


class Kept:
    """Saves after so many iterations, and gives back what was saved, through the bytes of a file.

    Args:
        after: Iterations, over all stages; None to save after each.
        content: What an earlier run left.
    """

    def __init__(self, after: int | None = None, content: bytes | None = None) -> None:
        self.after, self.content, self.asked = after, content, 0

    def load(self) -> ModelState | None:
        return None if self.content is None else from_bytes(self.content)

    def due(self) -> bool:
        self.asked += 1
        return self.after is None or self.asked == self.after

    def save(self, state: ModelState) -> None:
        self.content = to_bytes(state)


def interrupted(problem: Problem, settings: Settings, after: int) -> bytes:
    """What a run leaves that was saved after so many iterations and killed some later."""
    kept, told = Kept(after), [0]

    def report(progress: Progress) -> Command:
        told[0] += progress.phase == "fit"
        return Command.CANCEL if told[0] >= after + 2 else Command.CONTINUE

    assert register(problem, settings, report, kept).outcome is Outcome.CANCELLED
    assert kept.content is not None
    return kept.content


def assert_same(one: Result, other: Result) -> None:
    assert one.model is not None
    assert other.model is not None
    assert one.model.tensors.keys() == other.model.tensors.keys()
    for name, array in one.model.tensors.items():
        np.testing.assert_array_equal(array, other.model.tensors[name])
    assert one.history == other.history


def tube(settings: Settings) -> Settings:
    return replace(settings, geometry=load_preset("geometry").settings.geometry, stages=(Stage(1, 20, 1e-3, 600),))


def heart(settings: Settings) -> Settings:
    geometry = load_preset("cardiac").settings.geometry
    return replace(settings, geometry=geometry, regularity={"diffusion": 0.1}, stages=(Stage(2, 8, 1e-3, 600), Stage(1, 8, 1e-3, 600)))


CASES: dict[str, tuple[Settings, int, dict[str, Any]]] = {
    "lattice, first stage": (short(LATTICE), 3, {}),
    "lattice, second stage": (short(LATTICE), 9, {}),
    "sampled, at the end of a stage": (short(SAMPLED), 6, {}),
    "sampled, second stage": (short(SAMPLED), 8, {}),
    "affine before": (replace(short(LATTICE), affine=Affine("affine")), 8, {}),
    "affine left out": (replace(short(LATTICE), affine=Affine("auto"), similarity={"auto": 1.0}), 8, {}),
    "siren": (short(SIREN, 12), 7, {}),
    "sinr": (short(SINR), 9, {}),
    "until nothing is gained": (replace(short(LATTICE, 12), tolerance=1e-3, patience=2), 8, {}),
    "two networks": (replace(short(SIREN, 12), cycle=Cycle(ramp=True)), 7, {}),
    "two lattices": (replace(short(LATTICE), cycle=Cycle(ramp=True)), 8, {}),
    "tube": (tube(SIREN), 18, {"centrelines": (LINE,)}),
    "heart": (heart(SIREN), 11, {"long_axis": AXIS}),
    "discrete start": (replace(short(LATTICE), start="discrete"), 9, {}),
    "landmarks": (replace(short(LATTICE), landmark_weight=0.1), 9, {"fixed_landmarks": LINE, "moving_landmarks": LINE + 1}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_run_that_is_taken_up_again_ends_where_an_uninterrupted_one_does(name: str) -> None:
    settings, after, more = CASES[name]
    problem = a_problem(**more)
    content = interrupted(problem, settings, after)
    told: list[Progress] = []

    def report(progress: Progress) -> Command:
        told.append(progress)
        return Command.CONTINUE

    resumed = register(problem, settings, report, Kept(0, content))
    fresh = register(problem, settings)
    assert_same(resumed, fresh)
    assert [choice for choice in resumed.choices if "went on from iteration" not in choice] == list(fresh.choices)
    first = next(progress for progress in told if progress.phase == "fit")
    assert first.stage * settings.stages[0].iterations + first.iteration == after + 1


def test_saving_changes_nothing() -> None:
    assert_same(register(a_problem(), short(LATTICE), checkpoints=Kept()), register(a_problem(), short(LATTICE)))


def test_the_second_attempt_after_a_shortage_of_memory_is_what_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, settings, attempts = a_problem(), short(LATTICE), []
    attempt = engine._attempt

    def failing(problem: Problem, settings: Settings, *more: Any) -> Result:
        attempts.append(settings.max_voxels)
        if settings.max_voxels == LATTICE.max_voxels:
            return Result(Outcome.OUT_OF_MEMORY, "", {})
        return attempt(problem, settings, *more)

    monkeypatch.setattr(engine, "_attempt", failing)
    content = interrupted(problem, settings, 8)
    assert len(attempts) == 2
    resumed = register(problem, settings, checkpoints=Kept(0, content))
    assert attempts[2:] == [attempts[1]]
    assert_same(resumed, register(problem, settings))


def edited(content: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    state = from_bytes(content)
    metadata = json.loads(json.dumps(state.metadata))
    change(metadata["checkpoint"])
    return to_bytes(ModelState(metadata, state.tensors))


BROKEN: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "other images": (lambda c: c["identity"].update(inputs="0"), r"of another run \(other inputs\)"),
    "other settings": (lambda c: c["identity"].update(settings={}), r"of another run \(other settings\)"),
    "a part missing": (lambda c: c.pop("affine"), "not one of a registration"),
    "an unknown part": (lambda c: c.update(colour="red"), "not one of a registration"),
    "a number that is none": (lambda c: c["run"].update(done="many"), "not one of a registration"),
    "a part of the run missing": (lambda c: c["run"].pop("steps"), "not one of a registration"),
    "another stage": (lambda c: c.update(number=0), "does not fit"),
    "a stage that is not there": (lambda c: c.update(number=7), "not one of a registration"),
    "a stage that is a word": (lambda c: c.update(number="two"), "not one of a registration"),
    "no matrix": (lambda c: c.update(affine=[1, 2]), "not one of a registration"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_checkpoint_of_something_else_is_refused_in_words(name: str) -> None:
    change, message = BROKEN[name]
    problem, settings = a_problem(), short(LATTICE)
    content = edited(interrupted(problem, settings, 9), change)
    with pytest.raises(InputError, match=message):
        register(problem, settings, checkpoints=Kept(0, content))


@pytest.mark.parametrize("name", ["generator.before", "generator.now"])
@pytest.mark.parametrize("left", [None, np.zeros(3, np.uint8), np.zeros(5056, np.float32)], ids=["nothing", "too little", "other numbers"])
def test_a_checkpoint_without_its_random_numbers_is_refused(name: str, left: np.ndarray | None) -> None:
    state = from_bytes(interrupted(a_problem(), short(LATTICE), 9))
    tensors = {key: array for key, array in state.tensors.items() if key != name} | ({} if left is None else {name: left})
    with pytest.raises(InputError, match=f"{name} is not in it or damaged"):
        register(a_problem(), short(LATTICE), checkpoints=Kept(0, to_bytes(ModelState(state.metadata, tensors))))


def test_a_model_is_no_checkpoint() -> None:
    model = register(a_problem(), short(LATTICE)).model
    assert model is not None
    with pytest.raises(InputError, match="not one of a registration"):
        register(a_problem(), short(LATTICE), checkpoints=Kept(0, to_bytes(model)))
