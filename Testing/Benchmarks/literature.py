"""The experiments of the literature in kind, and what our changes bring: every table by one command.

    python Testing/Benchmarks/literature.py PAIRS [--tables weights choices representations series changes] [--seeds N]

``PAIRS`` is a folder of image pairs (the layout is described in ``pairs.py``). Images with more than 400 000 voxels are
made coarser and the networks are small, so that ten seeds fit into minutes: the figures compare variants with each other,
not with the literature. Every run takes one thread; ``--processes`` run at a time. Rows are kept in ``--rows`` (one JSON
object a line; those behind the tables of LITERATURE.md are in the repository), so an interrupted study goes on where it was;
remove the file to measure anew.

"Failures" are runs that end with a mean error above 2 mm, or above that before (for labels: overlap not above that before).
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # idle threads that spin take the cores from other processes

from studies.experiments import EXPERIMENTS, Experiment
from studies.runs import Row, read_rows, run_all
from studies.tables import table, ways_table


def main() -> None:
    arguments = parse()
    for word in arguments.tables:
        experiment = EXPERIMENTS[word]()
        jobs = experiment.all_jobs(arguments.seeds)
        for number, row in enumerate(run_all(jobs, arguments.pairs, Path(arguments.rows), arguments.processes), 1):
            print(f"{word}: {number} more, last {row['case']}, {row['variant']}, seed {row['seed']}", file=sys.stderr)
        groups = grouped(experiment, read_rows(Path(arguments.rows)), arguments.seeds)
        print(f"\n### {experiment.title}\n\n{table(groups)}", flush=True)
        if ways := ways_table(groups):
            print(f"\n{ways}", flush=True)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs")
    parser.add_argument("--tables", nargs="+", choices=list(EXPERIMENTS), default=list(EXPERIMENTS))
    parser.add_argument("--seeds", type=int, help="fewer than the table asks for")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rows", default=str(Path(__file__).with_name("literature-rows.jsonl")), help="file of all rows so far")
    return parser.parse_args()


def grouped(experiment: Experiment, rows: dict[str, Row], seeds: int | None) -> list[tuple[str, str, list[Row]]]:
    """Rows of each case and variant, cases of one series that differ in their seed together."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for job in experiment.all_jobs(seeds):
        if job.key in rows:
            words = job.case.split()
            case = f"series, {words[2]} s apart" if words[0] == "series" else job.case
            groups.setdefault((case, job.variant), []).append(rows[job.key])
    return [(case, variant, found) for (case, variant), found in groups.items()]


if __name__ == "__main__":
    main()
