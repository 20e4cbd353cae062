"""Does the quality control tell wrong pairs and failed fits from right ones, for any method?

    python Testing/Benchmarks/verdicts.py --pairs PAIRS --fetal FOLDER [--preset quick] [--rows ROWS.jsonl] [--max-voxels 1000000]
        [--only TEXT] [--tables]

PAIRS are folders with fixed.nii.gz and moving.nii.gz, FOLDER the fetal atlas of ``held_out.py``. Every case of ``verdict_cases.py``
is registered and its evidence kept in ROWS; rows that are there are not computed again. Tables are printed from the evidence with the
thresholds of now: by kind of pair, and for known warps by true error.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

Row = dict[str, Any]
POINTS = 2000
EDGES = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, np.inf)
"""Of the bins of the true error, in voxel diagonals."""


def observe(name: str, case: Any, preset: str, max_voxels: int) -> Row:
    """Register a case: its evidence and, where it is known, its true error."""
    from inr_registration.app import register
    from inr_registration.core import InputError, load_preset
    from inr_registration.maps import load

    settings = case.change(replace(load_preset(preset).settings, max_voxels=max_voxels, device="cpu"))
    row: Row = {"id": name, "preset": preset, "group": case.group, "kind": case.kind, "half": case.half}
    began = time.perf_counter()
    try:
        result = register(case.problem, settings)
    except InputError as error:
        return {**row, "refused": str(error)}
    if result.verdict is None or result.model is None:
        return {**row, "refused": result.message}
    row |= {"seconds": time.perf_counter() - began, "control_s": result.timings_s["quality control"]}
    row |= {"level": result.verdict.level.name, "evidence": dict(result.verdict.measured), "warnings": list(result.warnings)}
    if case.truth is None:
        return row
    points = np.random.default_rng(0).permutation(case.region)[:POINTS]
    error = np.linalg.norm(load(result.model).map(points) - case.truth(points), axis=1).mean()
    return {**row, "error_mm": float(error), "diagonals": float(error) / result.verdict.measured["voxel_mm"]}


def study(args: argparse.Namespace) -> list[Row]:
    """All rows; a file that holds some already is gone on with."""
    from verdict_cases import recipes

    rows = [json.loads(line) for line in args.rows.read_text().splitlines()] if args.rows.exists() else []
    done = {(row["id"], row["preset"]) for row in rows}
    open_ = [(name, make) for name, make in recipes(args.pairs, args.fetal) if args.only in name and (name, args.preset) not in done]
    for place in np.random.default_rng(0).permutation(len(open_)):  # so that an interrupted study has a bit of all
        name, make = open_[place]
        rows.append(observe(name, make(), args.preset, args.max_voxels))
        with args.rows.open("a") as file:
            file.write(json.dumps(rows[-1]) + "\n")
        print(f"{name}: {rows[-1].get('level', 'refused')}", flush=True)
    return rows


def judged(row: Row) -> str:
    """The level of a row by the thresholds of now."""
    from inr_registration.measure import Evidence, Lead, judge

    if "refused" in row:
        return "refused"
    kept = {name: tuple(value) if isinstance(value, list) else value for name, value in row["evidence"].items()}
    leads = {name: Lead(**kept.pop(name)) for name in ("lead", "mirror_lead")}
    return judge(Evidence(**{"labels": "", **kept, **leads})).level.name


def table(rows: Iterable[Row], by: str) -> None:
    """How often each level was given."""
    rows = list(rows)
    print(f"| {by} | half | cases | GREEN | AMBER | RED | refused |\n| --- | --- | --: | --: | --: | --: | --: |")
    for value in sorted({row[by] for row in rows}):
        for half in ("set", "judged"):
            levels = [judged(row) for row in rows if row[by] == value and row["half"] == half]
            if levels:
                counts = " | ".join(str(levels.count(name)) for name in ("GREEN", "AMBER", "RED", "refused"))
                print(f"| {value} | {half} | {len(levels)} | {counts} |")


def curve(rows: Iterable[Row]) -> None:
    """Of known warps: the share found against the true error."""
    known = [row for row in rows if "diagonals" in row]
    print("| true error, voxel diagonals | half | cases | GREEN | AMBER | RED |\n| --- | --- | --: | --: | --: | --: |")
    for low, high in pairwise(EDGES):
        for half in ("set", "judged"):
            levels = [judged(row) for row in known if low <= row["diagonals"] < high and row["half"] == half]
            if levels:
                counts = " | ".join(str(levels.count(name)) for name in ("GREEN", "AMBER", "RED"))
                print(f"| {low:g} to {high:g} | {half} | {len(levels)} | {counts} |")


def show(rows: list[Row]) -> None:
    """Print every table, and the right pairs that are not GREEN and the wrong ones that are not RED."""
    for group in ("right", "wrong", "mirrored", "turned"):
        print(f"\n{group}\n")
        table((row for row in rows if row["group"] == group), "kind")
    print("\nknown warps\n")
    curve(rows)
    seconds = [row["control_s"] for row in rows if "control_s" in row]
    shares = [row["control_s"] / row["seconds"] for row in rows if "control_s" in row]
    print(f"\nquality control: median {np.median(seconds):.2f} s, at most {max(seconds):.2f} s; median {np.median(shares):.0%} of the run")
    for group, good in (("right", "GREEN"), ("wrong", "RED")):
        for row in rows:
            if row["group"] == group and judged(row) not in (good, "refused"):
                print(f"{row['half']} {row['id']}: {judged(row)}", json.dumps(row["evidence"]))


def main() -> None:
    """Run the study and print its tables."""
    os.environ.update(OMP_NUM_THREADS="1", NUMBA_NUM_THREADS="1", OMP_WAIT_POLICY="PASSIVE")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, help="folder of real image pairs")
    parser.add_argument("--fetal", type=Path, help="folder of the fetal atlas")
    parser.add_argument("--preset", default="quick", help="what is judged")
    parser.add_argument("--max-voxels", type=int, default=1_000_000, help="of the finest level")
    parser.add_argument("--rows", type=Path, default=Path("verdicts.jsonl"), help="where finished rows are kept")
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    parser.add_argument("--tables", action="store_true", help="only print the tables of the rows that are there")
    args = parser.parse_args()
    show([json.loads(line) for line in args.rows.read_text().splitlines()] if args.tables else study(args))


if __name__ == "__main__":
    main()
