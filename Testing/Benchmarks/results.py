"""The page of results, from the tables of the pages beside it: its figures are read, counted or divided here, and none is typed.

    python Testing/Benchmarks/results.py > Testing/Benchmarks/README.md

A test compares the page with what this prints. A table that is missing ends the script.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
Row = dict[str, str]

INTRODUCTION = """\
# Benchmarks

One page of results, made by `python Testing/Benchmarks/results.py` from the tables of the pages that it links to. Those hold every pair,
the conditions, and what the figures do not say.

TRE is the mean distance of landmarks in mm, Dice the mean overlap of labels, SD the standard deviation of log det J (a map with more is
rougher). A pair folds if any voxel does, at any of its corners, inside the mask or outside. Times were taken on two cores that other work
used as well: compare them within a table only. `PAIRS` is a folder of image pairs, laid out as `pairs.py` describes.
"""

NOT_REACHED = """\
## Not reached, not measured

- On crops of 35 mm `auto` takes {crops} s of processor time, more than Demons.
- On fetal brains of different ages `auto` is clearly behind on three pairs; [what was tried in vain](PEERS.md#what-was-tried-in-vain).
- At equal smoothness Demons, greedy or convexAdam is ahead on three of the ten pairs; but for Demons on a crop, they fold there
  ([curves](PEERS.md#at-equal-smoothness)).
- `cycle`, and refits for an uncertainty of 512x512x300 voxels, take more than three images and 1 GB.
- Settings of `auto` were looked at on the ten pairs, so its figures there are somewhat optimistic.
- No GPU was at hand. The code for one is tested on the CPU, by replaying what a GPU would record; `gpu.py` measures it.

More: [experiments of the literature in kind](LITERATURE.md).
"""


def parts(page: str) -> dict[str, list[str]]:
    """The lines below each heading of a page, up to the next one. Headings are named up to their first colon."""
    found: dict[str, list[str]] = {}
    title, code = "", False
    for line in (HERE / page).read_text(encoding="utf-8").splitlines():
        code ^= line.startswith("```")
        if line.startswith("#") and not code:
            title = line.lstrip("# ").split(":")[0]
        found.setdefault(title, []).append(line)
    return found


def rows(page: str, section: str, first: str) -> list[Row]:
    """The rows of all tables below a heading whose first column is called ``first``.

    Raises:
        LookupError: There is no such table.
    """
    found: list[Row] = []
    head: list[str] = []
    for line in parts(page)[section]:
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if cells and head and head[0] == first and not set(line) <= set("|-: "):
            found.append(dict(zip(head, cells, strict=True)))
        head = (head or cells) if cells else []
    if not found:
        raise LookupError(f"{page} has no table that begins with '{first}' under '{section}'")
    return found


def number(cell: str) -> float:
    """The first number of a cell.

    Raises:
        ValueError: There is none.
    """
    match = re.search(r"-?\d[\d,]*\.?\d*", cell)
    if match is None:
        raise ValueError(f"no number in '{cell}'")
    return float(match[0].replace(",", ""))


def table(lines: Iterable[Iterable[object]]) -> str:
    """Lines of cells as markdown; the first is the head."""
    head, *rest = [list(cells) for cells in lines]
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in (head, ["---"] * len(head), *rest)) + "\n"


def as_it_is(found: list[Row]) -> str:
    return table([found[0], *(row.values() for row in found)])


def best_on(pairs: list[Row], method: str, methods: Iterable[str]) -> int:
    """Pairs on which no other method is better; what is shared counts for each."""
    best = {"TRE mm": min, "Dice": max}
    return sum(number(row[method]) == best[row["measure"]](number(row[name]) for name in methods) for row in pairs)


def tools(section: str, summary: str) -> str:
    """Means of all tools, as the section has them, and on how many of its pairs each is the best."""
    means, pairs = rows("PEERS.md", section, summary), rows("PEERS.md", section, "pair")
    methods = [name for name in means[0] if name in pairs[0] and name != "before"]
    won = dict.fromkeys(means[0], "") | {summary: "best on", "pairs": str(len(pairs))}
    won |= {name: str(best_on(pairs, name, methods)) for name in methods}
    return as_it_is([*means, {name: won[name] for name in means[0]}]) + f"\n{len(pairs)} pairs; the best that is shared counts for each.\n"


def harder() -> str:
    pairs = rows("PEERS.md", "Another contrast, thick slices", "pair")
    methods = list(pairs[0])[3:]
    lines: list[list[object]] = [["best on", "pairs", *methods]]
    for start, name in (("contrast_", "another contrast"), ("slices_", "slices of 9 to 10 mm")):
        group = [row for row in pairs if row["pair"].startswith(start)]
        lines.append([name, len(group), *(best_on(group, method, methods) for method in methods)])
    return table(lines)


def networks() -> str:
    found = rows("METHODS.md", "Does a network beat the lattice?", "what moves the control points")
    return as_it_is(
        [row for row in found if row["what moves the control points"] == "lattice" or "network" in row["what moves the control points"]]
    )


def published() -> str:
    found = rows("PEERS.md", "Networks as published", "as published")
    times = [number(row["processor s"]) / number(row["`auto` processor s"]) for row in found]
    return as_it_is([row | {"times as long": f"{ratio:.0f}"} for row, ratio in zip(found, times, strict=True)])


def cycle() -> str:
    pairs = rows("METHODS.md", "Two lattices that must undo each other", "pair")
    ratios = [number(row["cycle"].split(",")[1]) / number(row["auto"].split(",")[1]) for row in pairs]
    return (
        f"`cycle` is at least as accurate as `auto` on {best_on(pairs, 'cycle', ['auto', 'cycle'])} of {len(pairs)} pairs and takes "
        f"{median(ratios):.2f} times as long (median; {min(ratios):.2f} to {max(ratios):.2f}).\n"
    )


def verdicts() -> str:
    def counts(name: str, found: list[Row]) -> list[object]:
        return [name, *(f"{sum(number(row[colour]) for row in found):.0f}" for colour in ("cases", "GREEN", "AMBER", "RED"))]

    errors = rows("VERDICTS.md", "Known warps, sound ones and ones broken on purpose", "true error")
    far = [row for row in errors if row["true error"] in ("2 to 4", "over 4")]
    between = [row for row in errors if row["true error"] == "1 to 2"]
    near = [row for row in errors if row not in far + between]
    return table(
        [
            ["pairs", "cases", "GREEN", "AMBER", "RED"],
            counts("right pairs", rows("VERDICTS.md", "Right pairs", "kind")),
            counts("wrong pairs", rows("VERDICTS.md", "Wrong pairs", "kind")),
            counts("known warps, wrong by up to one diagonal of a voxel", near),
            counts("one to two diagonals", between),
            counts("more", far),
        ]
    )


def uncertainty() -> str:
    found = rows("UNCERTAINTY.md", "Calibration of the uncertainty", "field (preset)")
    for above, row in pairwise(found):
        row["field (preset)"] = row["field (preset)"] or above["field (preset)"]
    return as_it_is([row for row in found if row["estimator"].startswith("**")])


def reliability() -> str:
    ended = rows("RELIABILITY.md", "Faults", "ended by")
    runs, mixed, alike = (f"{sum(number(row[name]) for row in ended):.0f}" for name in ("runs", "mixed", "resumed alike"))
    inputs = sum(number(row["Inputs in the last run"]) for row in rows("RELIABILITY.md", "Fuzzing", "Target"))
    seeds = rows("METHODS.md", "Seeds", "pair")
    spread, folded = max(number(row["spread %"]) for row in seeds), sum(number(row["runs that fold"]) for row in seeds)
    return table(
        [
            ["what was done", "what came of it"],
            [f"{runs} runs ended from outside", f"old and new files mixed after {mixed}; the same bits by `--resume` after {alike}"],
            [f"{inputs:,.0f} damaged inputs, the last run of each target", "no exception but `InputError`"],
            [f"ten seeds on each of {len(seeds)} pairs", f"spread of {spread} % at most; {folded:.0f} runs that fold"],
        ]
    )


def crops() -> str:
    """Shortest and longest of the rows for crops, processor seconds."""
    pairs = [row for section in ("Peers", "Other pairs") for row in rows("PEERS.md", section, "pair") if row["pair"].startswith("hippo_")]
    seconds = [number(row["auto"].split(",")[1]) for row in pairs]
    return f"{min(seconds)} to {max(seconds)}"


# What the page shows of each page beside it: a title, what to print, and the sections whose commands made the figures.
SECTIONS: list[tuple[str, Callable[[], str], str, list[str]]] = [
    ("Beside other tools: ten pairs", lambda: tools("Peers", "over all pairs"), "PEERS.md", ["Peers"]),
    ("Beside other tools: other pairs", lambda: tools("Other pairs", "mean of"), "PEERS.md", ["Other pairs"]),
    ("Another contrast, thick slices", harder, "PEERS.md", ["Another contrast, thick slices"]),
    ("Does a network beat the lattice?", networks, "METHODS.md", ["Does a network beat the lattice?"]),
    ("Networks as published", published, "PEERS.md", ["Networks as published"]),
    ("Presets on one pair", lambda: as_it_is(rows("METHODS.md", "Presets", "preset")), "METHODS.md", ["Presets"]),
    ("Two fields that must undo each other", cycle, "METHODS.md", ["Two lattices that must undo each other"]),
    ("How often the verdict is right", verdicts, "VERDICTS.md", ["How often the verdict is right"]),
    ("The uncertainty that is offered", uncertainty, "UNCERTAINTY.md", ["Calibration of the uncertainty"]),
    (
        "The whole command, on a brain",
        lambda: as_it_is(rows("PROFILE.md", "The whole command", "preset")),
        "PROFILE.md",
        ["The whole command"],
    ),
    ("Memory", lambda: as_it_is(rows("PROFILE.md", "Growth", "asked for")), "PROFILE.md", ["Growth"]),
    ("Reliability", reliability, "RELIABILITY.md", ["Faults", "Fuzzing"]),
]


def anchor(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def commands(page: str, sections: Iterable[str]) -> str:
    """The blocks of commands below these headings as one."""
    lines = re.findall(r"```sh\n(.*?)```", "\n".join(line for name in sections for line in parts(page)[name]), re.DOTALL)
    return f"```sh\n{''.join(lines)}```\n"


def page() -> str:
    text = [INTRODUCTION]
    for title, figures, details, sections in SECTIONS:
        link = f"Details: [{details}]({details}#{anchor(sections[0])}).\n"
        text += [f"## {title}\n", figures(), commands(details, sections), link]
    return "\n".join([*text, NOT_REACHED.format(crops=crops())])


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.write(page())
