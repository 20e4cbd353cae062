"""What runs in the background: the fit, and every array that the scene will need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from inr_registration.core.errors import RegistrationError
from inr_registration.core.problem import Problem
from inr_registration.core.progress import Command, Progress, Report
from inr_registration.core.result import Result
from inr_registration.core.settings import Settings
from inr_registration.slicer.logic.torch_setup import why_not_loaded
from inr_registration.slicer.scene.arrays import SceneArrays, scene_arrays
from inr_registration.slicer.scene.structure import Structure


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
    """The answer.

    Args:
        result: As the engine gave it; without images once the report is made.
        arrays: For the scene; None where the result is not usable.
        page: The report; empty where there is none.
    """

    result: Result
    arrays: SceneArrays | None
    page: str = ""


def perform(task: Task, report: Report) -> Done:
    """Register and prepare the arrays. Imports torch; for the background thread.

    Raises:
        InputError: The problem or the settings make a registration impossible.
        RegistrationError: PyTorch cannot be loaded.
    """
    register = _engine()
    result = register(task.problem, task.settings, report)
    if not result.usable or report(Progress("finish", 0.99, result.timings_s.get("total", 0.0))) is Command.CANCEL:
        return Done(result, None)  # of a run that was cancelled, nobody looks at it
    return Done(result, scene_arrays(task.problem, result, task.structures, task.threshold))


def _engine() -> Any:
    try:
        from inr_registration.app.registration import register
    except (ImportError, OSError) as error:  # on Windows a library that is missing is an OSError
        words = why_not_loaded(error)
        if not words:
            raise
        raise RegistrationError(words) from error
    return register
