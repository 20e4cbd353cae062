"""Where the mathematics runs: chosen once, then carried by the tensors."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext

import torch

from inr_registration.core.errors import InputError

os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
"""Matrix products of torch on x86: the same bits with any number of threads. Read when the first product is made in a process."""


def _alone() -> None:
    """One thread for torch: those of its pool stay in the process that forked, and OpenMP would wait for them without end."""
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_alone)


def choose_device(name: str) -> torch.device:
    """The device of this name; ``auto`` is CUDA where there is one, else the CPU.

    Raises:
        InputError: The name is unknown, or there is no such device on this machine.
    """
    count = torch.cuda.device_count()
    if name == "auto":
        return torch.device("cuda" if count else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"unknown device '{name}'; use auto, cpu, cuda or cuda:N") from error
    if device.type not in ("cpu", "cuda"):
        raise InputError(f"device '{name}' is not supported; use auto, cpu, cuda or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= count:
        raise InputError(f"device '{name}' was asked for, but torch sees {count} CUDA devices here; use cpu or auto")
    return device


def current(device: torch.device) -> AbstractContextManager[object]:
    """Make a GPU the one that streams and events belong to; nothing for the CPU."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


def describe_device(device: torch.device) -> str:
    """The device in words, for reports."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)} (CUDA)"
    return f"CPU, {torch.get_num_threads()} threads"
