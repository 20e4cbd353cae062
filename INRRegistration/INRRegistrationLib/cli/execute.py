"""From a problem to a folder with results: what ``register`` and ``demo`` share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from INRRegistrationLib.cli.outputs import write_result
from INRRegistrationLib.cli.progress_bar import ProgressBar
from INRRegistrationLib.core.errors import RegistrationError
from INRRegistrationLib.core.problem import Problem
from INRRegistrationLib.core.result import Quality, Result
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


def print_summary(result: Result, folder: Path) -> None:
    """Say how it went and where the files are."""
    lines = [result.message]
    lines += [f"note: {sentence}" for sentence in (*result.warnings, *result.choices)]
    if result.quality is not None:
        lines += quality_lines(result.quality)
    seconds = result.timings_s.get("total", 0.0)
    lines += [f"{seconds:.0f} s on {result.device}", f"results in {folder}; open {folder / 'report.html'}", "not for clinical use"]
    print("\n".join(lines))
    sys.stdout.flush()


def quality_lines(quality: Quality) -> list[str]:
    """The indicators in words, one a line."""
    lines = [f"{name}: {before:.3f} before, {after:.3f} after" for name, (before, after) in quality.similarity.items()]
    if quality.tre_mm:
        before, after = quality.tre_mm["before"], quality.tre_mm["after"]
        lines.append(f"landmarks apart: mean {before['mean']:.2f} mm before, {after['mean']:.2f} mm after")
    if quality.dice:
        means = [sum(pair[n] for pair in quality.dice.values()) / len(quality.dice) for n in (0, 1)]
        lines.append(f"overlap of {len(quality.dice)} labels (mean Dice): {means[0]:.3f} before, {means[1]:.3f} after")
    moved = quality.displacement_mm
    if moved:
        lines.append(f"deformation: mean {moved['mean']:.1f} mm, largest {moved['max']:.1f} mm")
        lines.append(f"folding: {quality.folding_percent:.4f} % of the voxels")
    return lines + [f"note: {sentence}" for sentence in quality.notes]
