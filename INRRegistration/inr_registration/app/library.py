"""What Python users call: the same verb as the panel and the command line, on whatever they hold."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from inr_registration.app import registration as engine
from inr_registration.app.problem import is_path, problem_of
from inr_registration.app.result import Registration
from inr_registration.core.changes import override
from inr_registration.core.checkpoints import Checkpoints
from inr_registration.core.errors import InputError
from inr_registration.core.presets import DEFAULT, find_preset
from inr_registration.core.problem import Problem
from inr_registration.core.progress import Report, silent
from inr_registration.core.settings import Settings
from inr_registration.core.volume import Volume
from inr_registration.io.maps import load_map
from inr_registration.io.volumes import as_volume
from inr_registration.maps.map import Map

MODEL = "model.safetensors"
OF_SETTINGS = {field.name for field in fields(Settings)}


def register(
    fixed: Any,
    moving: Any = None,
    settings: Settings | None = None,
    *,
    preset: str = DEFAULT,
    report: Report = silent,
    checkpoints: Checkpoints | None = None,
    **more: Any,
) -> Registration:
    """Find the map from fixed world points to moving world points that brings the moving image onto the fixed one.

    ``register("fixed.nii.gz", "moving.nii.gz", preset="lung-ct", fixed_mask="lung.nii.gz", seed=3)``, or ``register(problem, settings)``.

    Args:
        fixed: The image that stays: a path, a SimpleITK or nibabel image, a ``Volume``, or (array (k, j, i), 4x4 affine to LPS mm).
            Or the whole ``Problem``, with ``moving`` left out.
        moving: The image that is warped onto it, likewise.
        settings: How; in place of a preset.
        preset: Settings for a task, by name or from a JSON file.
        report: Called with the progress; its answer lets the run go on, stops it, or cancels it.
        checkpoints: Keeps the fit on its way.
        more: ``fixed_mask``, ``moving_mask``, ``fixed_labels``, ``moving_labels``, ``ventricle`` (images); ``fixed_landmarks``,
            ``moving_landmarks``, ``long_axis``, ``centrelines`` (files or points, LPS mm); ``initial_transform`` (a file, a 4x4 matrix or a
            ``Map``); and any field of ``Settings``, such as ``device="cpu"``, in place of what the preset says.

    Returns:
        The result, whatever the ending; ``Result.outcome`` says why the run ended, ``Result.verdict`` how it is judged.

    Raises:
        InputError: The problem or the settings make a registration impossible.
    """
    changed = {name: more.pop(name) for name in [*more] if name in OF_SETTINGS}
    if isinstance(moving, Settings):  # register(problem, settings)
        moving, settings = None, moving
    if not isinstance(settings, Settings | None):
        hint = f"; give a preset by its name as preset={settings!r}" if isinstance(settings, str) else ""
        raise InputError(f"settings are a Settings, got {type(settings).__name__}{hint}")
    if isinstance(fixed, Problem):
        if moving is not None or more:
            raise InputError("a Problem holds all images already; give it with settings alone")
        problem = fixed
    else:
        if moving is None:
            raise InputError("two images are needed, a fixed and a moving one")
        problem = problem_of({"fixed": fixed, "moving": moving, **more})
    how = find_preset(preset).settings if settings is None else settings
    return Registration.of(engine.register(problem, override(how, changed), report, checkpoints), problem)


def load(path: str | os.PathLike[str]) -> Map:
    """A map from the folder of a run, from a model file or from any transform file; fixed world point to moving world point, LPS mm.

    Raises:
        InputError: There is none.
    """
    folder = Path(path)
    return load_map(folder / MODEL if folder.is_dir() else folder)


def read(given: Any, *, labels: bool = False, series: str | int | None = None, frame: int | None = None) -> Volume:
    """An image as a ``Volume``: from a file or a folder with DICOM files, from SimpleITK or nibabel.

    Args:
        given: The image.
        labels: Keep whole numbers as they are.
        series: Of several DICOM series in one place: number in their list, from 1, or UID.
        frame: Of several times in one file, from 1.

    Raises:
        InputError: It cannot be read as one 3D image of one value per voxel.
    """
    name = Path(given).name if is_path(given) else "image"
    volume = as_volume(given, "labels" if labels else "image", series=series, frame=frame)
    return replace(volume, name=name) if is_path(given) else volume
