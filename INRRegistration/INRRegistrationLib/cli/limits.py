"""Limits that the system sets to a process, seen before they do harm."""

from __future__ import annotations

from INRRegistrationLib.core.errors import RegistrationError

try:
    import resource
except ModuleNotFoundError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]

LEAST_MB = 1400
"""Address space in which all libraries load and a small pair is registered; with less, some of them wait for memory for ever."""


def check_address_space() -> None:
    """Make sure that the libraries can be loaded.

    Raises:
        RegistrationError: The address space of this process is limited to less than they need.
    """
    if resource is None:
        return
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    if most != resource.RLIM_INFINITY and most < LEAST_MB * 2**20:
        seen = f"this process may use {most / 2**20:.0f} MB of address space"
        raise RegistrationError(f"not enough memory: {seen}, and the libraries alone need {LEAST_MB} MB; raise the limit (ulimit -v)")
