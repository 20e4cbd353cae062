"""Libraries in C and C++ write straight to the process's streams; what is wrong is said in one message of ours."""

from __future__ import annotations

import ctypes
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

import SimpleITK as sitk

ITK_ERRORS = (RuntimeError, ValueError, KeyError)
"""What SimpleITK raises: the second where its message holds bytes that are no letters, the third for transforms without a class."""
LOGGERS = ("nibabel.global", "pydicom")
STREAMS = (1, 2)
"""File descriptors of output and errors."""


class _Shared:
    """A change to the whole process that many may ask for at once, nested or in several threads: the last to leave takes it back."""

    def __init__(self, change: Callable[[], AbstractContextManager[None]]) -> None:
        self._change = change
        self._lock = threading.Lock()
        self._inside = 0
        self._undo = ExitStack()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if self._inside == 0:
                self._undo.enter_context(self._change())
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0:
                    self._undo.close()


@contextmanager
def _mute() -> Iterator[None]:
    display = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    with ExitStack() as after, Path(os.devnull).open("wb") as nowhere:
        after.callback(sitk.ProcessObject.SetGlobalWarningDisplay, display)
        after.enter_context(quiet_loggers())
        for own in STREAMS:
            with suppress(OSError):  # a window has no streams
                kept = os.dup(own)
                after.callback(os.close, kept)
                after.callback(os.dup2, kept, own)
                os.dup2(nowhere.fileno(), own)
        after.callback(_flush)
        yield


@contextmanager
def _hush() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _flush() -> None:
    """What C libraries hold back in their buffers would come out later."""
    with suppress(AttributeError, OSError, TypeError):  # Windows has no such library by this name
        ctypes.CDLL(None).fflush(None)


silent_libraries = _Shared(_mute)
"""Within it, nothing is seen of what is written to the process's output and error streams, nor of ITK's warnings."""
quiet_loggers = _Shared(_hush)
"""Within it, what is wrong with a file is said in one message of ours, not in records of the libraries that read it."""
