"""Numbers from the host that change from one iteration to the next."""

from __future__ import annotations

import torch
from torch import Tensor


class Held:
    """A tensor on a device that stays where it is while what it holds changes, so that recorded work can read it.

    Args:
        device: Where it is wanted.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._tensor: Tensor | None = None

    @property
    def tensor(self) -> Tensor:
        """What it holds; to be read only after ``take``."""
        assert self._tensor is not None, "nothing was taken yet"
        return self._tensor

    def take(self, values: Tensor) -> None:
        """Hold other numbers of the same shape, from the CPU; on a GPU, without waiting for it."""
        if self._tensor is None:
            self._tensor = torch.empty(values.shape, dtype=values.dtype, device=self.device)
        from_host = values.pin_memory() if self.device.type == "cuda" else values
        self._tensor.copy_(from_host, non_blocking=True)
