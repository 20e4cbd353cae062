"""Values from a DICOM header that may hold anything: what cannot be read counts as not given."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from inr_registration.io.dicom.frame import Floats

LARGEST_MM = 1e9
UNIT_TOLERANCE = 1e-2
"""How far a direction may be from unit length, and two from a right angle."""


def get(data: Dataset | None, keyword: str) -> Any:
    """The value of an element, or None where it is missing, empty or not readable."""
    try:
        value = None if data is None else data.get(keyword)
        return None if value is None or value == "" else value
    except Exception:  # a broken value may raise anything when it is converted
        return None


def text(data: Dataset | None, keyword: str) -> str:
    """The value as a line of printable text."""
    value = get(data, keyword)
    return "" if value is None else " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())


def number(data: Dataset | None, keyword: str) -> float | None:
    """The (first) value as a finite number."""
    found = numbers(data, keyword)
    return None if found is None else float(found[0])


def whole(data: Dataset | None, keyword: str, otherwise: int) -> int:
    """The (first) value as a whole number."""
    found = number(data, keyword)
    return otherwise if found is None else int(found)


def numbers(data: Dataset | None, keyword: str, count: int | None = None) -> Floats | None:
    """The values as finite numbers, ``count`` of them."""
    value = get(data, keyword)
    try:
        found = np.array([float(x) for x in np.atleast_1d(np.asarray(value, dtype=object))]) if value is not None else np.empty(0)
    except (TypeError, ValueError):
        return None
    if not len(found) or (count is not None and len(found) != count) or not np.isfinite(found).all():
        return None
    return found


def item(data: Dataset | None, keyword: str) -> Dataset | None:
    """The first item of a sequence."""
    value = get(data, keyword)
    try:
        return value[0] if value is not None and len(value) and isinstance(value[0], Dataset) else None
    except (TypeError, IndexError, KeyError):
        return None


def position(data: Dataset | None, keyword: str = "ImagePositionPatient") -> Floats | None:
    """A point, (3,) LPS mm."""
    found = numbers(data, keyword, 3)
    return None if found is None or np.abs(found).max() > LARGEST_MM else found


def axes(data: Dataset | None, keyword: str = "ImageOrientationPatient") -> Floats | None:
    """Unit directions along a row and along a column, (2, 3) LPS; None unless they are two unit vectors at a right angle."""
    found = numbers(data, keyword, 6)
    if found is None:
        return None
    both = found.reshape(2, 3)
    if np.abs(both @ both.T - np.eye(2)).max() > UNIT_TOLERANCE:
        return None
    return np.asarray(both / np.linalg.norm(both, axis=1, keepdims=True))


def spacing(data: Dataset | None) -> Floats | None:
    """From column to column and from row to row, (2,) mm; DICOM gives the rows first."""
    found = numbers(data, "PixelSpacing", 2)
    return None if found is None or found.min() <= 0 or found.max() > LARGEST_MM else found[::-1].copy()


def scale(data: Dataset | None) -> tuple[float, float] | None:
    """Slope and intercept; None where there is no slope."""
    slope = number(data, "RescaleSlope")
    return None if slope is None else (slope, number(data, "RescaleIntercept") or 0.0)


def mapping(data: Dataset | None) -> tuple[float, float] | None:
    """Slope and intercept to a quantity of the real world; None where there is no slope."""
    slope = number(data, "RealWorldValueSlope")
    return None if slope is None else (slope, number(data, "RealWorldValueIntercept") or 0.0)


def seconds(data: Dataset | None, keyword: str) -> float | None:
    """A time of day or a date with time, as a number that grows with time."""
    value = text(data, keyword)
    head, _, fraction = value.partition(".")
    fraction = fraction.split("+")[0].split("-")[0]
    digits = head.split("+")[0].split("-")[0]
    if not digits.isascii() or not digits.isdecimal() or len(digits) not in (6, 14) or not (not fraction or fraction.isdecimal()):
        return None
    try:
        when = datetime.strptime(digits, "%H%M%S" if len(digits) == 6 else "%Y%m%d%H%M%S")
    except ValueError:
        return None
    passed = (when - datetime(1900, 1, 1)).total_seconds() + float(f"0.{fraction or 0}")
    return passed if math.isfinite(passed) else None
