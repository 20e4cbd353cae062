"""How loops are compiled, and how they are spread over threads."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt
import torch
from numba.core.caching import FunctionCache

from inr_registration.numerics import compiling
from inr_registration.numerics.kernels.place import kept_in

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
KEPT_IN = kept_in()
_njit: Any = numba.njit  # its types know some of the options only
_config: Any = numba.config

if logging.getLogger("numba").level == logging.NOTSET:  # each instruction of each loop is a record where the root logger is at DEBUG
    logging.getLogger("numba").setLevel(logging.WARNING)


class _Kept(FunctionCache):
    """Machine code on disk. A file that is damaged, or finds no room, costs time only: the function is compiled."""

    def load_overload(self, *arguments: Any) -> Any:
        try:
            found = super().load_overload(*arguments)
        except Exception:
            found = None
        if found is None:
            compiling.begins()
        return found

    def save_overload(self, *arguments: Any) -> None:
        try:
            super().save_overload(*arguments)
        except Exception:
            return


def compiled(function: F) -> F:
    """Machine code of a function over arrays and numbers; kept on disk for the next time where there is a place, free of Python's lock.

    Sums may be made in another order than they are written, and divisions become multiplications; NaN stays NaN.
    """
    dispatcher = _njit(no_cfunc_wrapper=True, **OPTIONS)(function)
    if KEPT_IN is None:
        return cast(F, dispatcher)
    before, _config.CACHE_DIR = _config.CACHE_DIR, str(KEPT_IN)  # for these functions only: others may use numba in this process
    try:
        dispatcher._cache = _Kept(function)
    except (RuntimeError, OSError):  # numba finds no place after all
        return cast(F, dispatcher)
    finally:
        _config.CACHE_DIR = before
    return cast(F, dispatcher)


def inlined(function: F) -> F:
    """The same for a part of such a function, put into it wherever it is called: a call would cost more than what it does."""
    return cast(F, _njit(forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)(function))


def called(function: F) -> F:
    """The same for a part that works on whole lines: the compiler may call it, since to copy it to many places takes seconds."""
    return cast(F, _njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)(function))


def parts(count: int, elements: int, most: int = MOST_PARTS) -> Ints:
    """``(n, 2)`` starts and ends of at most so many ranges that divide ``count`` planes of ``elements`` in all."""
    n = int(np.clip(elements // PART, 1, min(most, count)))
    ends = np.linspace(0, count, n + 1).round().astype(np.int64)
    return np.stack([ends[:-1], ends[1:]], axis=1)


def run(function: Callable[..., None], ranges: Ints, *arguments: Any) -> None:
    """Call ``function(ranges, first, step, *arguments)`` so that it takes on every range once, on torch's number of threads.

    The function is to take the ranges ``first``, ``first + step`` and so on: calling it for each would cost as much as small ones do.
    """
    if not getattr(function, "signatures", True):
        _make(function, ranges, *arguments)
    threads = max(min(torch.get_num_threads(), len(ranges)), 1)  # one where there is nothing to do
    if threads == 1:
        function(ranges, 0, 1, *arguments)
        return
    others = [_pool(threads).submit(function, ranges, first, threads, *arguments) for first in range(1, threads)]
    function(ranges, 0, threads, *arguments)
    for other in others:
        other.result()


def _make(function: Any, ranges: Ints, *arguments: Any) -> None:
    """Compile a function, or load it, for arguments of these types: it is given no range, so that it does nothing."""
    with compiling.counted():
        if not isinstance(function._cache, _Kept):
            compiling.begins()
        function(ranges[:0], 0, 1, *arguments)


@lru_cache(maxsize=4)
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="compiled")


if hasattr(os, "register_at_fork"):  # threads do not live on in a forked process, and work given to them would be waited for without end
    os.register_at_fork(after_in_child=_pool.cache_clear)
