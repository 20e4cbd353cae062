"""From a problem to a folder with results: what ``register`` and ``demo`` share."""

from __future__ import annotations

import os
from pathlib import Path

from INRRegistrationLib.cli.outputs import write_result
from INRRegistrationLib.cli.progress_bar import ProgressBar
from INRRegistrationLib.core.errors import RegistrationError
from INRRegistrationLib.core.problem import Problem
from INRRegistrationLib.core.result import Result
from INRRegistrationLib.core.settings import Settings


def execute(problem: Problem, settings: Settings, folder: Path, threads: int | None, quiet: bool) -> Result:
    """Register and write.

    Args:
        problem: The images.
        settings: How.
        folder: For the results; checked before.
        threads: CPU threads, or None for torch's choice.
        quiet: Show no progress.

    Raises:
        InputError: The images cannot be registered.
        RegistrationError: There is no usable result, or it cannot be written.
    """
    problem.check()  # before torch is imported, so that bad input is answered at once
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait must not take the cores of those that work
    with ProgressBar(quiet) as bar:
        import torch

        from INRRegistrationLib.engine.register import register

        if threads is not None:
            torch.set_num_threads(threads)
        result = register(problem, settings, bar)
        if not result.outcome.usable:
            raise RegistrationError(result.message)
        write_result(folder, problem, result)
    return result
