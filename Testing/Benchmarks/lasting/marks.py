"""What a process holds at one moment: memory, threads, open files, tensors; and whether that grows."""

from __future__ import annotations

import ctypes
import gc
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

MB = 2**20


@dataclass(frozen=True)
class Mark:
    """One moment, after a collection of garbage.

    Args:
        run: How many runs there were.
        rss_mb: Memory in use.
        threads: Of the system; Python's are among them.
        python_threads: Those that Python knows, but for the one pool of the compiled loops, which grows up to the number of processors.
        files: Open files.
        temporary: Entries of the folder for temporary files.
        tensors: Tensors that Python can reach.
        objects: Everything that garbage collection follows.
        cuda_mb: Held on the GPU; 0 without one.
        more: Counts of what only some have, such as nodes of a scene.
    """

    run: int
    rss_mb: float
    threads: int
    python_threads: int
    files: int
    temporary: int
    tensors: int
    objects: int
    cuda_mb: float = 0.0
    more: dict[str, int] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """What must be the same after every round of runs."""
        held = {name: getattr(self, name) for name in ("python_threads", "files", "temporary", "tensors")}
        return {**held, **self.more}


def mark(run: int, **more: int) -> Mark:
    """Look at this process. Linux only."""
    gc.collect()
    gc.collect()  # what a finaliser let go of
    _trim()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return Mark(
        run,
        rss_mb=int(status["VmRSS"].split()[0]) / 1024,
        threads=int(status["Threads"]),
        python_threads=_python_threads(),
        files=_entries("/proc/self/fd"),
        temporary=_entries(tempfile.gettempdir()),
        tensors=_tensors(),
        objects=len(gc.get_objects()),
        cuda_mb=_cuda_mb(),
        more=more,
    )


def slope(marks: Sequence[Mark]) -> float:
    """MB per run over the second half."""
    half = [each for each in marks if each.run >= marks[-1].run / 2]
    return float(np.polyfit([each.run for each in half], [each.rss_mb for each in half], 1)[0])


def grown(first: Mark, last: Mark) -> dict[str, tuple[int, int]]:
    """What there is more of than at the first mark."""
    before, after = first.counts(), last.counts()
    return {name: (before.get(name, 0), count) for name, count in after.items() if count > before.get(name, 0)}


def _python_threads() -> int:
    names = [thread.name for thread in threading.enumerate()]
    return len(names) - len({name for name in names if name.startswith("compiled_")})  # a second pool would have the same names


def _entries(folder: str) -> int:
    return sum(1 for _ in Path(folder).iterdir())


def _trim() -> None:
    """Give free memory back to the system, so that what is counted is what is held."""
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


def _tensors() -> int:
    torch = sys.modules.get("torch")
    return 0 if torch is None else sum(issubclass(type(each), torch.Tensor) for each in gc.get_objects())


def _cuda_mb() -> float:
    torch = sys.modules.get("torch")
    return torch.cuda.memory_allocated() / MB if torch is not None and torch.cuda.is_available() else 0.0
