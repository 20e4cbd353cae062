"""convexAdam (Siebert et al., IEEE TMI 2024) on MIND features, from PyPI's ``convexAdam``.

- Brain and other: the defaults of ``convex_adam_pt``. (The authors' own brain entry needs segmentations by a network.)
- Lung CT: their entry to Learn2Reg 2021, task 2 (``l2r_2021_convexAdam_task2_docker.py``), without its lung mask.
- Abdomen: their entry to task 1, abdomen MR-CT, without its thin-plate resampling inside a mask.

The README recommends a search of settings on labelled training pairs, which a single pair does not have. The tool works in voxels
and its authors resample to isotropic ones first (``tests/test_convex_adam_mind.py``, the challenge's data); so anisotropic images are put
on an isotropic grid of as many voxels. It has no affine step: it starts from the common one, whose time counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from peer_methods.task import Laps, Method, Task, chained, field_transform

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import SimpleITK as sitk

SETTINGS = {
    "lung": {"grid_sp": 4, "disp_hw": 6, "lambda_weight": 0.65, "selected_niter": 50, "selected_smooth": 3, "ic": False},
    "abdomen": {"grid_sp": 4, "disp_hw": 8, "grid_sp_adam": 3, "lambda_weight": 0.6, "selected_niter": 40, "selected_smooth": 3},
}
ISOTROPIC = 1.2
"""Voxels whose longest side is at most this many times the shortest count as isotropic."""


def _run(task: Task, laps: Laps) -> sitk.Transform:
    import SimpleITK as sitk
    import torch
    from convexAdam.convex_adam_MIND import convex_adam_pt
    from simpleitk_peers import affine

    torch.set_num_threads(task.threads)
    fixed, moving = task.images()
    settings: dict[str, object] = dict(SETTINGS.get(task.organ, {}))
    if task.weight is not None:
        settings["lambda_weight"] = task.weight
    with laps.lap("affine"):
        first = affine(fixed, moving)
    with laps.lap("deformable"):
        grid = _isotropic(fixed)
        carried = sitk.Resample(moving, grid, first, sitk.sitkLinear, float(sitk.GetArrayViewFromImage(moving).min()))
        voxels = convex_adam_pt(grid, carried, dtype=torch.float32, device=torch.device("cpu"), **settings)
    return chained(first, field_transform(_in_mm(voxels, grid)))


def _isotropic(image: sitk.Image) -> sitk.Image:
    """The image on an isotropic grid that reaches at least as far and has about as many voxels."""
    import math

    import SimpleITK as sitk

    spacing = image.GetSpacing()
    if max(spacing) <= ISOTROPIC * min(spacing):
        return image
    side = math.prod(spacing) ** (1 / 3)
    size = [math.ceil((n - 1) * step / side) + 1 for n, step in zip(image.GetSize(), spacing, strict=True)]
    lowest = float(sitk.GetArrayViewFromImage(image).min())
    return sitk.Resample(image, size, sitk.Transform(), sitk.sitkLinear, image.GetOrigin(), [side] * 3, image.GetDirection(), lowest)


def _in_mm(voxels: npt.NDArray[np.float64], grid: sitk.Image) -> sitk.Image:
    """A displacement in voxels along k, j, i, as the tool gives it, in LPS mm."""
    import numpy as np
    import SimpleITK as sitk

    axes = np.array(grid.GetDirection()).reshape(3, 3) * np.array(grid.GetSpacing())
    image = sitk.GetImageFromArray(np.asarray(voxels)[..., ::-1] @ axes.T, isVector=True)
    image.CopyInformation(grid)
    return image


CONVEX_ADAM = Method(_run, "convexAdam.convex_adam_MIND", "convexAdam", (0.4, 4.0, 12.0), "lambda_weight")
