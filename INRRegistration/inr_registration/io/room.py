"""Whether an image fits into memory, asked before anything is allocated."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from inr_registration.core.errors import InputError, RegistrationError

WORKING_BYTES = 8
"""A registration takes more for each voxel of an image besides its values (``Testing/Benchmarks/memory_per_voxel.py``)."""
LEAST_MB = 1400
"""Address space in which all libraries load and a small pair is registered; with less, some of them wait for memory for ever."""
MANY = 10**18
GROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""Where Linux says how much memory a container may have."""


def check_room(size: Sequence[int], itemsize: int) -> None:
    """Raise where an image of this size cannot be registered in the memory of this computer.

    Args:
        size: Voxels along each axis, as the header declares them.
        itemsize: Bytes of one value.

    Raises:
        InputError: It cannot; the text says the size, what is needed and what is there.
    """
    needed, available = math.prod(size) * (itemsize + WORKING_BYTES), available_bytes()
    if available is not None and needed > available:
        raise InputError(
            f"the header declares {' x '.join(map(str, size))} voxels; to register them takes at least {_gigabytes(needed)} of memory, and "
            f"{_gigabytes(available)} are available; crop or resample the image first, or repair the header if it is wrong"
        )


def check_address_space() -> None:
    """Make sure that the libraries can be loaded.

    Raises:
        RegistrationError: The address space of this process is limited to less than they need.
    """
    most = _address_space()
    if most is not None and most < LEAST_MB * 2**20:
        seen = f"this process may use {most / 2**20:.0f} MB of address space"
        raise RegistrationError(f"not enough memory: {seen}, and the libraries alone need {LEAST_MB} MB; raise the limit (ulimit -v)")


def available_bytes() -> int | None:
    """About how many bytes this process could still get, swap included; None where the system does not say."""
    found = [count for count in (_free(), _group_limit(), _address_space()) if count is not None]
    return min(found, default=None)


def _free() -> int | None:
    with suppress(OSError, ValueError, IndexError):
        lines = [line.split() for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines()]
        return 1024 * sum(int(line[1]) for line in lines if line[0] in ("MemAvailable:", "SwapFree:"))
    return _physical()


def _physical() -> int | None:
    """All of the computer's memory, where nothing says how much of it is free."""
    if sys.platform == "win32":
        import ctypes

        kilobytes = ctypes.c_ulonglong()
        return 1024 * kilobytes.value if ctypes.windll.kernel32.GetPhysicallyInstalledSystemMemory(ctypes.byref(kilobytes)) else None
    import os

    with suppress(OSError, ValueError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _group_limit() -> int | None:
    with suppress(OSError, ValueError):
        return int(GROUP_LIMIT.read_text(encoding="ascii"))
    return None


def _address_space() -> int | None:
    """What ``ulimit -v`` allows."""
    if sys.platform == "win32":
        return None
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count < MANY else f"more than {MANY / 1e9:,.0f} GB"
