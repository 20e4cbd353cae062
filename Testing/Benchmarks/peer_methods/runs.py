"""One method on one pair in a process of its own, and the file that keeps all rows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from peer_methods.registry import method
from peer_methods.task import Laps, Task, thread_limits

Row = dict[str, Any]
BEFORE = "before"


@dataclass(frozen=True)
class Run:
    """What tells one row from all others.

    Args:
        pair: Name of the pair.
        method: Name of the method, or ``before``.
        weight: Of regularity; None is the recommended one.
        repeat: Which of the repeats.
        threads: How many the method may use.
    """

    pair: str
    method: str
    weight: float | None
    repeat: int
    threads: int


class Rows:
    """Rows in a JSONL file, written one by one so that an interrupted study goes on where it stopped."""

    def __init__(self, file: Path) -> None:
        self.file = file
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        self.all: list[Row] = [json.loads(line) for line in lines if line.strip()]

    def done(self, run: Run) -> bool:
        """Whether this run has succeeded already; one that failed is tried again by the next command."""
        return any("failed" not in row and _same(row, run) for row in self.all)

    def add(self, row: Row) -> None:
        """Keep one row, in place of an earlier failure of the same run."""
        run = Run(**{name: row[name] for name in Run.__dataclass_fields__})
        self.all = [*(old for old in self.all if not _same(old, run)), row]
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def _same(row: Row, run: Run) -> bool:
    return all(row.get(name) == value for name, value in asdict(run).items())


def measured(script: Path, pair: Path, run: Run, folder: Path, limit: float) -> Row:
    """Register in one process, judge the transform in another.

    Args:
        script: Runs ``work`` when it is given ``--work``, and the judge when given ``--judge``.
        pair: Folder of the pair.
        run: What to run.
        folder: For the transform and the log of the tool.
        limit: Seconds after which the method is stopped, which counts as a failure.
    """
    row: Row = asdict(run) | {"load": round(os.getloadavg()[0], 2)}
    name = "-".join(str(part) for part in asdict(run).values()).replace(" ", "_")
    transform, costs = folder / f"{name}.h5", folder / f"{name}.json"
    if run.method != BEFORE:
        job = asdict(run) | {"pair": str(pair), "transform": str(transform), "costs": str(costs)}
        spent = _spent([sys.executable, str(script), "--work", json.dumps(job)], folder / f"{name}.log", run.threads, limit)
        if spent["code"] != 0 or not transform.exists():
            return row | {"failed": _last_words(folder / f"{name}.log", spent["code"])}
        row |= {key: value for key, value in spent.items() if key != "code"} | json.loads(costs.read_text(encoding="utf-8"))
    command = [sys.executable, str(script), "--judge", str(pair), *([] if run.method == BEFORE else [str(transform)])]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    transform.unlink(missing_ok=True)
    costs.unlink(missing_ok=True)
    return row | (json.loads(told.stdout) if told.returncode == 0 else {"failed": f"judge: {told.stderr.strip().splitlines()[-1]}"})


def _spent(command: list[str], log: Path, threads: int, limit: float) -> Row:
    """Wall and CPU seconds and the highest memory of a whole process with its children.

    This process imports nothing large: on Linux a child's peak memory starts from that of its parent.
    """
    began = time.perf_counter()
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=os.environ | thread_limits(threads))
        guard = threading.Timer(limit, process.kill)
        guard.daemon = True
        guard.start()
        _, status, used = os.wait4(process.pid, 0)
        guard.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return {
        "code": process.returncode,
        "process_wall": time.perf_counter() - began,
        "process_cpu": used.ru_utime + used.ru_stime,
        "peak_mib": used.ru_maxrss / 1024,
    }


def _last_words(log: Path, code: int) -> str:
    if code == -signal.SIGKILL:
        return "killed: over the time limit or out of memory"
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return f"{lines[-1][:200] if lines else 'said nothing'} (exit code {code})"


def work(job: Row) -> None:
    """Run one method in this process: write its transform, and the seconds of its parts."""
    import SimpleITK as sitk

    laps = Laps()
    found = method(job["method"]).run(Task(Path(job["pair"]), job["threads"], job["weight"]), laps)
    sitk.WriteTransform(found, job["transform"])
    wall, cpu = (sum(lap[part] for lap in laps.seconds.values()) for part in (0, 1))
    Path(job["costs"]).write_text(json.dumps({"wall": wall, "cpu": cpu, "laps": laps.seconds}), encoding="utf-8")
