"""Whether anything grows over many registrations: memory, threads, open files, tensors, nodes, timers. Linux only.

    python Testing/Benchmarks/endurance.py --process 200 --scene 50 [--pictures FOLDER]

The runs are tiny, of several presets in turn, and a part of them is stopped, cancelled, broken or refused. Each part is a process of
its own. ``slope`` is that of the memory over the second half of the runs. The scene needs the package slicer-core.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATHS = [str(ROOT / "Testing"), str(ROOT / "INRRegistration")]
sys.path[:0] = PATHS
EVERY = {"process": 10, "scene": 7}
TITLES = ("runs", "memory MB", "threads", "open files", "temporary files", "tensors", "GPU MB", "objects")
MORE = ("nodes", "timers", "observers", "vtk_objects")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--process", type=int, default=200)
    parser.add_argument("--scene", type=int, default=50)
    parser.add_argument("--pictures", type=Path, help="folder for the curves; needs matplotlib")
    parser.add_argument("--part", choices=["process", "scene"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        measure(arguments.part, getattr(arguments, arguments.part))
        return
    for part in ("process", "scene"):
        if getattr(arguments, part):
            show(part, rows(part, getattr(arguments, part)), arguments.pictures)


def measure(part: str, runs: int) -> None:
    """Within the process that is measured: a line of JSON for each mark."""
    last = importlib.import_module(f"Benchmarks.lasting.{part}").last
    for mark, ended in last(runs, EVERY[part]):
        print(json.dumps({**asdict(mark), "ended": ended}), flush=True)


def rows(part: str, runs: int) -> list[dict[str, Any]]:
    """The marks of a process of its own."""
    command = [sys.executable, __file__, "--part", part, f"--{part}", str(runs)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(PATHS), "OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def show(part: str, found: list[dict[str, Any]], pictures: Path | None) -> None:
    """A table, the slope, and a picture."""
    from Benchmarks.lasting.marks import Mark, slope

    marks = [Mark(**{name: value for name, value in row.items() if name != "ended"}) for row in found]
    more = [name for name in MORE if name in marks[0].more]
    titles = [*TITLES, *(name.replace("_", " ") for name in more)]
    print(f"\n### {part.capitalize()}\n\n| {' | '.join(titles)} |\n" + "|---" * len(titles) + "|")
    for each in marks:
        counts = (each.threads, each.files, each.temporary, each.tensors)
        cells = [each.run, f"{each.rss_mb:.1f}", *counts, f"{each.cuda_mb:.1f}", each.objects]
        print("| " + " | ".join(str(cell) for cell in [*cells, *(each.more[name] for name in more)]) + " |")
    print(f"\nSlope over the second half: {slope(marks):+.4f} MB per run. Endings: {found[-1]['ended']}")
    classes = {name: count for name, count in marks[-1].more.items() if name.startswith("vtkMRML")}
    grown = {name: (marks[0].more.get(name, 0), count) for name, count in classes.items() if marks[0].more.get(name, 0) != count}
    print(f"Classes of nodes whose number changed between the first and the last mark: {grown or 'none'}" if classes else "")
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
        draw(part, marks, pictures / f"endurance-{part}.png")


def draw(part: str, marks: list[Any], file: Path) -> None:
    """Memory, threads and objects over the runs."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    runs = [each.run for each in marks]
    figure, axes = plt.subplots(1, 3, figsize=(11, 3), layout="constrained")
    counts = {"threads": [each.threads for each in marks], "open files": [each.files for each in marks]}
    counts |= {"nodes": [each.more["nodes"] for each in marks]} if "nodes" in marks[0].more else {}
    axes[0].plot(runs, [each.rss_mb for each in marks], marker=".")
    for name, values in counts.items():
        axes[1].plot(runs, values, marker=".", label=name)
    axes[1].legend()
    axes[2].plot(runs, [each.objects for each in marks], marker=".")
    for each, title in zip(axes, ("memory, MB", "counts", "Python objects"), strict=True):
        each.set(title=title, xlabel=f"registrations in one {part}", ylim=(0, 1.25 * each.dataLim.y1))
    figure.savefig(file, dpi=90)
    plt.close(figure)


if __name__ == "__main__":
    main()
