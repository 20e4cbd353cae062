"""Loops over voxels as machine code, for CPUs: the same arithmetic as the torch operations that they stand for, in fewer passes.

Torch needs some forty passes over memory for one look at a level; a loop needs five, and skips what lies outside the mask.
Only ``usable`` may be imported where there may be no compiler; the modules of this package need one.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec

import torch
from torch import Tensor


@lru_cache(maxsize=1)
def _has_compiler() -> bool:
    return find_spec("numba") is not None


def usable(values: Tensor) -> bool:
    """Whether there is a compiler (numba) and these numbers are float32 on a CPU."""
    return values.device.type == "cpu" and values.dtype == torch.float32 and _has_compiler()
