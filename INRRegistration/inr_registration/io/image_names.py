"""Names of images to be written: which are possible, and under which name ITK writes what is meant."""

from __future__ import annotations

import re
from pathlib import Path

from inr_registration.core.errors import InputError

NIFTI = (".nii", ".nii.gz")
WRITABLE = (*NIFTI, ".nrrd", ".nhdr", ".mha", ".mhd")
DETACHED = (".nhdr", ".mhd")
"""Formats whose voxels are in a second file, which is named in the first."""
INNER = re.compile(r"\.(nii|img|hdr|nia|gz|nrrd|nhdr|mha|mhd|raw|zraw)(?=\.)", re.IGNORECASE)
"""Endings in the middle of a name, at which ITK may cut it."""


def check_image_name(path: Path) -> None:
    """Raise where an image cannot be written under this name.

    Raises:
        InputError: It cannot; the text says which names can.
    """
    ending = ending_of(path)
    if ending is None:
        raise InputError(f"{path.name}: cannot write an image of this kind; use one of {', '.join(WRITABLE)}")
    if ending in DETACHED and plain_name(path) != path:
        raise InputError(f"{path.name}: cannot write two files under such a name; use {_plain_stem(path)}{ending}, or .nrrd or .mha")
    try:
        path.name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(f"{path.name!r}: cannot write an image under a name that is no text; choose another name") from error


def ending_of(path: Path) -> str | None:
    """The ending that says the format, in lower case; None where it is none that can be written."""
    name = path.name.lower()
    return next((ending for ending in sorted(WRITABLE, key=len, reverse=True) if name.endswith(ending)), None)


def plain_name(path: Path) -> Path:
    """A name beside ``path`` under which ITK writes just that file; ``path`` itself where it is one."""
    ending = ending_of(path)
    stem = path.name[: len(path.name) - len(ending or "")]
    if ending is None or (path.name.endswith(ending) and not INNER.search(f"{stem}.") and stem):
        return path
    return path.with_name(f"{_plain_stem(path)}{ending}")


def _plain_stem(path: Path) -> str:
    stem = path.name[: len(path.name) - len(ending_of(path) or "")]
    return INNER.sub(r"_\1", f"{stem}.")[:-1].replace(".", "_") or "image"
