"""The files that ``inr-register FIXED MOVING`` names, as a problem."""

from __future__ import annotations

import argparse
import sys

from inr_registration.app.cli.drawing import Drawing
from inr_registration.app.cli.which import which
from inr_registration.app.problem import FIELDS, IMAGES, LANDMARKS, problem_of
from inr_registration.core.grid import Grid
from inr_registration.core.problem import Problem
from inr_registration.io.files import read_image

OTHER_FILES = ("initial_transform", "long_axis", "reference")


def files_of(arguments: argparse.Namespace) -> list[str | None]:
    """Every file that would be read."""
    return [getattr(arguments, name) for name in (*IMAGES, *LANDMARKS, *OTHER_FILES)] + list(arguments.centreline)


def read_problem(arguments: argparse.Namespace) -> Problem:
    """Read all files that the command line names.

    Raises:
        InputError: One of them cannot be used.
    """

    def hear(sentence: str) -> None:
        if not arguments.quiet:
            print(f"inr-register: {sentence}", file=sys.stderr)

    given = {name: getattr(arguments, name, None) for name in FIELDS}
    return problem_of({**given, "centrelines": arguments.centreline}, hear, lambda name: which(arguments, name))


def read_drawing(arguments: argparse.Namespace, fixed: Grid) -> Drawing | None:
    """How the warped image is to be written; None: as the fit draws it.

    Raises:
        InputError: The reference image cannot be read.
    """
    if arguments.reference is not None:
        grid = read_image(arguments.reference, lambda _: None, **which(arguments, "reference")).grid
        return Drawing(grid, arguments.interpolation)
    return None if arguments.interpolation == "linear" else Drawing(fixed, arguments.interpolation)
