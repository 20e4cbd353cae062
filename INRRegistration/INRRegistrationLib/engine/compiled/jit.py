"""How loops are compiled, and how they are spread over threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
import torch
from numba import njit

F = TypeVar("F", bound=Callable[..., Any])
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Signs = npt.NDArray[np.int8]
Scalar = Any
"""A number inside a compiled loop, float32 as its arrays are."""

PART = 25_000
"""About so many elements are one part of the work, at least."""
MOST_PARTS = 16
"""Sums are made for each part and then added in order, so that they do not depend on the number of threads."""
OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"reassoc", "contract", "arcp", "nsz"}}


def compiled(function: F) -> F:
    """Machine code of a function over arrays and numbers; kept on disk for the next time, free of Python's lock.

    Sums may be made in another order than they are written, and divisions become multiplications; NaN stays NaN.
    """
    return cast(F, njit(cache=True, **OPTIONS)(function))


def inlined(function: F) -> F:
    """The same for a part of such a function, put into it wherever it is called: a call would cost more than what it does."""
    return cast(F, njit(forceinline=True, **OPTIONS)(function))


def parts(count: int, elements: int, most: int = MOST_PARTS) -> Ints:
    """``(n, 2)`` starts and ends of at most so many ranges that divide ``count`` planes of ``elements`` in all."""
    n = int(np.clip(elements // PART, 1, min(most, count)))
    ends = np.linspace(0, count, n + 1).round().astype(np.int64)
    return np.stack([ends[:-1], ends[1:]], axis=1)


def run(function: Callable[..., None], ranges: Ints, *arguments: Any) -> None:
    """Call ``function(ranges, first, step, *arguments)`` so that it takes on every range once, on torch's number of threads.

    The function is to take the ranges ``first``, ``first + step`` and so on: calling it for each would cost as much as small ones do.
    """
    threads = max(min(torch.get_num_threads(), len(ranges)), 1)  # one where there is nothing to do
    if threads == 1:
        function(ranges, 0, 1, *arguments)
        return
    others = [_pool(threads).submit(function, ranges, first, threads, *arguments) for first in range(1, threads)]
    function(ranges, 0, threads, *arguments)
    for other in others:
        other.result()


@lru_cache(maxsize=4)
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="compiled")
