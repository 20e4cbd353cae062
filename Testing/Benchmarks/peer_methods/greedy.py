"""greedy (Yushkevich et al., Penn Image Computing and Science Laboratory), from PyPI's ``picsl-greedy``.

Settings are those of the Quick Start in greedy's documentation: weighted NCC of radius 2, 100x50x10 iterations, an affine step
by the same metric, then the deformable one with stationary velocities (``-sv``, "almost always worth it"). The smoothing is the
default, 1.732vox 0.707vox. There is no advice for an organ.

For images of different modalities the reference section says that NMI should be used (and also that it is better at linear than at
deformable registration). The linear step by NMI is rigid, as in the package's own example: with 12 degrees of freedom its optimiser ran
away on T1 against T2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from peer_methods.task import Laps, Method, Task, chained, field_transform

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import SimpleITK as sitk

SIGMAS_VOXELS = (1.732, 0.707)
"""Smoothing of the gradient and of the warp: the default of ``-s``."""


def _run(task: Task, laps: Laps) -> sitk.Transform:
    from picsl_greedy import Greedy3D

    fixed, moving = task.images()
    tool = Greedy3D()
    threads = f"-threads {task.threads} "
    metric, freedom = ("NMI", 6) if task.multimodal else ("WNCC 2x2x2", 12)
    with laps.lap("affine"):
        tool.execute(
            f"{threads}-a -dof {freedom} -m {metric} -i fixed moving -ia-image-centers -n 100x50x10 -o matrix",
            fixed=fixed,
            moving=moving,
            matrix=None,
        )
    gradient, warp = (sigma * (task.weight or 1.0) for sigma in SIGMAS_VOXELS)
    smoothing = f"-s {gradient:.4f}vox {warp:.4f}vox"
    with laps.lap("deformable"):
        tool.execute(f"{threads}-m {metric} -i fixed moving -it matrix -sv {smoothing} -n 100x50x10 -o warp", warp=None)
    return chained(_linear(tool["matrix"]), field_transform(tool["warp"]))


def _linear(matrix: npt.NDArray[np.float64]) -> sitk.Transform:
    """greedy's (4, 4) matrix takes fixed to moving points of RAS; ITK's are of LPS."""
    import numpy as np
    import SimpleITK as sitk

    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    lps = flip @ np.asarray(matrix) @ flip
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(lps[:3, :3].ravel().tolist())
    transform.SetTranslation(lps[:3, 3].tolist())
    return transform


GREEDY = Method(_run, "picsl_greedy", "picsl-greedy", (0.6, 1.5, 2.5), "both sigmas of -s, times")
