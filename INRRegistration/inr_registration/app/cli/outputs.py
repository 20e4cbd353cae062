"""Results into a folder: all of them, or none."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from inr_registration.app.cli.drawing import Drawing
from inr_registration.app.cli.log import log_of
from inr_registration.core.errors import InputError
from inr_registration.core.measures import MAPS, UNKNOWN_MM
from inr_registration.core.problem import Problem
from inr_registration.core.result import Result
from inr_registration.core.settings import Settings
from inr_registration.core.volume import Volume
from inr_registration.io.files import write_image
from inr_registration.io.publish import PREFIX, finished_folder
from inr_registration.io.transforms import grid_to_json, write_model, write_transform

RESULTS = (
    "transform.h5",
    "inverse_transform.h5",
    "warped.nii.gz",
    "jacobian.nii.gz",
    "uncertainty.nii.gz",
    *(f"{name}.nii.gz" for name in MAPS),
    "model.safetensors",
    "report.json",
    "report.html",
    "run.log",
)
"""Names in the output folder; those that a run does not make are removed there, because they would tell of another run."""


def check_folder(folder: Path, inputs: Iterable[str | None], names: Iterable[str] = RESULTS) -> None:
    """Make sure, without leaving a trace, that a folder can be written and that no input lies where a result will.

    Raises:
        InputError: It cannot, or one does.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: the output must be a folder, but this is a file; choose another place")
    _check_writable(folder)
    for name in names:
        if (folder / name).is_dir():
            raise InputError(
                f"{folder / name}: a file of this name is to be written, but this is a folder; rename it, or choose another output"
            )
        _check_replaceable(folder / name)
    _check_kept([folder / name for name in names], inputs)


def check_file(path: Path, inputs: Iterable[str | None]) -> None:
    """The same for a single file."""
    if path.is_dir():
        raise InputError(f"{path}: the output must be a file, but this is a folder; add a file name")
    _check_writable(path.parent)
    _check_replaceable(path)
    _check_kept([path], inputs)


def write_result(folder: Path, problem: Problem, result: Result, drawing: Drawing | None = None) -> None:
    """Write everything that the contract of the command line lists, the warped image as it is asked for."""
    from inr_registration.report import report_data, report_html

    assert result.transform is not None and result.model is not None
    images = {
        "jacobian": result.jacobian,
        "warped": _warped(problem, result, drawing),
        "uncertainty": known_or_negative(result.uncertainty),
    }
    images = {name: volume for name, volume in {**images, **result.maps}.items() if volume is not None}
    with finished_folder(folder, RESULTS) as new, ThreadPoolExecutor(1) as compressing:  # takes longest, and does not need Python meanwhile
        written = [compressing.submit(write_image, new / f"{name}.nii.gz", replace(volume, name=name)) for name, volume in images.items()]
        grids = {"fixed_grid": grid_to_json(problem.fixed.grid), "moving_grid": grid_to_json(problem.moving.grid)}
        write_model(new / "model.safetensors", result.model, **grids)
        (new / "report.json").write_text(json.dumps(report_data(problem, result), indent=2), encoding="utf-8")
        (new / "report.html").write_text(report_html(problem, result), encoding="utf-8")
        (new / "run.log").write_text(log_of(problem, Settings.from_json(result.settings), result), encoding="utf-8")
        for image in written:
            image.result()
        write_transform(new / "transform.h5", result.transform)  # when all else is there: it needs to know how much room is left
        if result.inverse is not None:
            write_transform(new / "inverse_transform.h5", result.inverse)


def _warped(problem: Problem, result: Result, drawing: Drawing | None) -> Volume | None:
    if drawing is None or result.transform is None:
        return result.warped
    return drawing.of(problem.moving, result.transform)


def known_or_negative(uncertainty: Volume | None) -> Volume | None:
    """An uncertainty for a file: ``UNKNOWN_MM`` where nothing is known. Programs read NaN as 0, which would say "certain"."""
    if uncertainty is None:
        return None
    return replace(uncertainty, values=np.nan_to_num(np.asarray(uncertainty.values), nan=UNKNOWN_MM))


def _check_writable(folder: Path) -> None:
    """Try a temporary folder in the nearest folder that exists."""
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    try:
        if not place.is_dir():
            raise NotADirectoryError(f"{place} is a file")
        tempfile.TemporaryDirectory(prefix=f"{PREFIX}try-", dir=place).cleanup()
    except OSError as error:
        raise InputError(f"{folder}: cannot write there ({error.strerror or error}); choose another output") from error


def _check_replaceable(path: Path) -> None:
    """A file with a flag that forbids to write it is meant to stay; some systems would refuse to replace it after all the work."""
    if path.exists() and not os.access(path, os.W_OK):
        raise InputError(f"{path}: this file is read-only and would be replaced; make it writable, or choose another output")


def _check_kept(outputs: list[Path], inputs: Iterable[str | None]) -> None:
    taken = {path.resolve() for path in outputs}
    for name in inputs:
        if name is not None and Path(name).resolve() in taken:
            raise InputError(f"{name}: this input would be overwritten by a result; choose another output")
