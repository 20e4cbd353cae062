"""The question, from whatever the images and points are given as: the same way for the command line and for Python."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from inr_registration.core.errors import InputError
from inr_registration.core.problem import Problem
from inr_registration.io.points import Points, in_pairs, read_axis, read_line, read_points
from inr_registration.io.start import as_start, read_start
from inr_registration.io.volumes import as_volume

Array = npt.NDArray[np.float64]
Say = Callable[[str], None]

IMAGES = ("fixed", "moving", "fixed_mask", "moving_mask", "fixed_labels", "moving_labels", "ventricle")
LANDMARKS = ("fixed_landmarks", "moving_landmarks")
FIELDS = (*IMAGES, *LANDMARKS, "initial_transform", "centrelines", "long_axis")
"""What can be given, by name."""


def problem_of(given: Mapping[str, Any], hear: Say = lambda _: None, which: Callable[[str], dict[str, Any]] = lambda _: {}) -> Problem:
    """Read what is a file, take what is not, and put them together.

    Args:
        given: By the names of ``FIELDS``; None is not given. Images as ``as_volume`` takes them. Landmarks, centrelines (several) and the
            long axis as files or (n, 3) LPS mm. The initial transform as a file, a (4, 4) matrix or a ``Map``.
        hear: Told at once what is assumed; it is in ``Problem.notes`` too.
        which: Says, for the name of an image, which series and frame of its file are meant.

    Raises:
        InputError: Something cannot be used, or is no field of a problem.
    """
    unknown = sorted(set(given) - set(FIELDS))
    if unknown:
        raise InputError(f"unknown input '{unknown[0]}'; known are {', '.join(FIELDS)}")
    given, notes = {name: value for name, value in given.items() if value is not None}, []

    def sayer(name: str) -> Say:
        def say(sentence: str) -> None:
            hear(sentence)
            notes.append(unnamed(sentence, given[name], name) if is_path(given[name]) else sentence)

        return say

    fields: dict[str, Any] = {name: as_volume(given[name], name, sayer(name), **which(name)) for name in IMAGES if name in given}
    fields |= _landmarks(given, sayer)
    if "initial_transform" in given:
        start, grid = given["initial_transform"], fields["fixed"].grid
        fields |= read_start(start, grid, sayer("initial_transform")) if is_path(start) else as_start(start, grid)
    fields["centrelines"] = _lines(given.get("centrelines", ()))
    if "long_axis" in given:
        axis = given["long_axis"]
        fields["long_axis"] = read_axis(axis) if is_path(axis) else _points(axis, "long_axis")
    return Problem(**fields, notes=tuple(notes))


def is_path(value: Any) -> bool:
    """Whether something names a file."""
    return isinstance(value, str | os.PathLike)


def unnamed(sentence: str, path: str | os.PathLike[str], name: str) -> str:
    """What was said of a file, for the reports: there it is called by what it is, as its own name may be a patient's."""
    for word in sorted({str(path), str(Path(path)), str(Path(path).resolve()), Path(path).name} - {"", "."}, key=len, reverse=True):
        sentence = sentence.replace(word, name.replace("_", " "))
    return sentence


def _landmarks(given: Mapping[str, Any], sayer: Callable[[str], Say]) -> dict[str, Array]:
    """In pairs by their names where both files have the same ones."""
    points = {
        name: read_points(given[name]) if is_path(given[name]) else Points(_points(given[name], name), None)
        for name in LANDMARKS
        if name in given
    }
    if len(points) == len(LANDMARKS):
        fixed, moving = in_pairs(points[LANDMARKS[0]], points[LANDMARKS[1]], sayer(LANDMARKS[0]))
        return {LANDMARKS[0]: fixed, LANDMARKS[1]: moving}
    return {name: one.positions for name, one in points.items()}


def _lines(lines: Any) -> tuple[Array, ...]:
    given: Sequence[Any] = [lines] if is_path(lines) else lines
    return tuple(line for one in given for line in (read_line(one) if is_path(one) else [_points(one, "centrelines")]))


def _points(value: Any, name: str) -> Array:
    try:
        points = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: points are a file or an array (n, 3) in LPS mm, got {type(value).__name__}") from error
    if points.ndim != 2 or points.shape[1] != 3:
        raise InputError(f"{name}: points are a file or an array (n, 3) in LPS mm, got an array of shape {points.shape}")
    return points
