"""From a problem to a folder with results: what ``register`` and ``demo`` share."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from inr_registration.app.cli.arguments import EVERY_S
from inr_registration.app.cli.checkpoint_file import CheckpointFile, run_folder
from inr_registration.app.cli.drawing import Drawing
from inr_registration.app.cli.log import log_of, save_log
from inr_registration.app.cli.main import DIVERGED, KEPT, RED, STOPPED
from inr_registration.app.cli.outputs import write_result
from inr_registration.app.cli.progress_bar import ProgressBar
from inr_registration.core.errors import RegistrationError
from inr_registration.core.problem import Problem
from inr_registration.core.result import Outcome, Result
from inr_registration.core.settings import Settings
from inr_registration.core.verdict import Level


@dataclass(frozen=True)
class Running:
    """How to run, beside the settings.

    Args:
        threads: CPU threads, or None for torch's choice.
        quiet: Show no progress.
        resume: Go on from the checkpoint that an earlier run left.
        every_s: Seconds between two checkpoints.
        drawing: How the warped image is written, where it is not to be as the fit drew it.
    """

    threads: int | None = None
    quiet: bool = False
    resume: bool = False
    every_s: float = EVERY_S
    drawing: Drawing | None = None

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Running:
        """By the words of a command."""
        every_s, resume = getattr(arguments, "checkpoint_every", EVERY_S), getattr(arguments, "resume", False)
        return cls(arguments.threads, arguments.quiet, resume, every_s)


def execute(problem: Problem, settings: Settings, folder: Path, running: Running) -> Result:
    """Register and write.

    Args:
        problem: The images.
        settings: How.
        folder: For the results; checked before.
        running: How to run.

    Raises:
        InputError: The images cannot be registered, or the folder is in use.
        RegistrationError: There is no usable result, or it cannot be written.
        Terminated: The system asked for an end; the checkpoint stays.
    """
    problem.check()  # before torch is imported, so that bad input is answered at once
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait must not take the cores of those that work
    with run_folder(folder), ProgressBar(running.quiet) as bar:
        checkpoints = CheckpointFile(folder, running.resume, running.every_s, lambda: bar.terminating)
        try:
            result = _register(problem, settings, bar, checkpoints, running.threads)
            if result.usable:
                _write(folder, problem, result, checkpoints, running.drawing)
        except KeyboardInterrupt:
            checkpoints.remove()
            raise
        if result.outcome is not Outcome.STOPPED:  # what was stopped can be gone on with
            checkpoints.remove()
        if not result.usable:
            raise RegistrationError(f"{result.message} ({save_log(log_of(problem, settings, result))})")
    return result


def _write(folder: Path, problem: Problem, result: Result, checkpoints: CheckpointFile, drawing: Drawing | None) -> None:
    """What cannot be written can be had again from the checkpoint, where there is one."""
    try:
        write_result(folder, problem, result, drawing)
    except RegistrationError as error:
        if not checkpoints.path.exists():
            raise
        raise RegistrationError(f"{error}; the fit is kept, and the same command with --resume goes on from it") from error


def exit_status(result: Result) -> int:
    """For a result that was kept: how the run ended counts more than how it was judged."""
    if not result.outcome.usable:
        return DIVERGED
    if result.outcome is Outcome.STOPPED:
        return STOPPED
    return RED if result.verdict is not None and result.verdict.level is Level.RED else KEPT


def _register(problem: Problem, settings: Settings, bar: ProgressBar, checkpoints: CheckpointFile, threads: int | None) -> Result:
    import torch

    from inr_registration.app.registration import register

    if threads is not None:
        cores = os.cpu_count() or threads
        if threads > cores:
            said = f"{threads} threads were asked for, but there are {cores} processors; more threads than these are slower"
            print(f"inr-register: {said}", file=sys.stderr)
        torch.set_num_threads(threads)
    return register(problem, settings, bar, checkpoints)
