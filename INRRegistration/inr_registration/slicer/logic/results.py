"""What can be asked about a result, beyond its nodes."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from inr_registration.core.details import environment, without_names
from inr_registration.core.result import Result
from inr_registration.report import report_html
from inr_registration.slicer.logic.reading import FIELDS, given_fields
from inr_registration.slicer.logic.work import Done, Task
from inr_registration.slicer.scene.quality import QualityTables
from inr_registration.slicer.scene.read import Inputs
from inr_registration.slicer.scene.store import ResultNodes, run_description
from inr_registration.slicer.scene.structure import Structure

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Latest:
    """The latest run: what is not in its nodes. It holds no images, which may be gigabytes.

    Args:
        result: Without images.
        nodes: Where it was put.
        structures: Of the fixed image, as they were read.
        page: The page that the command line writes as report.html; empty where it could not be made.
        details: The text for a bug report.
        log: The file that holds the same; None where there is none.
    """

    result: Result
    nodes: ResultNodes
    structures: tuple[Structure, ...] = ()
    page: str = ""
    details: str = ""
    log: Path | None = None


def with_page(task: Task, done: Done) -> Done:
    """The answer with its report in place of the images that only the report shows. For the thread that did the work."""
    page = ""
    if done.arrays is not None:
        try:
            page = report_html(task.problem, done.result)
        except Exception:  # whatever it is: the result is worth more than its report
            log.exception("the report could not be made")
    images = ("warped", "jacobian", "derived", "uncertainty", "model", "inverse")
    return replace(done, result=replace(done.result, **dict.fromkeys(images), maps={}), page=page)


def missing(inputs: Inputs, wanted: tuple[str, ...] = ()) -> str:
    """What is missing before a registration can start, in words; empty where nothing is.

    Args:
        inputs: What was chosen.
        wanted: What the method asks for besides, see ``choice.needs``; any one of them is enough.
    """
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
    if wanted and not set(wanted) & set(given_fields(inputs)):
        return f"This method needs {' or '.join(FIELDS[name] for name in wanted)}: choose it among the inputs."
    return ""


def details_of(nodes: ResultNodes, tables: QualityTables | None) -> str:
    """What a scene remembers of a run, for a bug report: without names of nodes and segments."""
    run = run_description(nodes)
    names = {str(run.pop(key)) for key in ("fixed", "moving") if key in run}
    lines = [*environment(), *(without_names(f"{key}: {value}", names) for key, value in run.items() if value is not None)]
    rows = () if tables is None else tables.rows
    lines += [f"{row.group}, {row.name}: {row.before:.4g} to {row.after:.4g} {row.unit}".rstrip() for row in rows if row.group != "Dice"]
    return "\n".join(lines)
