"""Accuracy over smoothness, one curve for each method: nobody wins by being rougher."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median

from peer_methods.runs import BEFORE, Row


def draw(pair: str, rows: Sequence[Row], methods: Iterable[str], file: Path) -> None:
    """Write one picture of a sweep; needs matplotlib.

    The point with the recommended weight is filled. A cross marks a transform that folds in the mask by the strict check.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    here = [row for row in rows if row["pair"] == pair and "failed" not in row]
    measure = "dice" if any("dice" in row for row in here) else "tre"
    figure, axes = plt.subplots(figsize=(8, 5.5), layout="constrained")
    for number, name in enumerate(methods):
        points = curve([row for row in here if row["method"] == name], measure)
        if not points:
            continue
        colour = f"C{number % 10}"
        line = "-" if number < 10 else "--"
        axes.plot([x for x, *_ in points], [y for _, y, *_ in points], line, color=colour, marker="o", markerfacecolor="white", label=name)
        for x, y, weight, folded in points:
            if weight is None:
                axes.plot(x, y, "o", color=colour)
            if folded > 0:
                axes.plot(x, y, "x", color="black", markersize=9)
    before = next((f", before {row[measure]:.3g}" for row in here if row["method"] == BEFORE), "")
    better = "more is better" if measure == "dice" else "less is better"
    axes.set(title=pair + before, xlabel="SD of log det J in the mask (less is smoother)", ylabel=f"{_NAMES[measure]} ({better})")
    axes.legend(fontsize="small")
    figure.text(0.01, -0.02, "Filled: recommended settings. Cross: folds by the strict check.", fontsize="small")
    figure.savefig(file, dpi=120, bbox_inches="tight")
    plt.close(figure)


_NAMES = {"dice": "mean Dice", "tre": "mean TRE, mm"}


def curve(rows: list[Row], measure: str) -> list[tuple[float, float, float | None, float]]:
    """Smoothness, accuracy, weight and folding of each weight (medians over repeats), from the smoothest on."""
    weights = {row["weight"] for row in rows}
    points = []
    for weight in weights:
        same = [row for row in rows if row["weight"] == weight and measure in row]
        if same:
            x, y, folded = (median(row[name] for row in same) for name in ("sd_log_det", measure, "strict_mask"))
            points.append((x, y, weight, folded))
    return sorted(points, key=lambda point: point[0])


def accuracy_at(rows: list[Row], measure: str, smoothness: float) -> float | None:
    """Accuracy of one method where it is as smooth as another, on the straight line between the two nearest weights.

    None where it was not swept, or not as far.
    """
    points = [(x, y) for x, y, *_ in curve(rows, measure)]
    for (x0, y0), (x1, y1) in pairwise(points):
        if x0 <= smoothness <= x1 and x1 > x0:
            return y0 + (y1 - y0) * (smoothness - x0) / (x1 - x0)
    return None
