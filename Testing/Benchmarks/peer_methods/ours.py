"""This project's presets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from peer_methods.task import Laps, Method, Task

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import SimpleITK as sitk


def preset(name: str) -> Method:
    """One preset; its sweep multiplies all weights of regularity, but for presets "as published": they stay that."""
    weights = () if name.endswith("-faithful") else (0.3, 3.0)
    return Method(lambda task, laps: _run(name, task, laps), None, "inr-registration", weights, "regularity weights, times")


def _run(name: str, task: Task, laps: Laps) -> sitk.Transform:
    """As ``inr-register`` does it.

    Presets without an affine step (those "as published", whose papers take pre-aligned images) start from the common one.
    """
    import torch

    from inr_registration.app import register
    from inr_registration.core import Problem, load_preset
    from inr_registration.io import read_image, to_itk

    torch.set_num_threads(task.threads)
    settings = load_preset(name).settings
    if task.weight is not None:
        settings = replace(settings, regularity={term: weight * task.weight for term, weight in settings.regularity.items()})
    fixed, moving = (read_image(str(task.pair / f"{side}.nii.gz"), lambda _: None) for side in ("fixed", "moving"))
    initial = _common_affine(task, laps) if settings.affine.kind == "none" else None
    with laps.lap("deformable"):
        result = register(Problem(fixed, moving, initial=initial), settings)
    if result.transform is None:
        raise RuntimeError(result.message)
    return to_itk(result.transform)


def _common_affine(task: Task, laps: Laps) -> npt.NDArray[np.float64]:
    """(4, 4) matrix, fixed to moving, LPS mm."""
    from simpleitk_peers import affine

    from inr_registration.io import linear_matrix

    images = task.images()
    with laps.lap("affine"):
        found = affine(*images)
    return linear_matrix(found)
