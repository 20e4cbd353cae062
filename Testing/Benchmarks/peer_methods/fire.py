"""FireANTs (Jena, Chaudhari and Gee, Nature Communications 2025), from PyPI's ``fireants``; on the CPU without its fused CUDA operations.

- Brain, abdomen and other: the Quickstart of its documentation: affine by CC of width 5 with Adam (200, 100, 50 iterations at scales
  4, 2, 1; step 0.003), then ``GreedyRegistration`` (200, 100, 25 iterations; step 0.5; sigma 1 for the gradient, 0.5 for the warp).
- Lung CT: the defaults of the authors' EMPIRE10 script (``tune_empire10.py``): scales 6, 4, 2, 1 with 200, 150, 75, 25 iterations, step
  0.25, sigmas 6 and 0.4. Its affine step, by Dice of lung masks that are not given here, is replaced by that of the Quickstart.
- Images of different modalities: the same with its mutual information.

Intensities are brought to [0, 1], as the option ``--normalize-image-intensities`` of its command does. Both images are continued by
their border slices to the 32 voxels along each axis that version 1.5.0 needs.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peer_methods.task import Laps, Method, Task, field_transform

if TYPE_CHECKING:
    import SimpleITK as sitk

QUICKSTART = {"scales": [4, 2, 1], "iterations": [200, 100, 25], "optimizer_lr": 0.5}
EMPIRE10 = {"scales": [6, 4, 2, 1], "iterations": [200, 150, 75, 25], "optimizer_lr": 0.25, "max_tolerance_iters": 1000}
SIGMAS_VOXELS = {"lung": (6.0, 0.4)}
QUICKSTART_SIGMAS = (1.0, 0.5)
SHORTEST_AXIS = 32
"""Voxels; ``GreedyRegistration`` of version 1.5.0 fails on an image with fewer along any axis."""


def _run(task: Task, laps: Laps) -> sitk.Transform:
    import SimpleITK as sitk
    import torch
    from fireants.io import BatchedImages, Image
    from fireants.registration.affine import AffineRegistration
    from fireants.registration.greedy import GreedyRegistration

    torch.set_num_threads(task.threads)
    opened = [BatchedImages([Image(_padded(sitk.RescaleIntensity(image, 0, 1)), device="cpu")]) for image in task.images()]
    pair = dict(zip(("fixed_images", "moving_images"), opened, strict=True))
    with laps.lap("affine"):
        linear = AffineRegistration([4, 2, 1], [200, 100, 50], **pair, optimizer="Adam", optimizer_lr=3e-3, **_loss(task))
        linear.optimize()
    gradient, warp = (sigma * (task.weight or 1.0) for sigma in SIGMAS_VOXELS.get(task.organ, QUICKSTART_SIGMAS))
    with laps.lap("deformable"):
        fit = GreedyRegistration(
            **pair,
            **(EMPIRE10 if task.organ == "lung" else QUICKSTART),
            **_loss(task),
            deformation_type="compositive",
            optimizer="adam",
            smooth_grad_sigma=gradient,
            smooth_warp_sigma=warp,
            init_affine=linear.get_affine_matrix().detach(),
        )
        fit.optimize()
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "warp.nii.gz")
        fit.save_as_ants_transforms(file)
        return field_transform(sitk.ReadImage(file, sitk.sitkVectorFloat64))


def _padded(image: sitk.Image) -> sitk.Image:
    """The image continued by its border voxels where an axis is too short."""
    import SimpleITK as sitk

    missing = [max(SHORTEST_AXIS - n, 0) for n in image.GetSize()]
    return sitk.ZeroFluxNeumannPad(image, [n // 2 for n in missing], [n - n // 2 for n in missing])


def _loss(task: Task) -> dict[str, Any]:
    return {"loss_type": "mi"} if task.multimodal else {"loss_type": "cc", "cc_kernel_size": 5}


FIREANTS = Method(_run, "fireants.registration.greedy", "fireants", (0.5, 2.0, 3.0), "both sigmas, times")
