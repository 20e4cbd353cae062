"""The loop of an application, to be turned by hand."""

from __future__ import annotations

import time
from typing import Any


class Loop:
    """A timer of interval 0 and the loop that drives it, as an application's event loop does."""

    def __init__(self) -> None:
        self.ticks: list[Any] = []

    def make_timer(self, function: Any) -> Any:
        loop = self

        class Timer:
            def start(self) -> None:
                loop.ticks.append(function)

            def stop(self) -> None:
                loop.ticks.remove(function)

        return Timer()

    def until(self, done: Any, seconds: float = 120.0) -> None:
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, "it took too long"
            for tick in list(self.ticks):
                tick()
            time.sleep(0.001)
