"""Pieces of voxels: whether all their bytes are there, and whether compressed ones fit their checksum."""

from __future__ import annotations

import bz2
import zlib
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np

from inr_registration.core.errors import InputError
from inr_registration.io.data_parts import Part

STEP = 2**20
"""Bytes that are read at once."""
ANY = 47
"""What zlib takes for "a zlib or a gzip stream", which MetaImage files may both hold."""
GZIP = 31


class _Unpacker(Protocol):
    eof: bool
    unused_data: bytes

    def decompress(self, data: bytes, /) -> bytes:
        """The next bytes."""


def check_parts(parts: list[Part], count: int, item: int) -> int:
    """Raise where ``count`` values of ``item`` bytes are not there, undamaged, in all these pieces together.

    Returns:
        How many bytes more there are, in files of voxels as they are.

    Raises:
        InputError: They are not.
    """
    more = 0
    for part in parts:
        if not _is_file(part.path):
            raise InputError(f"cannot be read: the file with its voxels is not where it says ({part.path.name}); copy both files together")
        more += _check_part(part, count // len(parts), item)
    return more


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a damaged name may be too long, or hold a zero byte
        return False


def _check_part(part: Part, count: int, item: int) -> int:
    """One piece of the voxels: ``count`` values of ``item`` bytes."""
    more = 0
    with part.path.open("rb") as stream:
        _skip_lines(stream, part)
        if part.packing == "raw":
            there = part.path.stat().st_size - (stream.tell() + max(part.skip, 0))
            compare(there, count * item)
            more = there - count * item if part.skip >= 0 else 0
        elif part.packing == "text":
            compare(_numbers(stream, count), count, "numbers")
        elif part.packing == "hex":
            compare(len(b"".join(stream.read().split())) // 2, count * item)
        else:
            compare(unpacked(stream, part) - max(part.skip, 0), count * item, exactly=part.skip == 0)
    return more


def _numbers(stream: BinaryIO, most: int) -> int:
    """How many numbers a text begins with, up to as many as are needed."""
    found = 0
    for line in stream:
        if found >= most:
            break
        words = line.replace(b",", b" ").split()
        try:
            np.array(words, dtype=np.float64)
        except ValueError:
            break
        found += len(words)
    return found


def _skip_lines(stream: BinaryIO, part: Part) -> None:
    stream.seek(part.start)
    for _ in range(part.lines):
        stream.readline()


def compare(there: int, needed: int, what: str = "bytes", *, exactly: bool = False) -> None:
    """Raise where there is less than is needed, or not exactly that."""
    if there < needed or (exactly and there != needed):
        raise InputError(
            f"cannot be read, damaged or cut: the header declares {needed} {what} of voxels, and {max(there, 0)} are there; copy it again"
        )


def unpacked(stream: BinaryIO, part: Part) -> int:
    """How many bytes come out of a compressed stream, whose checksum is compared on the way."""
    try:
        return _count(stream, part)
    except (zlib.error, OSError, EOFError) as error:
        raise InputError(f"cannot be read: the compressed voxels are damaged ({error}); copy the file again, or make it anew") from error


def _count(stream: BinaryIO, part: Part) -> int:
    left = part.length if part.length is not None else 2**62
    unpacker, total, more = _new(part.packing), 0, b""
    while True:
        data = more or stream.read(min(STEP, left))
        left -= 0 if more else len(data)
        if not data:
            break
        if unpacker.eof:  # gzip files may be several streams, one after the other
            if part.packing == "zlib" or not data.startswith((b"\x1f\x8b", b"BZh")):
                return total
            unpacker = _new(part.packing)
        total += len(unpacker.decompress(data))
        more = unpacker.unused_data
    if not unpacker.eof:
        raise EOFError("they end too early")
    return total


def _new(packing: str) -> _Unpacker:
    return bz2.BZ2Decompressor() if packing == "bz2" else zlib.decompressobj(ANY if packing == "zlib" else GZIP)
