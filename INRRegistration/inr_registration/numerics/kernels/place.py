"""Where machine code is kept for the next run: a folder of the user's, never the folder of the program itself."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

NAME = "inr-register"


def kept_in() -> Path | None:
    """The first folder that can be written to, made if need be; None where there is none, and code is compiled in each process anew.

    It is ``NUMBA_CACHE_DIR`` if that is set, else the user's cache folder, else a folder of the user's among the temporary files.
    """
    return next((folder for folder in _candidates() if _writable(folder)), None)


def _candidates() -> Iterator[Path]:
    asked = os.environ.get("NUMBA_CACHE_DIR")
    if asked:
        yield Path(asked)
    caches = _caches()
    if caches is not None:
        yield caches / NAME / _edition()
    temporary = _temporary()
    if temporary is not None:
        yield temporary / _edition()


def _caches() -> Path | None:
    """The folder in which this system keeps what can be made again, of this user."""
    if sys.platform == "win32":
        asked = os.environ.get("LOCALAPPDATA")
    else:
        asked = os.environ.get("XDG_CACHE_HOME")
    if asked and Path(asked).is_absolute():
        return Path(asked)
    try:
        home = Path.home()
    except RuntimeError:  # nobody knows where it is
        return None
    if not home.is_dir():  # it is not ours to make: a container's user often has a home that does not exist
        return None
    return home / {"win32": "AppData/Local", "darwin": "Library/Caches"}.get(sys.platform, ".cache")


def _temporary() -> Path | None:
    """A folder that nobody else can write to: what is kept is run when it is read."""
    try:
        root = Path(tempfile.gettempdir())
        if not hasattr(os, "getuid"):
            return root / NAME  # Windows has temporary files for each user
        folder = root / f"{NAME}-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        seen = folder.lstat()
    except OSError:
        return None
    return folder if seen.st_uid == os.getuid() and seen.st_mode & 0o170077 == 0o040000 else None


def _edition() -> str:
    """Differs where any source here differs: a compiled loop holds parts from other files, whose change numba does not see."""
    digest = hashlib.sha256()
    for pattern in ("numerics/kernels/*.py", "*/compiled_*.py"):
        for source in sorted(Path(__file__).parents[2].glob(pattern)):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
