"""Ends runs of the command from outside at random moments, takes memory and disk away, and looks at what is left.

    python Testing/Benchmarks/faults.py [--kills 200] [--memory] [--disk FOLDER] [--preset quick] [--seed 0]

``--kills``: so many runs on a small generated pair, each into a folder that holds the complete results of another run, ended at a random
moment by SIGKILL, SIGTERM, one Ctrl-C or two. What is visible afterwards must be the old results, or complete new ones. Then
``--resume`` must end with the very same model as a run that nobody disturbed.

``--memory``: the command on the larger pair of ``inr-register demo``, with an address space from too little to plenty. ``--disk``:
with a folder on a small file system, for example of ``mount -t tmpfs -o size=200k tmpfs FOLDER``. There must be a result, or one line
that says what is wrong.

Prints one table each. The exit status is 1 if anything was as it must not be.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from inr_registration.app.cli import write_pair
from inr_registration.core import from_bytes
from inr_registration.phantom import make_pair

WAYS = ("SIGKILL", "SIGTERM", "Ctrl-C", "Ctrl-C twice")
Content = dict[str, str]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--disk", type=Path)
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        trial = Trial(Path(place), arguments.preset, "full" if arguments.memory else "small")
        good = True
        if arguments.kills:
            good &= kills(trial, arguments.kills, random.Random(arguments.seed))
        if arguments.memory:
            good &= memory(trial)
        if arguments.disk:
            good &= disk(trial, arguments.disk)
    return 0 if good else 1


class Trial:
    """A generated pair on the disk, the results of an older run, and those of an undisturbed one.

    Args:
        place: A folder of our own.
        preset: Of the runs.
        size: Of the pair, small or full.
    """

    def __init__(self, place: Path, preset: str, size: str) -> None:
        self.place, self.preset = place, preset
        pair = make_pair(size, 0)
        write_pair(place / "pair", pair, *pair.pairs(20, 0))
        assert self.run(place / "old", "--preset", "ffd", "--max-voxels", 30_000).returncode == 0
        began = time.perf_counter()
        assert self.run(place / "reference").returncode == 0
        self.seconds = time.perf_counter() - began
        self.old, self.reference = content(place / "old"), model(place / "reference")

    def words(self, output: Path, *more: object) -> list[str]:
        """The command; one thread, so that what is not compiled gives the same bits each time."""
        files = [self.place / "pair" / f"{side}.nii.gz" for side in ("fixed", "moving")]
        given = [*files, "--output", output, "--preset", self.preset, "--threads", 1, "--checkpoint-every", 0.1, "--quiet", *more]
        return [sys.executable, "-m", "inr_registration", *map(str, given)]

    def run(self, output: Path, *more: object, limit: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:
        """To its end."""
        words = self.words(output, *more)
        return subprocess.run(words, capture_output=True, text=True, check=False, preexec_fn=limit)

    def folder(self) -> Path:
        """A new one with the old results in it."""
        return Path(shutil.copytree(self.place / "old", self.place / "out"))


def content(folder: Path) -> Content:
    """Hashes of the visible files."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir() if not file.name.startswith(".")}


def model(folder: Path) -> dict[str, np.ndarray]:
    """The arrays of a result's model."""
    return from_bytes((folder / "model.safetensors").read_bytes()).tensors


