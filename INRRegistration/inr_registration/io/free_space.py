"""Why a file could not be written: no room, a quota, a limit, or something that has nothing to do with room."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from pathlib import Path

OF_ROOM = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))
OTHERS = (IsADirectoryError, NotADirectoryError, PermissionError, FileNotFoundError)
"""Errors that no room would mend, where they have no number."""


def is_room(error: OSError) -> bool:
    """Whether more room might help; libraries give no number, and fail for want of room as a rule."""
    return error.errno in OF_ROOM if error.errno is not None else not isinstance(error, OTHERS)


def reason(folder: Path, error: OSError) -> list[str]:
    """What can be said about the room in a folder after an error there, one clause or none.

    What the system counts as free is free on the disk. A quota may allow less, which nothing here can see.
    """
    if not is_room(error):
        return []
    if error.errno == getattr(errno, "EDQUOT", None):
        return ["your quota there is used up, whatever is free on the disk"]
    most = _largest_file()
    if most is not None:
        return [f"no file of this process may be larger than {most / 2**20:.3g} MB (ulimit -f)"]
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if _without_names(there):
        return ["the disk there holds as many files as it can"]
    try:
        return [f"{shutil.disk_usage(there).free / 2**20:.1f} MB are free on the disk there, and a quota may allow less"]
    except OSError as unseen:
        return [f"no room can be seen there: {unseen.strerror}"]


def _largest_file() -> int | None:
    """What ``ulimit -f`` allows, bytes; None where there is no limit."""
    if sys.platform == "win32":
        return None
    import resource

    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def _without_names(place: Path) -> bool:
    """Whether a file system has room for no further file."""
    if not hasattr(os, "statvfs"):
        return False
    try:
        seen = os.statvfs(place)
    except OSError:
        return False
    return seen.f_files > 0 and seen.f_favail == 0
