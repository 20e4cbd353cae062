"""What is known of one run, for its log file and for a bug report: collected while it goes on, told when it is over."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import slicer

from inr_registration.core.details import describe, details, names_in
from inr_registration.core.problem import Problem
from inr_registration.core.progress import Progress
from inr_registration.core.result import Result
from inr_registration.core.settings import Settings
from inr_registration.slicer.logic.log_files import new_file, write_file

GOES_ON = "the run goes on; where this is the last that is said, the application ended during it"
LOGGED = 50
"""Of so many warnings and errors the newest are kept."""
FORM = logging.Formatter("%(levelname)s %(name)s: %(message)s")
LIBRARY = __name__.partition(".")[0]


class Record:
    """The text of one run. It holds no images.

    Its file is written when the work begins and again at the end, so that there is one of a run that took the application with it.

    Args:
        settings: As asked for.
        nodes: Whose names must not be told.
        folder: For the log file; None for none.
    """

    def __init__(self, settings: Settings, nodes: Iterable[Any] = (), folder: Path | None = None) -> None:
        self.text = ""
        self.path: Path | None = None
        self._settings, self._folder = settings, folder
        self._hidden = {str(node.GetName()) for node in nodes}
        self._inputs: list[str] = []
        self._began = datetime.now().astimezone()
        self._reached, self._over = "", False
        self._lock = threading.Lock()
        self._logged = _Logged()

    def begin(self, problem: Problem) -> None:
        """Look at the images and write what is known so far. For the thread that does the work."""
        inputs = describe(problem)
        with self._lock:
            self._hidden |= names_in(problem)
            self._inputs = inputs
            if not self._over:
                self._write(self._told(GOES_ON))

    def heard(self, progress: Progress) -> None:
        """Remember how far the run came."""
        place = f", stage {progress.stage + 1} of {progress.stages}, iteration {progress.iteration}" if progress.phase == "fit" else ""
        terms = "".join(f", {name} {value:.4g}" for name, value in progress.terms.items())
        self._reached = f"{progress.phase}{place} after {progress.elapsed_s:.1f} s{terms}"

    def refused(self, message: str, problem: Problem | None = None) -> str:
        """The run did not begin, for what is wrong with these images. There is no file of it."""
        self._folder = None
        if problem is not None:
            self.begin(problem)
        return self.end(message)

    def end(self, message: str, result: Result | None = None, traceback: str = "") -> str:
        """The run is over: write and give the whole text. What comes later changes nothing."""
        self._logged.end()
        with self._lock:
            if not self._over:
                self._over = True
                self.text = self._told(message, result, traceback)
                self._write(self.text)
            return self.text

    def _told(self, message: str, result: Result | None = None, traceback: str = "") -> str:
        if self._folder is not None and self.path is None:
            self.path = new_file(self._folder)
        also = {"Slicer": _application(), "began": self._began.isoformat(timespec="seconds"), "log file": self.path}
        also["reached"] = self._reached if result is None else ""
        return details(
            self._settings,
            result=result,
            inputs=self._inputs,
            message=message,
            traceback=traceback,
            said=self._logged.lines,
            also={name: value for name, value in also.items() if value},
            hidden=self._hidden,
        )

    def _write(self, text: str) -> None:
        if self.path is not None and not write_file(self.path, text):
            self._folder = self.path = None


class _Logged(logging.Handler):
    """Takes what this library logs as warning or error, in any thread."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: deque[str] = deque(maxlen=LOGGED)
        logging.getLogger(LIBRARY).addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(FORM.format(record))

    def end(self) -> None:
        """Take no more."""
        logging.getLogger(LIBRARY).removeHandler(self)


def _application() -> str:
    return str(slicer.app.applicationVersion) if hasattr(slicer, "app") else ""
