"""What runs in the background: the fit, and every array that the scene will need."""

from __future__ import annotations

from dataclasses import dataclass

from INRRegistrationLib.core.problem import Problem
from INRRegistrationLib.core.progress import Report
from INRRegistrationLib.core.result import Result
from INRRegistrationLib.core.settings import Settings
from INRRegistrationLib.scene.arrays import SceneArrays, Structure, scene_arrays


@dataclass(frozen=True, eq=False)
class Task:
    """One registration, read from the scene and independent of it.

    Args:
        problem: Copies of the images, LPS world.
        settings: How.
        structures: Segments on the fixed grid, for the tables.
        threshold: Regions with det J below this are listed beside those that fold.
    """

    problem: Problem
    settings: Settings
    structures: tuple[Structure, ...] = ()
    threshold: float = 0.3


@dataclass(frozen=True, eq=False)
class Done:
    """The answer: ``arrays`` is None where the result is not usable."""

    result: Result
    arrays: SceneArrays | None


def perform(task: Task, report: Report) -> Done:
    """Register and prepare the arrays. Imports torch; for the background thread.

    Raises:
        InputError: The problem or the settings make a registration impossible.
    """
    from INRRegistrationLib.engine.register import register

    result = register(task.problem, task.settings, report)
    if not result.outcome.usable:
        return Done(result, None)
    return Done(result, scene_arrays(task.problem, result, task.structures, task.threshold))
