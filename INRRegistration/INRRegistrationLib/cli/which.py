"""The options that say which of several series and frames in one place is meant. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
from typing import Any

SERIES = "of several DICOM series: its number in the list that is told, or its UID"
FRAME = "of several times, echoes and the like in a file or series: its number, from 1"


def add_which(parser: argparse.ArgumentParser, *sides: str, shared: bool = True) -> None:
    """Add ``--series`` and ``--frame``, and the same for single images: ``--fixed-frame``.

    Args:
        parser: Of one verb.
        sides: These images.
        shared: Whether the short options hold for all of them; else they are for the main image of the verb.
    """
    both = f"; for {' and '.join(side.upper() for side in sides)}" if shared else ""
    parser.add_argument("--series", metavar="N", help=SERIES + both)
    parser.add_argument("--frame", metavar="N", type=_from_one, help=FRAME + both)
    for side in sides:
        parser.add_argument(f"--{side}-series", metavar="N", help=f"the same for {side.upper()} alone")
        parser.add_argument(f"--{side}-frame", metavar="N", type=_from_one, help=f"the same for {side.upper()} alone")


def which(arguments: argparse.Namespace, side: str = "") -> dict[str, Any]:
    """What ``read_image`` is told besides the path: the choice for this image, else that for all.

    Args:
        arguments: The words of the command.
        side: ``fixed``, ``moving`` or ``reference``; empty for the main image. For masks and the like nothing can be chosen.
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
