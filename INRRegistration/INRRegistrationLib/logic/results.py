"""What can be asked about a result, beyond its nodes."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass

from INRRegistrationLib import __version__
from INRRegistrationLib.core.problem import Problem
from INRRegistrationLib.core.result import Result
from INRRegistrationLib.report import report_html as page
from INRRegistrationLib.scene import relist
from INRRegistrationLib.scene.folding import Region
from INRRegistrationLib.scene.read import Inputs, read_structures
from INRRegistrationLib.scene.store import ResultNodes


@dataclass(frozen=True, eq=False)
class Latest:
    """The latest run, kept for the report.

    Args:
        inputs: What was registered.
        problem: As it was read.
        result: Complete.
        nodes: Where it was put.
    """

    inputs: Inputs
    problem: Problem
    result: Result
    nodes: ResultNodes


def missing(inputs: Inputs) -> str:
    """What is missing before a registration can start, in words; empty where nothing is."""
    if inputs.fixed is None and inputs.moving is None:
        return "Choose the fixed volume, which stays, and the moving volume, which is warped onto it."
    if inputs.fixed is None:
        return "Choose the fixed volume: the image that stays."
    if inputs.moving is None:
        return "Choose the moving volume: the image that is warped onto the fixed one."
    if inputs.fixed is inputs.moving:
        return f"'{inputs.fixed.GetName()}' is chosen as fixed and as moving volume; choose two different ones."
    for volume in (inputs.fixed, inputs.moving):
        if volume.GetImageData() is None:
            return f"'{volume.GetName()}' holds no image; choose another volume."
    if (inputs.fixed_landmarks is None) != (inputs.moving_landmarks is None):
        return "Landmarks are chosen for one image only; choose them for both, or for none."
    return ""


def report_html(latest: Latest) -> str:
    """The page that the command line writes as report.html."""
    return page(latest.problem, latest.result)


def details(result: Result) -> str:
    """Versions, device, settings, timings and warnings, for a bug report."""
    lines = [
        f"INRRegistration {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"{result.outcome.name}: {result.message}",
        f"device: {result.device}",
        *(f"warning: {sentence}" for sentence in result.warnings),
        *(f"choice: {sentence}" for sentence in result.choices),
        "seconds: " + ", ".join(f"{name} {seconds:.1f}" for name, seconds in result.timings_s.items()),
        "settings: " + json.dumps(result.settings),
    ]
    return "\n".join(lines)


def list_regions(nodes: ResultNodes, threshold: float, inputs: Inputs | None = None) -> tuple[Region, ...]:
    """The regions of a result with another threshold; its table and segments follow.

    Args:
        nodes: The result.
        threshold: det J below which a region counts as compressed.
        inputs: Of the run, for the names of its structures; None where they are no longer known.

    Raises:
        InputError: A node that is needed is gone.
    """
    known = inputs is not None and inputs.fixed_segmentation is not None and inputs.fixed_segmentation.GetScene() is not None
    structures = read_structures(inputs) if inputs is not None and known else ()
    return relist.list_regions(nodes, threshold, structures)
