"""Where the voxels of MetaImage and NRRD files lie: in the file itself, in one beside it, or in many."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from inr_registration.core.errors import InputError
from inr_registration.io.text_headers import meta_header

NRRD_HEADER = 2**20
PACKINGS = {
    "raw": "raw", "gzip": "gzip", "gz": "gzip", "bzip2": "bz2", "bz2": "bz2", "hex": "hex", "text": "text", "txt": "text", "ascii": "text",
}  # fmt: skip
MOST_FILES = 100_000


@dataclass(frozen=True)
class Part:
    """A piece of the voxels.

    Args:
        path: Of the file.
        packing: ``raw``, ``text``, ``hex``, ``zlib``, ``gzip`` or ``bz2``.
        start: Its first byte in the file.
        lines: Lines after that to leave out.
        skip: Bytes after that to leave out, once unpacked.
        length: Bytes of the packed stream, where it does not go to the end of the file.
    """

    path: Path
    packing: str
    start: int = 0
    lines: int = 0
    skip: int = 0
    length: int | None = None


def meta_parts(path: Path) -> list[Part]:
    """Of a MetaImage file.

    Raises:
        InputError: The header does not say where they are.
    """
    fields, end = meta_header(path)
    files = _meta_files(path, fields["ElementDataFile"], end)
    packed, text = _yes(fields, "CompressedData"), "BinaryData" in fields and not _yes(fields, "BinaryData")
    length = _whole(fields.get("CompressedDataSize", ""))
    if packed and length is None and files == [path]:
        raise InputError("the header does not say CompressedDataSize, without which ITK cannot unpack the voxels; save the image again")
    packing = "zlib" if packed else "text" if text else "raw"
    skip = _whole(fields.get("HeaderSize", "")) or 0
    start = end if files == [path] else max(skip, 0) if packing == "raw" else 0
    return [Part(file, packing, start=start, length=length if packed and len(files) == 1 else None) for file in files]


def _meta_files(path: Path, named: str, end: int) -> list[Path]:
    if named.upper() == "LOCAL":
        return [path]
    if named.upper().split()[:1] == ["LIST"]:
        with path.open("rb") as stream:
            stream.seek(end)
            names = [os.fsdecode(line.strip()) for line in stream.read(NRRD_HEADER).splitlines() if line.strip()]
        return _beside(path, names)
    named = os.fsdecode(named.encode("latin-1"))
    return _beside(path, _pattern(named) or [named])


def nrrd_parts(path: Path) -> list[Part]:
    """Of an NRRD file.

    Raises:
        InputError: The header does not say where they are, or how they are packed.
    """
    fields, names, end = nrrd_header(path)
    encoding = fields.get("encoding", "raw").strip().lower()
    if encoding not in PACKINGS:
        raise InputError(f"its voxels cannot be read, they are in the encoding '{encoding[:20]}'; save it in gzip or raw encoding")
    lines, skip = (_whole(fields.get(f"{what} skip", fields.get(f"{what}skip", ""))) or 0 for what in ("line", "byte"))
    if not names:
        return [Part(path, PACKINGS[encoding], end, max(lines, 0), skip)]
    return [Part(file, PACKINGS[encoding], 0, max(lines, 0), skip) for file in _beside(path, names)]


def nrrd_header(path: Path) -> tuple[dict[str, str], list[str], int]:
    """Fields of an NRRD header by their names in lower case, the names of its data files, and where it ends.

    Raises:
        InputError: This is no NRRD file.
    """
    with path.open("rb") as stream:
        content = stream.read(NRRD_HEADER)
    if not content.startswith(b"NRRD"):
        raise InputError("cannot be read: this is not an NRRD file, whatever its name says; give it its right ending")
    ended = re.search(rb"\r?\n\r?\n", content)
    lines = [os.fsdecode(line) for line in content[: ended.start() if ended else len(content)].splitlines()]
    fields: dict[str, str] = {}
    for number, line in enumerate(lines[1:], 2):
        found = re.match(r"([^#:=][^:]*): (.*)$", line)
        if found is None:
            continue
        name, value = found[1].strip().lower(), found[2].strip()
        fields.setdefault(name, value)
        if name in ("data file", "datafile"):
            if value.upper().split()[:1] == ["LIST"]:
                return fields, [row.strip() for row in lines[number:] if row.strip()], len(content)
            return fields, _pattern(value) or [value], ended.end() if ended else len(content)
    return fields, [], ended.end() if ended else len(content)


def _pattern(named: str) -> list[str]:
    """Names of many files, given as a pattern for their numbers, the first, the last and the step; none where it is a name."""
    found = re.match(r"(.*%[0-9]*d.*?)\s+(-?\d+)\s+(-?\d+)(?:\s+(-?\d+))?(?:\s+\d+)?$", named)
    if found is None:
        return []
    first, last, step = int(found[2]), int(found[3]), int(found[4] or 1) or 1
    numbers = range(first, last + (1 if step > 0 else -1), step)
    if len(numbers) > MOST_FILES:
        raise InputError(f"the header names {len(numbers)} files of voxels; repair the header")
    return [found[1] % number for number in numbers]


def _beside(path: Path, names: list[str]) -> list[Path]:
    return [path.parent / name for name in names]


def _yes(fields: dict[str, str], name: str) -> bool:
    return fields.get(name, "")[:1].lower() in ("t", "y", "1")


def _whole(text: str) -> int | None:
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        return None
