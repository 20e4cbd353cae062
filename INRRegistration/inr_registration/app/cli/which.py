"""The options that say which of several series and frames in one place is meant. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
from typing import Any

SERIES = "of several DICOM series: its number in the list that is told, or its UID"
FRAME = "of several times, echoes and the like in a file or series: its number, from 1"


def add_which(parser: argparse.ArgumentParser, *sides: str, others: tuple[str, ...] = (), shared: bool = True) -> None:
    """Add ``--series`` and ``--frame``, and the same for single images: ``--fixed-frame``.

    Args:
        parser: Of one verb.
        sides: These images.
        others: Images for which there are such options too, without a line of help for each: ``--fixed-mask-frame``.
        shared: Whether the short options hold for all of them; else they are for the main image of the verb.
    """
    both = f"; for {' and '.join(side.upper() for side in sides)}" if shared else ""
    parser.add_argument("--series", metavar="N", help=SERIES + both)
    parser.add_argument("--frame", metavar="N", type=_from_one, help=FRAME + both)
    for side in sides:
        parser.add_argument(f"--{side}-series", metavar="N", help=f"the same for {side.upper()} alone")
        also = f"; so for other images, such as --{others[0]}-frame" if others and side == sides[-1] else ""
        parser.add_argument(f"--{side}-frame", metavar="N", type=_from_one, help=f"the same for {side.upper()} alone{also}")
    for name in others:
        parser.add_argument(f"--{name}-series", help=argparse.SUPPRESS)
        parser.add_argument(f"--{name}-frame", type=_from_one, help=argparse.SUPPRESS)


def which(arguments: argparse.Namespace, side: str = "") -> dict[str, Any]:
    """What ``read_image`` is told besides the path: the choice for this image, else that for all.

    Args:
        arguments: The words of the command.
        side: ``fixed`` or ``moving``; empty for the main image. Others, such as ``fixed_mask``, have their own options only.
    """
    names = ("series", "frame")
    own = {name: getattr(arguments, f"{side}_{name}", None) for name in names} if side else dict.fromkeys(names)
    if side not in ("", "fixed", "moving"):
        return own
    return {name: getattr(arguments, name, None) if value is None else value for name, value in own.items()}


def _from_one(word: str) -> int:
    if not word.isascii() or not word.isdecimal() or len(word) > 9 or int(word) < 1:
        raise argparse.ArgumentTypeError(f"needs a whole number from 1 up, got '{word[:20]}'")
    return int(word)
