"""Rows of runs as markdown: one line for each case and variant, mean and spread over the seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean, stdev
from typing import Any

from studies.experiments import FAILED_MM
from studies.runs import Row

HEAD = "| case | variant | n | before | after | worst | failures | folding % | smallest det J | SD log det | fit s |\n" + "|---" * 11 + "|"


def table(groups: Sequence[tuple[str, str, list[Row]]]) -> str:
    """All variants of all cases; accuracy is mm of TRE, or Dice where the case has labels only."""
    return "\n".join([HEAD, *(_line(case, variant, rows) for case, variant, rows in groups if rows)])


def _line(case: str, variant: str, rows: list[Row]) -> str:
    overlap = "dice" in rows[0]
    values = [row["dice" if overlap else "tre"] for row in rows]
    digits = 3 if overlap else 2
    worst = min(values) if overlap else max(values)
    failed = sum(_failed(row) for row in rows)
    cells = [
        case, variant, str(len(rows)), f"{rows[0]['before']:.{digits}f}", f"**{spread(values, digits)}**", f"{worst:.{digits}f}",
        f"{failed}/{len(rows)}", spread([row["folding"] for row in rows], 3), f"{min(row['min_det'] for row in rows):.2f}",
        f"{fmean(row['sd_log_det'] for row in rows):.3f}", f"{fmean(row['fit_s'] for row in rows):.0f}",
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def _failed(row: Row) -> bool:
    """Mean error above ``FAILED_MM`` or above that before; with labels, overlap below that before."""
    if "dice" in row:
        return bool(row["dice"] <= row["before"])
    return bool(row["tre"] > FAILED_MM or row["tre"] >= row["before"])


WAYS: dict[str, Callable[[Row], Any]] = {
    "forward": lambda row: row["forward"],
    "backward, inverted": lambda row: row["backward"],
    "consensus": lambda row: row["tre"],
    "consensus, Taylor 1": lambda row: row["taylor1 tre"],
    "consensus, Taylor 2": lambda row: row["taylor2 tre"],
    "missed: Newton": lambda row: row["newton missed"],
    "missed: Taylor 1": lambda row: row["taylor1 missed"],
    "missed: Taylor 2": lambda row: row["taylor2 missed"],
    "mean U": lambda row: row["u_mean"],
    "rank correlation of U and error": lambda row: row["u_rank"],
}


def ways_table(groups: Sequence[tuple[str, str, list[Row]]]) -> str:
    """Either network against the consensus, and the ways to invert, for the runs with two networks; mm."""
    lines = ["| case | variant | " + " | ".join(WAYS) + " |", "|---" * (len(WAYS) + 2) + "|"]
    for case, variant, rows in groups:
        both = [row for row in rows if "forward" in row]
        if both:
            cells = [f"{fmean(of(row) for row in both):.{4 if 'missed' in name else 2}f}" for name, of in WAYS.items()]
            lines.append("| " + " | ".join([case, variant, *cells]) + " |")
    return "\n".join(lines) if len(lines) > 2 else ""


def spread(values: Sequence[float], digits: int) -> str:
    """Mean and standard deviation."""
    if len(values) < 2:
        return f"{values[0]:.{digits}f}"
    return f"{fmean(values):.{digits}f} ± {stdev(values):.{digits}f}"
