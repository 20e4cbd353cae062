"""Does every bad or odd input end in a right result, or in one clear message with nothing left behind?

    python Testing/Benchmarks/odd_inputs.py [--stress FOLDER] [--only WORDS ...]

Makes the cases in ``Testing/odd``, runs each through the command line and, where it can be had as arrays, through
``register(problem, settings)``, and looks at the rules: no exception, exit status 0 with a map near the true one or 2 with
exactly one line, no output left after a refusal, inputs the same byte by byte. Prints a table, broken rules in bold. FOLDER
holds images that are odd in other ways: each is registered with a copy of itself, whose truth is the identity, or refused.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # idle threads that spin take the cores from other processes
sys.path.append(str(Path(__file__).parents[1]))  # for odd

import numpy as np
from odd.case import Case
from odd.catalogue import GROUPS
from odd.check import Verdict, judge_cli, judge_python


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stress", type=Path, help="a folder of further images")
    parser.add_argument("--only", nargs="+", default=[""], help="run the cases whose name has one of these words")
    arguments = parser.parse_args()
    groups = dict(GROUPS)
    if arguments.stress is not None:
        groups["Images of others"] = [of_file(path) for path in sorted(arguments.stress.iterdir())]
    began, broken, count = time.perf_counter(), 0, 0
    print("| case | command line | Python | message |\n|---|---|---|---|")
    for group, cases in groups.items():
        for case in cases:
            if any(word in f"{group}: {case.name}" for word in arguments.only):
                verdicts = judge(case)
                broken += any(verdict is not None and verdict.wrong for verdict in verdicts)
                count += 1
                print(row(group, case, *verdicts), flush=True)
    print(f"\n{count} cases, {broken} of them broke a rule; {time.perf_counter() - began:.0f} s.")


def judge(case: Case) -> tuple[Verdict, Verdict | None]:
    with tempfile.TemporaryDirectory() as folder:
        by_files = judge_cli(case, Path(folder))
    return by_files, judge_python(case) if case.in_python else None


def row(group: str, case: Case, by_files: Verdict, by_call: Verdict | None) -> str:
    message = by_files.message.removeprefix("inr-register: ") or ("" if by_call is None else by_call.message)
    message = " ".join(message.split()).replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
    return f"| {group}: {case.name} | {cell(by_files)} | {'' if by_call is None else cell(by_call)} | {message[:160]} |"


def cell(verdict: Verdict) -> str:
    return f"**{verdict.done}: {', '.join(verdict.wrong)}**" if verdict.wrong else verdict.done


def of_file(path: Path) -> Case:
    """A file or folder of somebody's, registered with itself; refused where it is 4D."""
    is_4d = "4d" in path.name.lower()
    return Case(path.name, "4D" if is_4d else "", images=lambda _: (path, path), shift=None if is_4d else np.zeros(3))


if __name__ == "__main__":
    main()
