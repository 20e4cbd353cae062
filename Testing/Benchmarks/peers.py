"""Ours and every peer that is installed, side by side on the same pairs and the same machine in one run.

    python Testing/Benchmarks/peers.py PAIRS --output STUDY [--presets auto idir-faithful] [--peers greedy "ants SyN"] [--only NAME ...]
        [--repeats 3] [--threads 2] [--sweep]

``PAIRS`` is a folder of image pairs, laid out as in ``pairs.py``. It installs nothing: see ``requirements-peers.txt``; peers that cannot be
imported are named with the reason and left out. Settings are those that each tool's authors recommend for the organ, which the name of
the pair tells; the docstring of each module in ``peer_methods`` says where they come from.

In repeat r every method runs once on the pair, in an order that is rotated by r, each in a process of its own with the same number
of threads and no GPU. Seconds are of the optimisation (pre-alignment with it; imports, reading and writing left out) and of the whole
process, files to file. All transforms are judged by ``peer_methods/judge.py``. Rows are kept in ``STUDY/rows.jsonl``: a command that
was interrupted goes on when it is given again, and one with more methods or repeats adds to them. ``STUDY/tables.md`` holds the tables.

``--sweep`` also runs each method once with a few other weights of its regularity, and draws ``STUDY/<pair>.png``: accuracy over SD of
log det J.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from peer_methods.registry import PEERS, method, probe
from peer_methods.runs import BEFORE, Row, Rows, Run, measured, work
from peer_methods.tables import overview, table


def main() -> None:
    arguments = parse()
    if arguments.work:
        work(json.loads(arguments.work))
    elif arguments.judge:
        from peer_methods.judge import judge

        print(json.dumps(judge(Path(arguments.judge[0]), Path(arguments.judge[1]) if arguments.judge[1:] else None)))
    else:
        study(arguments)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", nargs="?")
    parser.add_argument("--output", default="peers-study", help="folder of the study")
    parser.add_argument("--presets", nargs="+", default=["auto"], help="the first one is what the peers' costs are compared with")
    parser.add_argument("--peers", nargs="*", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--only", nargs="+", help="names of pairs")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--limit", type=float, default=86400.0, help="seconds after which a run is stopped and counted as failed")
    parser.add_argument("--sweep", action="store_true", help="over weights of regularity too")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--judge", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not (arguments.pairs or arguments.work or arguments.judge):
        parser.error("PAIRS is missing: a folder of image pairs")
    return arguments


def study(arguments: argparse.Namespace) -> None:
    """Run what is missing, then print all tables."""
    folder = Path(arguments.output)
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    present, notes = installed(arguments.peers)
    methods = [*arguments.presets, *present]
    notes.insert(0, f"{platform.machine()}, {os.cpu_count()} cores, {arguments.threads} threads; Python {platform.python_version()}")
    notes.append(f"in brackets behind a cost: how many times that of {methods[0]}")
    print("\n".join(notes), flush=True)
    rows = Rows(folder / "rows.jsonl")
    pairs = sorted(entry for entry in Path(arguments.pairs).iterdir() if (entry / "fixed.nii.gz").exists())
    chosen = [pair for pair in pairs if not arguments.only or pair.name in arguments.only]
    if not chosen:
        sys.exit(f"{arguments.pairs}: no such pair; there are {', '.join(pair.name for pair in pairs) or 'none'}")
    names, tables = [pair.name for pair in chosen], []
    for pair in chosen:
        for run in runs(pair.name, methods, arguments):
            if not rows.done(run):
                row = measured(Path(__file__), pair, run, folder / "logs", arguments.limit)
                rows.add(row)
                print(f"{pair.name}, {run.method}, weight {run.weight}, repeat {run.repeat}: {summary(row)}", file=sys.stderr, flush=True)
        mine = [row for row in rows.all if row["threads"] == arguments.threads]
        tables.append(table(pair.name, mine, methods, methods[0]))
        print("\n" + tables[-1], flush=True)
        if arguments.sweep:
            from peer_methods.curves import draw

            draw(pair.name, mine, methods, folder / f"{pair.name}.png")
    tables.append(overview([row for row in rows.all if row["threads"] == arguments.threads and row["pair"] in names], methods))
    print(tables[-1])
    (folder / "tables.md").write_text("\n".join([*(f"- {note}" for note in notes), "", *tables]), encoding="utf-8")


def installed(names: list[str]) -> tuple[list[str], list[str]]:
    """Peers that can be imported, and a note on each."""
    present, notes = [], []
    for name in names:
        version, why = probe(name)
        if version:
            present.append(name)
        notes.append(f"{name}: {PEERS[name].package} {version}" if version else f"{name}: left out, {why}")
    return present, notes


def runs(pair: str, methods: list[str], arguments: argparse.Namespace) -> Iterator[Run]:
    """Everything that a pair needs, in the order in which it is run."""
    yield Run(pair, BEFORE, None, 0, arguments.threads)
    for repeat in range(arguments.repeats):
        turn = repeat % len(methods)
        for name in methods[turn:] + methods[:turn]:
            yield Run(pair, name, None, repeat, arguments.threads)
    if arguments.sweep:
        for name in methods:
            for weight in method(name).weights:
                yield Run(pair, name, weight, 0, arguments.threads)


def summary(row: Row) -> str:
    """A row in a few words, to follow a long study."""
    if "failed" in row:
        return f"failed: {row['failed']}"
    names = ("tre", "dice", "fold_mask", "strict_all", "sd_log_det", "wall", "cpu")
    return ", ".join(f"{name} {row[name]:.4g}" for name in names if name in row)


if __name__ == "__main__":
    main()