def kills(trial: Trial, count: int, chance: random.Random) -> bool:
    """Runs that are ended at random moments."""
    seen: dict[str, Counter[str]] = {way: Counter() for way in WAYS}
    for number in range(count):
        way = WAYS[number % len(WAYS)]
        folder = trial.folder()
        code = ended(trial.words(folder), way, chance.uniform(0, 1.1 * trial.seconds))
        state = state_of(trial, folder)
        tally = seen[way]
        tally["runs"] += 1
        tally[state] += 1
        tally[f"status {code}"] += 1
        tally["checkpoints"] += any(folder.glob(".inr-register-checkpoint*"))
        resumed = trial.run(folder, "--resume")
        same = resumed.returncode == 0 and all(np.array_equal(a, trial.reference[name]) for name, a in model(folder).items())
        tally["resumed alike"] += same
        tally["hidden files left"] += len([file for file in folder.iterdir() if file.name.startswith(".")])
        shutil.rmtree(folder)
    columns = ("runs", "old", "new", "mixed", "checkpoints", "resumed alike", "hidden files left")
    print(f"A run that is left alone takes {trial.seconds:.1f} s; ended after 0 to {1.1 * trial.seconds:.1f} s.\n")
    print(f"| ended by | {' | '.join(columns)} | exit statuses |\n|---|{'---|' * len(columns)}---|")
    for way, tally in seen.items():
        codes = ", ".join(f"{name.removeprefix('status ')}: {n}" for name, n in sorted(tally.items()) if name.startswith("status"))
        print(f"| {way} | {' | '.join(str(tally[name]) for name in columns)} | {codes} |")
    return all(tally["mixed"] == 0 and tally["resumed alike"] == tally["runs"] for tally in seen.values())


def ended(words: list[str], way: str, after: float) -> int:
    """Start the command, end it in some way after so many seconds, and return its exit status."""
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen(words, stdout=nowhere, stderr=nowhere, preexec_fn=heed_interrupts)
    time.sleep(after)
    numbers = {"SIGKILL": [signal.SIGKILL], "SIGTERM": [signal.SIGTERM]}.get(way, [signal.SIGINT] * (1 + way.endswith("twice")))
    for number in numbers:
        if process.poll() is None:
            process.send_signal(number)
            time.sleep(0.05)
    return process.wait()


def heed_interrupts() -> None:
    """What a shell starts in the background ignores Ctrl-C, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def state_of(trial: Trial, folder: Path) -> str:
    """Whether a folder shows the old results, complete new ones, or a mixture."""
    now = content(folder)
    if now == trial.old:
        return "old"
    if set(now) != set(trial.old) or any(now[name] == trial.old[name] for name in now):
        return "mixed"
    report = json.loads((folder / "report.json").read_text())
    whole = report["outcome"] == "STOPPED" or all(np.array_equal(a, trial.reference[name]) for name, a in model(folder).items())
    return "new" if whole else "mixed"


def memory(trial: Trial) -> bool:
    """The command with an address space of so many MB."""
    good, done = True, False
    print("\n| address space, MB | exit status | lines on standard error | first of them |\n|---|---|---|---|")
    for size in (300, 1000, 1400, 1500, 1600, 1700, 1800, 2000, 2500, 3000):
        folder = trial.folder()
        run = trial.run(folder, limit=lambda size=size: resource.setrlimit(resource.RLIMIT_AS, (size * 2**20,) * 2))
        lines = run.stderr.strip().splitlines()
        done = run.returncode == 0
        good &= done or (run.returncode in (1, 3) and len(lines) == 1 and content(folder) == trial.old)
        print(f"| {size} | {run.returncode} | {len(lines)} | {lines[0][:160] if lines else ''} |")
        shutil.rmtree(folder)
    return good and done


def disk(trial: Trial, place: Path) -> bool:
    """The command with an output folder on a small file system."""
    folder = place / "out"
    folder.mkdir()
    (folder / "report.json").write_text("{}")
    run = trial.run(folder)
    lines, left = run.stderr.strip().splitlines(), sorted(content(folder))
    print(
        f"\n| room, MB | exit status | message | visible files after |\n|---|---|---|---|\n| {room(place):.1f} | {run.returncode} | ",
        end="",
    )
    print(f"{' / '.join(lines)} | {', '.join(left)} |")
    shutil.rmtree(folder)
    return run.returncode == 0 or (run.returncode == 3 and len(lines) <= 2 and left == ["report.json"])  # a checkpoint has a line, too


def room(place: Path) -> float:
    """Of a file system, MB."""
    return shutil.disk_usage(place).total / 2**20


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.exit(main())
