"""What a bug report needs to know about a run of the command, as a text file."""

from __future__ import annotations

import sys
import tempfile
from datetime import datetime, timezone

from inr_registration.core.problem import Problem
from inr_registration.core.result import Result
from inr_registration.core.settings import Settings


def log_of(problem: Problem, settings: Settings, result: Result) -> str:
    """The text about a run that came to an end, with no name of a file in it."""
    from inr_registration.core.details import details  # with the traceback of an error, nothing else may be loaded

    return details(settings, result=result, problem=problem, also={"ended": _now()}) + "\n"


def save_log(text: str) -> str:
    """Put a text into a new file in the system's folder for temporary files.

    Returns:
        Where it is, in words: there may be no room for it.
    """
    try:
        with tempfile.NamedTemporaryFile("w", prefix="inr-register-", suffix=".log", delete=False, encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        return f"no log could be written ({error.strerror or error})"
    return f"the log is {stream.name}"


def log_error(traceback: str) -> str:
    """Save a log about an error of the program, for those who can mend it; returns where it is, in words."""
    from inr_registration.core.details import details

    hidden = [word for word in sys.argv[1:] if not word.startswith("-")]
    return save_log(details(None, message="an error of the program", traceback=traceback, also={"ended": _now()}, hidden=hidden) + "\n")


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
