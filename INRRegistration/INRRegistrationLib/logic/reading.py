"""From what was chosen to a task that no longer needs the scene."""

from __future__ import annotations

from INRRegistrationLib.core.settings import Settings
from INRRegistrationLib.logic.work import Task
from INRRegistrationLib.scene.outputs import Outputs, check_outputs
from INRRegistrationLib.scene.read import Inputs, read, read_structures


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
    problem = read(inputs)
    problem.check()
    return Task(problem, settings, read_structures(inputs, problem.fixed.grid), threshold)
