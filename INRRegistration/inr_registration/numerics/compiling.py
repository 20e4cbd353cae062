"""Who is told while loops are being compiled, which happens wherever one is used for the first time. Knows no compiler."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Told = Callable[[float | None], None]
"""Called with None when a compilation begins, and with its seconds when it is over."""

_told: ContextVar[Told | None] = ContextVar("told of compiling", default=None)


@contextmanager
def telling(told: Told) -> Iterator[None]:
    """Tell this function of what is compiled in this thread within the block."""
    token = _told.set(told)
    try:
        yield
    finally:
        _told.reset(token)


def begins() -> None:
    """Something is being compiled now."""
    told = _told.get()
    if told is not None:
        told(None)


@contextmanager
def counted() -> Iterator[None]:
    """Count the time of a block, which compiles a function or loads it from the disk."""
    began = time.perf_counter()
    yield
    told = _told.get()
    if told is not None:
        told(time.perf_counter() - began)
