"""A folder with one text file for each run, of which the newest stay. Whatever fails here is logged; it must not cost a run."""

from __future__ import annotations

import logging
import os
from datetime import datetime
from pathlib import Path

KEPT = 20
"""How many files stay in the folder."""
START, END = "inr-registration-", ".txt"

log = logging.getLogger(__name__)


def new_file(folder: Path) -> Path | None:
    """Make room in a folder and give a path in it that is not taken; None where that cannot be done.

    Names sort by time. Several applications may share the folder.
    """
    name = f"{START}{datetime.now():%Y%m%d-%H%M%S-%f}-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in sorted(folder.glob(f"{START}*"))[: -KEPT + 1]:
            old.unlink(missing_ok=True)
    except OSError as error:
        log.warning("no log file can be written into %s: %s", folder, error.strerror or error)
        return None
    return folder / f"{name}{END}"


def write_file(path: Path, text: str) -> bool:
    """Write a whole file at once: who reads it finds the former text or this one.

    Returns:
        Whether it was written.
    """
    draft = path.with_suffix(".part")
    try:
        draft.write_text(f"{text}\n", encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        log.warning("the log file %s could not be written: %s", path, error.strerror or error)
        return False
    return True
