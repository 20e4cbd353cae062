"""What a bug report needs to know about a run, as plain text: the machine, the question, the ending. Names of images stay out."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from inr_registration.core.problem import Problem, finite_range
from inr_registration.core.result import Quality, Result
from inr_registration.core.settings import Settings
from inr_registration.core.version import __version__
from inr_registration.core.volume import Volume

PACKAGES = ("torch", "scipy", "numba", "SimpleITK", "nibabel", "PIL")
"""Whose versions are told where somebody has imported them already; nothing is imported for the sake of this text."""
VOLUMES = ("fixed", "moving", "fixed_mask", "moving_mask", "fixed_labels", "moving_labels", "ventricle")
"""Fields of ``Problem`` that are images."""
HIDDEN = "<name>"
PLAIN = {"", "fixed", "moving", "image", "mask", "fixed image", "moving image"}
"""Names that tell nothing about anybody, and that our own sentences use."""


def details(
    settings: Settings | None,
    *,
    result: Result | None = None,
    problem: Problem | None = None,
    inputs: Iterable[str] = (),
    message: str = "",
    traceback: str = "",
    said: Iterable[str] = (),
    also: Mapping[str, object] | None = None,
    hidden: Iterable[str] = (),
) -> str:
    """Everything about a run that helps to find out what went wrong, line by line as ``name: value``.

    Whatever is not known may be left out: a run may have ended before there was a result, or before the images were read.
    Images are described by their grid, type and range, never by their names; these are replaced wherever a sentence has them.

    Args:
        settings: How it was to be done; complete, so that the run can be repeated. Those of the result are told where it is None.
        result: The answer, whatever its outcome; its images may be gone.
        problem: The question. Every voxel is looked at.
        inputs: What ``describe`` said about the problem, where that is no longer there.
        message: How it ended, where the result does not say so, or not all.
        traceback: Of an error.
        said: Warnings and errors that were logged on the way.
        also: More lines by name, such as the version of the application and where the log file lies.
        hidden: Names and paths that must not be told; those of the problem's images are hidden anyway.

    Returns:
        Lines without a last line break.
    """
    names = {*hidden, *(() if problem is None else names_in(problem))}
    sentences = [*_ending(result, message), *(() if result is None else _course(result))]
    figures = [] if result is None else [f"device: {result.device}", *_figures(result)]
    used = settings.to_json() if settings is not None else {} if result is None else result.settings
    lines = [*environment(), *(without_names(f"{name}: {value}", ()) for name, value in (also or {}).items())]
    lines += [without_names(sentence, names) for sentence in sentences]
    lines += [*inputs, *(() if problem is None else describe(problem)), *figures]
    lines += [f"settings: {json.dumps(used)}"] if used else []
    lines += [f"log: {without_names(line, names)}" for line in said]
    lines += ["", without_names(traceback.rstrip(), names)] if traceback else []
    return "\n".join(lines)


def environment() -> list[str]:
    """Versions of what is loaded, the system and the machine."""
    loaded = [f"{name} {getattr(sys.modules[name], '__version__', '')}".rstrip() for name in PACKAGES if sys.modules.get(name)]
    memory = _memory_gb()
    return [
        f"version: INRRegistration {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"packages: {', '.join([f'numpy {np.__version__}', *loaded])}",
        f"machine: {platform.machine()}, {os.cpu_count() or 1} processors" + (f", {memory:.1f} GB of memory" if memory else ""),
    ]


def describe(problem: Problem) -> list[str]:
    """The images and what is known besides, without their names: grid, type and range of each. Every voxel is looked at."""
    volumes = {name: getattr(problem, name) for name in VOLUMES}
    lines = [f"{name.replace('_', ' ')}: {_volume(volume)}" for name, volume in volumes.items() if volume is not None]
    if problem.initial is not None:
        lines.append(f"initial transform: {np.round(problem.initial, 4).tolist()}")
    if problem.fixed_landmarks is not None:
        lines.append(f"landmarks: {len(problem.fixed_landmarks)}")
    if problem.centrelines:
        lines.append(f"centrelines: {', '.join(f'{len(line)} points' for line in problem.centrelines)}")
    if problem.long_axis is not None:
        lines.append(f"long axis: {float(np.linalg.norm(problem.long_axis[1] - problem.long_axis[0])):.1f} mm")
    return lines


def names_in(problem: Problem) -> set[str]:
    """What the images of a problem are called."""
    volumes = (getattr(problem, name) for name in VOLUMES)
    return {str(volume.name) for volume in volumes if volume is not None}


def without_names(text: str, names: Iterable[str]) -> str:
    """A text with ``<name>`` in place of names of images and files, and ``~`` in place of the user's folder.

    >>> without_names("Miller_CT: 3 voxels are not finite", ["Miller_CT"])
    '<name>: 3 voxels are not finite'
    """
    home = str(Path.home())
    wanted = sorted({name.strip() for name in names} - PLAIN, key=len, reverse=True)  # a longer one may hold a shorter one
    if wanted:
        text = re.sub(rf"(?<!\w)(?:{'|'.join(map(re.escape, wanted))})(?!\w)", HIDDEN, text)
    return text.replace(home, "~") if len(home) > 1 else text


def _ending(result: Result | None, message: str) -> Iterator[str]:
    if result is None:
        yield f"outcome: {message or 'not known'}"
        return
    yield f"outcome: {result.outcome.name}: {result.message}"
    if message and message != result.message:
        yield f"message: {message}"


def _course(result: Result) -> Iterator[str]:
    """What was noticed and decided on the way, and what the quality control says."""
    yield from (f"warning: {sentence}" for sentence in result.warnings)
    yield from (f"choice: {sentence}" for sentence in result.choices)
    if result.verdict is not None:
        yield f"quality control: {result.verdict.level.name}: {' '.join(result.verdict.reasons)}"
    if result.quality is not None:
        yield from (f"note: {note}" for note in result.quality.notes)


def _figures(result: Result) -> Iterator[str]:
    """How long it took, how the objective went, and the indicators."""
    if result.timings_s:
        yield "seconds: " + ", ".join(f"{name} {seconds:.2f}" for name, seconds in result.timings_s.items())
    for curve in result.history:
        total = curve.terms.get("total")
        if total:
            yield f"stage {curve.name}: {curve.iterations[-1] + 1} iterations, objective {total[0]:.4g} to {total[-1]:.4g}"
    if result.quality is not None:
        yield f"quality: {json.dumps(_indicators(result.quality))}"


def _indicators(quality: Quality) -> dict[str, Any]:
    """What was measured; labels are numbers, so that no name of a structure is told."""
    measured = {name: value for name, value in vars(quality).items() if name != "notes" and value != {}}
    return {name: _short(value) for name, value in measured.items()}


def _short(value: Any) -> Any:
    """Numbers with four digits."""
    if isinstance(value, Mapping):
        return {str(key): _short(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_short(each) for each in value]
    return float(f"{value:.4g}")


def _volume(volume: Volume) -> str:
    grid, (low, high) = volume.grid, finite_range(volume)
    size, spacing = " x ".join(map(str, grid.size)), " x ".join(f"{step:.4g}" for step in grid.spacing)
    axes, origin = np.round(grid.direction, 3).tolist(), np.round(grid.origin, 1).tolist()
    return f"{size} voxels of {spacing} mm, axes {axes}, origin {origin}, {volume.values.dtype}, {low:g} to {high:g}"


def _memory_gb() -> float:
    """Of the machine; 0 where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return 0.0
