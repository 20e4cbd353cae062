"""SyN of ANTs (Avants et al.), from PyPI's ``antspyx``.

Two settings of its authors, both with their own affine step:

- ``ants SyN``: what ``ants.registration`` does when it is told nothing (``type_of_transform="SyN"``): Mattes mutual
  information, 40x20x0 iterations.
- ``ants SyN CC``: ``antsRegistrationSyN[s]``, the recreation of the script ``antsRegistrationSyN.sh`` that ANTs recommends:
  rigid, affine, then cross-correlation of radius 2, 100x70x50x20 iterations.

The documentation of ``ants.registration`` has no advice for an organ; both take images of any modality. In a sweep the smoothing of
the update field (``flow_sigma``, 3 by default) is changed; the script fixes it, so its sweep runs the rigid and affine steps of
the script and then ``SyNOnly`` with the script's metric, iterations and levels.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peer_methods.task import Laps, Method, Task, chained, field_transform

if TYPE_CHECKING:
    import SimpleITK as sitk

FLOW_SIGMAS = (1.5, 6.0)


def _default(task: Task, laps: Laps) -> sitk.Transform:
    sigma = {} if task.weight is None else {"flow_sigma": task.weight}
    with tempfile.TemporaryDirectory() as folder:
        ants, images = _opened(task)
        with laps.lap("affine and deformable"):
            found = ants.registration(**images, type_of_transform="SyN", outprefix=f"{folder}/", **sigma)
        return _composite(found["fwdtransforms"])


def _script(task: Task, laps: Laps) -> sitk.Transform:
    with tempfile.TemporaryDirectory() as folder:
        ants, images = _opened(task)
        if task.weight is None:
            with laps.lap("affine and deformable"):
                found = ants.registration(**images, type_of_transform="antsRegistrationSyN[s]", outprefix=f"{folder}/")
            return _composite(found["fwdtransforms"])
        with laps.lap("affine"):
            linear = ants.registration(**images, type_of_transform="antsRegistrationSyN[a]", outprefix=f"{folder}/linear")
        levels = {"syn_metric": "CC", "syn_sampling": 2, "reg_iterations": (100, 70, 50, 20), "flow_sigma": task.weight}
        start = {"initial_transform": linear["fwdtransforms"], "outprefix": f"{folder}/deformable"}
        with laps.lap("deformable"):
            found = ants.registration(**images, type_of_transform="SyNOnly", **start, **levels)
        return _composite(found["fwdtransforms"])


def _opened(task: Task) -> tuple[Any, dict[str, Any]]:
    """The package, and both images under the names that it gives them."""
    import ants

    return ants, {side: ants.image_read(str(task.pair / f"{side}.nii.gz"), pixeltype="float") for side in ("fixed", "moving")}


def _composite(files: Sequence[str]) -> sitk.Transform:
    """ANTs lists what is applied first last, as ITK's composite wants it."""
    import SimpleITK as sitk

    def read(file: str) -> sitk.Transform:
        return sitk.ReadTransform(file) if Path(file).suffix == ".mat" else field_transform(sitk.ReadImage(file, sitk.sitkVectorFloat64))

    return chained(*(read(file) for file in files))


SYN = Method(_default, "ants", "antspyx", FLOW_SIGMAS, "sigma of the update field")
SYN_CC = Method(_script, "ants", "antspyx", FLOW_SIGMAS, "sigma of the update field")
