"""What to do when memory runs out, and giving it back afterwards."""

from __future__ import annotations

import ctypes
import gc
import sys
from dataclasses import replace

import numpy as np
import torch

from inr_registration.core.grid import Grid
from inr_registration.core.settings import Settings
from inr_registration.images.pyramid import working_spacing
from inr_registration.numerics import constants

FEWEST_VOXELS = 1000
"""The least that ``Settings.max_voxels`` may be."""


def is_shortage(error: Exception) -> bool:
    """Whether memory ran out: numpy and CUDA have classes for that, torch on the CPU only words."""
    return isinstance(error, MemoryError | torch.cuda.OutOfMemoryError) or "can't allocate memory" in str(error)


def trim() -> None:
    """Return what lies unused between other things to the system, which C's library on Linux does not do of its own accord."""
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "malloc_trim"):
        library.malloc_trim(0)


def give_back(device: torch.device) -> None:
    """Hold nothing for another run, and return what nobody holds any more to the GPU, for other programs and for the views."""
    constants.forget()
    trim()
    if device.type == "cuda":
        gc.collect()  # a graph may be part of a cycle
        with torch.cuda.device(device):
            torch.cuda.empty_cache()


def halved(settings: Settings, fixed: Grid) -> Settings:
    """The same settings with half the work at a time: half the sampled points, or half the voxels of whole levels.

    Args:
        settings: With which memory ran out.
        fixed: Grid of the fixed image; it may have fewer voxels than the settings allow, and half of those counts.
    """
    stages = tuple(replace(stage, points=max(stage.points // 2, 1)) if stage.points else stage for stage in settings.stages)
    if all(stage.points for stage in stages):
        return replace(settings, stages=stages)
    grid = fixed.orthogonal() if fixed.is_sheared else fixed
    volume = float(np.prod(np.asarray(grid.size) * grid.spacing))
    voxels = volume / working_spacing(grid, settings.max_voxels) ** 3
    return replace(settings, stages=stages, max_voxels=max(int(voxels / 2), FEWEST_VOXELS))


def what_was_halved(less: Settings) -> str:
    """The choice to report after a second attempt with ``less``."""
    return f"memory ran out at first; done again with half the work at a time: {_limits(less)}"


def advice(less: Settings, device: torch.device) -> str:
    """What to say when the second attempt with ``less`` ran out of memory too."""
    lower = f"even {_limits(less)} did not fit; lower that further"
    if device.type != "cuda":
        return lower
    free, total = (round(size / 2**20) for size in torch.cuda.mem_get_info(device))
    return f"{free} MB of the GPU's {total} MB are free now; {lower}, or close what else uses the GPU"


def _limits(settings: Settings) -> str:
    points = max((stage.points for stage in settings.stages), default=0)
    parts = [f"{points} points per iteration"] if points else []
    if not all(stage.points for stage in settings.stages):
        parts.append(f"max_voxels {settings.max_voxels}")
    return " and ".join(parts)
