"""The files that ``inr-register FIXED MOVING`` names, as a problem."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from inr_registration.app.cli.which import which
from inr_registration.core.grid import Grid
from inr_registration.core.problem import Problem
from inr_registration.io.files import read_image, read_labels
from inr_registration.io.points import in_pairs, read_axis, read_line, read_points
from inr_registration.io.pull import Drawing
from inr_registration.io.start import read_start

IMAGES = ("fixed", "moving", "fixed_mask", "moving_mask", "fixed_labels", "moving_labels", "ventricle")
OTHER_FILES = ("initial_transform", "long_axis", "reference")
LANDMARKS = ("fixed_landmarks", "moving_landmarks")


def files_of(arguments: argparse.Namespace) -> list[str | None]:
    """Every file that would be read."""
    return [getattr(arguments, name) for name in (*IMAGES, *LANDMARKS, *OTHER_FILES)] + list(arguments.centreline)


def read_problem(arguments: argparse.Namespace) -> Problem:
    """Read all files that the command line names.

    Raises:
        InputError: One of them cannot be used.
    """
    notes: list[str] = []

    def sayer(name: str, path: str) -> Callable[[str], None]:
        def say(sentence: str) -> None:
            if not arguments.quiet:
                print(f"inr-register: {sentence}", file=sys.stderr)
            notes.append(unnamed(sentence, path, name))

        return say

    given: dict[str, Any] = {}
    for name in IMAGES:
        path = getattr(arguments, name)
        if path is not None:
            reader = read_labels if name.endswith("labels") else read_image
            given[name] = reader(path, sayer(name, path), **which(arguments, name))
    landmarks = {name: read_points(path) for name in LANDMARKS if (path := getattr(arguments, name)) is not None}
    given |= {name: points.positions for name, points in landmarks.items()}
    if len(landmarks) == len(LANDMARKS):
        pairs = in_pairs(*landmarks.values(), sayer("landmarks", arguments.fixed_landmarks))
        given |= dict(zip(LANDMARKS, pairs, strict=True))
    if arguments.initial_transform is not None:
        say = sayer("initial_transform", arguments.initial_transform)
        given |= read_start(arguments.initial_transform, given["fixed"].grid, say)
    return Problem(**given, notes=tuple(notes), centrelines=_lines(arguments.centreline), long_axis=_axis(arguments.long_axis))


def read_drawing(arguments: argparse.Namespace, fixed: Grid) -> Drawing | None:
    """How the warped image is to be written; None: as the fit draws it.

    Raises:
        InputError: The reference image cannot be read.
    """
    if arguments.reference is not None:
        grid = read_image(arguments.reference, lambda _: None, **which(arguments, "reference")).grid
        return Drawing(grid, arguments.interpolation)
    return None if arguments.interpolation == "linear" else Drawing(fixed, arguments.interpolation)


def unnamed(sentence: str, path: str, name: str) -> str:
    """What was said of a file, for the reports: there it is called by what it is, as its own name may be a patient's."""
    for word in sorted({path, str(Path(path)), str(Path(path).resolve()), Path(path).name} - {"", "."}, key=len, reverse=True):
        sentence = sentence.replace(word, name.replace("_", " "))
    return sentence


def _lines(paths: list[str]) -> tuple[npt.NDArray[np.float64], ...]:
    return tuple(line for path in paths for line in read_line(path))


def _axis(path: str | None) -> npt.NDArray[np.float64] | None:
    return None if path is None else read_axis(path)
