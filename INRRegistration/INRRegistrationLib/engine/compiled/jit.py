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


def compiled(function: F) -> F:
    """Machine code of a function over arrays and numbers; kept on disk for the next time, free of Python's lock.

    Sums may be made in another order than they are written, and divisions become multiplications; NaN stays NaN.
    """
    return cast(F, njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "arcp", "nsz"})(function))


def parts(count: int, elements: int, most: int = MOST_PARTS) -> Ints:
    """``(n, 2)`` starts and ends of at most so many ranges that divide ``count`` planes of ``elements`` in all."""
    n = int(np.clip(elements // PART, 1, min(most, count)))
    ends = np.linspace(0, count, n + 1).round().astype(np.int64)
    return np.stack([ends[:-1], ends[1:]], axis=1)


def run(function: Callable[..., None], ranges: Ints, *arguments: Any) -> None:
    """Call ``function(number, first, end, *arguments)`` for each range, spread over torch's number of threads."""

    def some(start: int, step: int) -> None:
        for number in range(start, len(ranges), step):
            function(number, ranges[number, 0], ranges[number, 1], *arguments)

    threads = min(torch.get_num_threads(), len(ranges))
    if threads == 1:
        some(0, 1)
        return
    for done in [_pool(threads).submit(some, start, threads) for start in range(threads)]:
        done.result()


@lru_cache(maxsize=4)
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="compiled")
