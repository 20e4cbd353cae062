"""Whether all pages of a TIFF file are there, with all their pixels."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageSequence, TiffImagePlugin, UnidentifiedImageError

from inr_registration.core.errors import InputError
from inr_registration.io.parts_check import compare

NONE, DEFLATE, PACKBITS = 1, (8, 32946), 32773
"""Kinds of compression by their numbers in the file."""
COMPRESSION, STRIPS, TILES = 259, (273, 279), (324, 325)
BIG, REPEAT = 43, 128


def check_tiff(path: Path, count: int, item: int) -> None:
    """Raise where pixels are missing or do not unpack.

    Args:
        path: Of the file.
        count: Values of all voxels.
        item: Bytes of one value.

    Raises:
        InputError: They are, or do not.
    """
    there, kinds = 0, set()
    with path.open("rb") as stream, warnings.catch_warnings():
        warnings.simplefilter("error")  # Pillow only warns of a list that is cut
        try:
            for kind, data in _strips(stream, path.stat().st_size):
                kinds.add(kind)
                there += len(zlib.decompress(data)) if kind in DEFLATE else _packbits(data) if kind == PACKBITS else len(data)
        except (SyntaxError, TypeError, ValueError, KeyError, struct.error, OSError, zlib.error, Warning) as error:
            raise InputError(f"cannot be read, damaged or cut ({error}); copy it again") from error
    if kinds <= {NONE, PACKBITS, *DEFLATE}:
        compare(there, count * item, exactly=kinds == {PACKBITS})
    else:
        _unpack(path)


def _strips(stream: BinaryIO, size: int) -> Iterator[tuple[int, bytes]]:
    """Kind of compression and content of every strip or tile of every page."""
    prefix = stream.read(8)
    prefix += stream.read(8) if BIG in prefix[2:4] else b""
    page = TiffImagePlugin.ImageFileDirectory_v2(prefix)
    seen: set[int] = set()
    while page.next:
        if page.next >= size or page.next in seen:
            raise ValueError(f"a page is to be at byte {page.next} of {size}")
        seen.add(page.next)
        stream.seek(page.next)
        page.load(stream)
        for at, length in (STRIPS, TILES):
            for first, held in zip(_numbers(page, at), _numbers(page, length), strict=True):
                stream.seek(first)
                data = stream.read(held)
                if len(data) < held:
                    raise ValueError(f"pixels are to be at byte {first + held} of {size}")
                yield page.get(COMPRESSION, NONE), data


def _numbers(page: TiffImagePlugin.ImageFileDirectory_v2, tag: int) -> tuple[int, ...]:
    found = page.get(tag, ())
    return found if isinstance(found, tuple) else (found,)


def _packbits(data: bytes) -> int:
    """How many bytes come out of a strip: its runs have lengths and no checksum, so damage shows in the sum."""
    at = total = 0
    while at < len(data):
        code = data[at]
        if code < REPEAT:
            total += code + 1
            at += code + 1
        elif code > REPEAT:
            total += 257 - code
            at += 1
        at += 1
    return total


def _unpack(path: Path) -> None:
    """Compression without a checksum: what does not unpack by Pillow is damaged."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                for page in ImageSequence.Iterator(image):
                    page.load()
    except UnidentifiedImageError:  # a type of pixel that Pillow does not know, and ITK does
        return
    except Exception as error:  # damaged files make Pillow raise errors of several kinds
        raise InputError(f"cannot be read, its pixels do not unpack ({error}); copy it again") from error
