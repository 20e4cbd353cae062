"""From what was chosen to a task that no longer needs the scene."""

from __future__ import annotations

from inr_registration.core.calibration import estimator_for
from inr_registration.core.errors import InputError
from inr_registration.core.needs import check_given
from inr_registration.core.problem import Problem
from inr_registration.core.settings import Settings
from inr_registration.slicer.logic.record import Record
from inr_registration.slicer.logic.work import Task
from inr_registration.slicer.scene.outputs import Outputs, check_outputs
from inr_registration.slicer.scene.read import Inputs, read, read_structures

FIELDS = {
    "fixed_landmarks": "fixed landmarks",
    "moving_landmarks": "moving landmarks",
    "centrelines": "a centreline",
    "long_axis": "the long axis of the left ventricle",
    "ventricle": "a segmentation of the left ventricle",
}
"""Field of ``Problem`` and of ``Inputs`` -> what the user knows it as."""


def given_fields(inputs: Inputs) -> list[str]:
    """Those of ``FIELDS`` for which a node is chosen."""
    return [name for name in FIELDS if getattr(inputs, name) not in (None, ())]


def read_task(inputs: Inputs, outputs: Outputs, settings: Settings, threshold: float) -> Task:
    """Copy everything that a registration needs out of the scene.

    Args:
        inputs: What to register; left as it is.
        outputs: Nodes that will be updated.
        settings: How.
        threshold: Regions with det J below it are listed.

    Raises:
        InputError: Something cannot be used.
    """
    check_outputs(inputs, outputs)
    check_given(settings, given_fields(inputs), FIELDS)
    estimator_for(settings)  # refuses a way to estimate the uncertainty that was not tested with this method
    problem = read(inputs)
    problem.check()
    return Task(problem, settings, read_structures(inputs, problem.fixed.grid), threshold)


def read_recorded(record: Record, inputs: Inputs, outputs: Outputs, settings: Settings, threshold: float) -> Task:
    """The same; where it is refused, the record says why and of what images. Those are read once more, good or bad.

    Raises:
        InputError: Something cannot be used.
    """
    try:
        return read_task(inputs, outputs, settings, threshold)
    except Exception as error:
        record.refused(str(error), _as_they_are(inputs) if isinstance(error, InputError) else None)
        raise


def _as_they_are(inputs: Inputs) -> Problem | None:
    try:
        return read(inputs)
    except InputError:
        return None
