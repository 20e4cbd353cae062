"""Libraries in C and C++ write straight to the process's streams; what is wrong is said in one message of ours."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

ITK_ERRORS = (RuntimeError, ValueError, KeyError)
"""What SimpleITK raises: the second where its message holds bytes that are no letters, the third for transforms without a class."""
STREAMS = (1, 2)
"""File descriptors of output and errors."""


@contextmanager
def silent_libraries() -> Iterator[None]:
    """Within it, nothing is seen of what is written to the process's output and error streams."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    with ExitStack() as after, Path(os.devnull).open("wb") as nowhere:
        for own in STREAMS:
            with suppress(OSError):  # a window has no streams
                kept = os.dup(own)
                after.callback(os.close, kept)
                after.callback(os.dup2, kept, own)
                os.dup2(nowhere.fileno(), own)
        after.callback(_flush)
        yield


def _flush() -> None:
    """What C libraries hold back in their buffers would come out later."""
    with suppress(AttributeError, OSError, TypeError):  # Windows has no such library by this name
        ctypes.CDLL(None).fflush(None)
