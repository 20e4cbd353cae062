"""How well a fit goes on in the background of an event loop that holds the interpreter lock, as 3D Slicer's does.

    python Testing/Benchmarks/threads.py [--repeats 3] [--kinds velocity siren]

Every measurement is a process of its own, and the median over the repeats is printed. Rates are iterations a second; the free one and
that with the pump are taken by turns within one process, so that they see the same machine. ``worst tick`` is the longest time in which
the window could not move; ``told`` is from the click on cancel to the owner being told, ``ended`` to the last report of the cancelled
thread, ``next`` to the start of the work of the run after it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "Testing" / "Python" / "job" / "slicer_like.py"
SECONDS = {"pump": 120, "turns": 15, "naive": 5, "cancel": 120, "import": 120}
"""Most time for the event loop; without the pump a fit would hardly ever end."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--kinds", nargs="+", choices=["velocity", "siren"], default=["velocity", "siren"])
    arguments = parser.parse_args()
    print("| kind | free rate | with pump | ratio | worst tick ms | without pump | told ms | ended ms | next ms |\n" + "|---" * 9 + "|")
    for kind in arguments.kinds:
        print(row(kind, arguments.repeats), flush=True)
    imports = [measure("import", "siren") for _ in range(arguments.repeats)]
    seconds, gap = (median(each[key] for each in imports) for key in ("import_s", "worst_gap_ms"))
    print(f"\nFirst run only: loading torch and the engine takes {seconds:.1f} s in the worker; worst tick meanwhile {gap:.0f} ms.")


def row(kind: str, repeats: int) -> str:
    """One line of the table."""
    rounds = [{way: measure(way, kind) for way in ("pump", "turns", "naive", "cancel")} for _ in range(repeats)]

    def of(way: str, key: str) -> float:
        return median(each[way][key] for each in rounds)

    cells = [f"{of('turns', 'free_rate'):.1f}", f"{of('turns', 'rate'):.1f}", f"{of('turns', 'ratio'):.2f}"]
    cells.append(f"{of('pump', 'worst_gap_ms'):.0f}")
    cells += [f"{of('naive', 'rate'):.2f}", *(f"{of('cancel', key):.1f}" for key in ("told_ms", "thread_ended_ms", "next_ms"))]
    return f"| {kind} | " + " | ".join(cells) + " |"


def measure(way: str, kind: str) -> dict[str, Any]:
    """One process."""
    command = [sys.executable, str(SCRIPT), way, kind, str(SECONDS[way])]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "INRRegistration")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


if __name__ == "__main__":
    main()
