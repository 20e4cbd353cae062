"""Numbers that the formulas need as tensors."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor


def constant(values: tuple[float, ...], like: Tensor) -> Tensor:
    """These numbers as a tensor of the kind and on the device of another one; never to be changed in place.

    Made once: on a GPU, making them anew in each iteration would wait for the device, and could not be recorded.
    """
    return _made(values, like.dtype, like.device)


@lru_cache(maxsize=256)
def _made(values: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(values, dtype=dtype, device=device)


def forget() -> None:
    """Hold none of them any longer."""
    _made.cache_clear()
