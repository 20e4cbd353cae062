"""Runs Qt's event loop as Slicer does: with Python's interpreter lock held while it waits.

PySide6 gives the lock away in `exec()`, so background threads run at full speed there. Slicer does not, and a thread of Python code nearly
stands still unless Python code on the main thread gives way. Whatever is said about threads has to be tested in this loop.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path

import PySide6
from PySide6.QtCore import QCoreApplication, QTimer

EXEC = "_ZN16QCoreApplication4execEv"  # QCoreApplication::exec() as compilers for Linux write it


def _exec_holding_lock() -> Callable[[], int]:
    library = Path(PySide6.__file__).parent / "Qt" / "lib" / "libQt6Core.so.6"
    if not library.is_file():
        raise RuntimeError(f"the loop that holds the lock needs Qt for Linux as PySide6 brings it; there is no {library}")
    return getattr(ctypes.PyDLL(str(library)), EXEC)  # a PyDLL, unlike a CDLL, does not give the lock away


def run_holding_gil(until: Callable[[], bool] | None = None, seconds: float = 10.0, check_every: float = 0.2) -> bool:
    """Run the event loop, and nothing gives way to other threads but slots.

    Args:
        until: the loop ends when it gives True. Every look at it is Python code on the main thread, which lets other threads in for a
            moment; so it is not looked at often.
        seconds: the loop ends after this time at the latest, without any Python code.
        check_every: seconds between two looks.

    Returns:
        Whether `until` gave True; False without one.
    """
    application = QCoreApplication.instance()
    reached: list[bool] = []

    def look() -> None:
        if until is not None and until():
            reached.append(True)
            application.quit()

    end, watch = QTimer(), QTimer()
    end.setSingleShot(True)
    end.timeout.connect(application.quit)
    end.start(round(seconds * 1000))
    if until is not None:
        watch.timeout.connect(look)
        watch.start(round(check_every * 1000))
    _exec_holding_lock()()
    end.stop()
    watch.stop()
    return bool(reached)
