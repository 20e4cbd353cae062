"""Numbers out of a model file, each looked at before it is used: nobody knows who wrote the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from inr_registration.core.grid import FARTHEST_MM

Array = npt.NDArray[np.float64]


def numbers(value: Any, shape: tuple[int, ...], what: str, most: float = FARTHEST_MM) -> Array:
    """Finite numbers as an array of a shape, in which -1 stands for any length.

    Raises:
        ValueError: They are something else, or larger than ``most``.
    """
    array = np.asarray(value)
    fits = array.ndim == len(shape) and all(have == want or want == -1 for have, want in zip(array.shape, shape, strict=True))
    if array.dtype.kind not in "iuf" or not fits:
        raise ValueError(f"{what} must be numbers of shape {shape}, got {_short(value)}")
    if not (np.abs(array.astype(np.float64)) <= most).all():
        raise ValueError(f"{what} must be finite and at most {most:g}, got {_short(value)}")
    return array.astype(np.float64)


def number(value: Any, low: float, high: float, what: str) -> float:
    """A number in a range.

    Raises:
        ValueError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{what} must be a number between {low:g} and {high:g}, got {_short(value)}")
    return float(value)


def count(value: Any, low: int, high: int, what: str) -> int:
    """A whole number in a range.

    Raises:
        ValueError: It is not.
    """
    if not float(number(value, low, high, what)).is_integer():
        raise ValueError(f"{what} must be a whole number, got {value}")
    return int(value)


def affine(data: Mapping[str, Any]) -> Array:
    """The (4, 4) affine of a model, which can be inverted.

    Raises:
        ValueError: It cannot, or it is no affine.
    """
    matrix = numbers(data["affine"], (4, 4), "the affine")
    if not np.array_equal(matrix[3], [0, 0, 0, 1]) or np.linalg.cond(matrix[:3, :3]) > 1e6:
        raise ValueError(f"the affine must be invertible with last row 0 0 0 1, got {matrix.tolist()}")
    return matrix


def box(data: Mapping[str, Any]) -> Array:
    """Lowest and highest coordinates of a model, (2, 3).

    Raises:
        ValueError: They are not in this order.
    """
    ends = numbers(data["box"], (2, 3), "the box")
    if not (ends[0] < ends[1]).all():
        raise ValueError(f"the box must have its lowest coordinates first, got {ends.tolist()}")
    return ends


def parts(data: Any, names: tuple[str, ...], what: str) -> dict[str, Any]:
    """An object, of which every entry has one of these names.

    Raises:
        ValueError: It is none, or there is another entry.
    """
    if not isinstance(data, dict) or not set(data) <= set(names):
        raise ValueError(f"{what} must be an object of {', '.join(names)}, got {_short(data)}")
    return data


def same_shapes(tensors: Mapping[str, npt.NDArray[Any]], expected: Mapping[str, tuple[int, ...]]) -> dict[str, npt.NDArray[np.float32]]:
    """Tensors in single precision, finite, of these names and shapes; asked before anything of their size is made.

    Raises:
        ValueError: One is missing, too many, of another shape or not finite.
    """
    if set(tensors) != set(expected):
        raise ValueError(f"tensors {_short(sorted(tensors))} where {_short(sorted(expected))} belong")
    for name, shape in expected.items():
        if tensors[name].shape != shape:
            raise ValueError(f"tensor '{name}' of shape {tensors[name].shape} where {shape} belongs")
        if not (np.abs(tensors[name].astype(np.float64)) <= np.finfo(np.float32).max).all():
            raise ValueError(f"tensor '{name}' has numbers that are not finite")
    return {name: np.array(tensors[name], dtype=np.float32) for name in expected}


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]}..."
