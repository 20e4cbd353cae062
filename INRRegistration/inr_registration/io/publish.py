"""Files that appear together or not at all, whatever happens to the process meanwhile.

They are written into a hidden draft folder beside their place. When all are there and on the disk, a list of what is to be done
is added, and from then on they count: they are renamed into place, and whoever comes next finishes a draft with a list whose
process is gone, and removes one without.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from inr_registration.core.errors import RegistrationError
from inr_registration.io.free_space import is_room, reason
from inr_registration.io.silence import silent_libraries

PREFIX = ".inr-register-"
"""What names of drafts, locks and checkpoints begin with."""
FILES, LIST = "files", "complete.json"
ABANDONED_S = 3600.0
"""A lock without a draft is removed once it is this old: its owner may be about to make the draft."""


@contextmanager
def finished_folder(folder: Path, obsolete: Iterable[str] = ()) -> Iterator[Path]:
    """A temporary folder; its files are moved into ``folder`` once the block ends well, else no trace is left.

    Args:
        folder: Made where it is missing.
        obsolete: Names in ``folder`` that are removed where the block does not write them.

    Raises:
        RegistrationError: Something could not be written.
    """
    try:
        with made(folder), _draft(folder) as draft:
            files = draft / FILES
            files.mkdir()
            with silent_libraries():
                yield files
            _check_targets([folder / file.name for file in files.iterdir()])
            _complete(draft, [name for name in obsolete if not (files / name).exists()])
            with _uninterrupted():
                _move(draft, folder)
    except OSError as error:
        why = "; ".join([" ".join(str(error).split()), *reason(folder, error)])
        remedy = "make room or choose another place" if is_room(error) else "choose another place"
        raise RegistrationError(f"{folder}: the results could not be written ({why}); {remedy}") from error


@contextmanager
def finished_file(path: Path) -> Iterator[Path]:
    """A temporary name with the same ending; renamed to ``path`` once the block ends well."""
    with finished_folder(path.parent) as folder:
        yield folder / path.name


@contextmanager
def made(folder: Path) -> Iterator[None]:
    """Make a folder for the time of the block; it stays if there is something in it then."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    finally:
        with suppress(OSError):  # folders that hold something stay
            for place in missing:
                place.rmdir()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file for the time of the block; it ends with the process, however that ends.

    Raises:
        Timeout: Another process holds it.
    """
    lock = FileLock(path, timeout=0)
    lock.acquire()
    try:
        yield
    finally:
        with suppress(OSError):  # Windows removes no open file; it stays, and harms nobody
            path.unlink()  # while it is held, so that nobody else can get hold of this very file
        lock.release()


def recover(folder: Path) -> None:
    """Finish or remove what processes that were killed left in a folder.

    Raises:
        OSError: Files cannot be moved.
    """
    for draft in [place for place in folder.glob(f"{PREFIX}*") if place.is_dir()]:
        with suppress(Timeout), locked(_lock_of(draft)):
            if draft.exists():
                if (draft / LIST).exists():
                    _move(draft, folder)
                shutil.rmtree(draft)
    for lock in folder.glob(f"{PREFIX}*.lock"):
        with suppress(Timeout, OSError):
            if time.time() - lock.stat().st_mtime > ABANDONED_S:
                with locked(lock):
                    pass


@contextmanager
def _draft(folder: Path) -> Iterator[Path]:
    """A folder of our own in ``folder``, locked; gone in the end, unless it could not be moved."""
    recover(folder)
    draft = folder / f"{PREFIX}{secrets.token_hex(4)}"
    with locked(_lock_of(draft)):
        try:
            draft.mkdir()
            yield draft
        finally:
            if not (draft / LIST).exists() or not any((draft / FILES).iterdir()):
                shutil.rmtree(draft, ignore_errors=True)


def _lock_of(draft: Path) -> Path:
    return draft.with_name(f"{draft.name}.lock")


def _check_targets(targets: Iterable[Path]) -> None:
    """Once the first file is renamed the others must be, too, and no file can be renamed to a folder."""
    for target in targets:
        if target.is_dir():
            raise IsADirectoryError(f"{target.name} is a folder")


def _complete(draft: Path, obsolete: list[str]) -> None:
    """From here on the draft counts: all of it is on the disk, then the list is."""
    for file in (draft / FILES).iterdir():
        _to_disk(file)
    _to_disk(draft / FILES)
    partial = draft / f"{LIST}.part"
    partial.write_text(json.dumps({"obsolete": obsolete}), encoding="utf-8")
    _to_disk(partial)
    partial.replace(draft / LIST)
    _to_disk(draft)


def _move(draft: Path, folder: Path) -> None:
    """Rename the files into place and remove the obsolete ones; can be done again where it was left."""
    obsolete = json.loads((draft / LIST).read_text(encoding="utf-8"))["obsolete"]
    for file in sorted((draft / FILES).iterdir()):
        file.replace(folder / file.name)
    for name in obsolete:
        (folder / Path(name).name).unlink(missing_ok=True)
    _to_disk(folder)


def _to_disk(path: Path) -> None:
    """Have the system write a file or a folder's entries out; where it cannot, for folders on Windows, it is not needed."""
    with suppress(PermissionError):
        number = os.open(path, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """No signal of a user between the first and the last renaming, which takes milliseconds."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(kind, signal.SIG_IGN) for kind in kinds]
    try:
        yield
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)
