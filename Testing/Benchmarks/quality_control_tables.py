"""The tables of ``quality_control.py``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata, spearmanr

from INRRegistrationLib.core.verdict import Level
from INRRegistrationLib.engine.verdict import INDICATORS, Evidence, judge

Row = dict[str, Any]
Array = npt.NDArray[np.float64]

SMALLEST_MM = 2.0
"""An error below this is no failure, however small the voxels are."""

OTHERS: dict[str, Callable[[Evidence], float]] = {
    "mean U, voxel diagonals": lambda e: e.mean_mm / e.voxel_mm,
    "P95 of U, mm": lambda e: e.p95_mm,
}
"""Compared, but not used."""


def exceeds(row: Row, diagonals: float) -> bool:
    """Whether there is no true answer, or the mean true error is above 2 mm and so many voxel diagonals."""
    return bool(row["wrong"] or row["error"] > max(SMALLEST_MM, diagonals * row["evidence"]["voxel_mm"]))


def failed(row: Row) -> bool:
    return exceeds(row, 1.0)


def sound(row: Row) -> bool:
    return not exceeds(row, 0.5)


def evidence(row: Row) -> Evidence:
    return Evidence(**{**row["evidence"], "similarity": tuple(row["evidence"]["similarity"])})


def auc(values: Array, bad: npt.NDArray[np.bool_]) -> float:
    """Probability that a failure has the higher value (ties count half): area under the ROC curve."""
    ranks = rankdata(values)
    return float((ranks[bad].sum() - bad.sum() * (bad.sum() + 1) / 2) / (bad.sum() * (~bad).sum()))


def show(rows: list[Row]) -> None:
    """Print every table."""
    fitted = [row for row in rows if not row.get("diverged", False)]
    parts = {part: [row for row in fitted if row["part"] == part] for part in ("calibrate", "held-out")}
    print(f"{len(rows)} trials, {len(rows) - len(fitted)} diverged (reported as such, not judged)")
    indicators(parts)
    for part, some in parts.items():
        confusion(part, some)
        ranks(part, some)
    scale(fitted)
    breakages(fitted)
    mistakes(fitted)


def indicators(parts: dict[str, list[Row]]) -> None:
    """How well each indicator alone tells failures; and how its level for sound trials depends on the voxel size."""
    print("\n| indicator | AMBER | RED | AUC calibration | AUC held-out | failures that only it finds RED |\n|---|---|---|---|---|---|")
    everything = [row for some in parts.values() for row in some]
    for indicator in INDICATORS:
        alone = sum(failed(row) and [i for i in INDICATORS if i.level(evidence(row)) is Level.RED] == [indicator] for row in everything)
        areas = " | ".join(_area(indicator.value, some, -1 if indicator.low_is_bad else 1) for some in parts.values())
        print(f"| {indicator.name} | {indicator.amber:g} | {indicator.red:g} | {areas} | {alone} |")
    for name, value in OTHERS.items():
        print(f"| {name} (not used) | | | {' | '.join(_area(value, some, 1) for some in parts.values())} | |")


def _area(value: Callable[[Evidence], float | None], rows: list[Row], sign: int) -> str:
    known = [(seen, failed(row)) for row in rows if (seen := value(evidence(row))) is not None]
    bad = np.array([was for _, was in known])
    if not 0 < bad.sum() < len(bad):
        return "-"
    return f"{auc(sign * np.array([seen for seen, _ in known]), bad):.2f} (n={len(known)})"


def confusion(part: str, rows: list[Row]) -> None:
    """Verdict against truth: recall is the last columns of the failed, false alarms are those of the others."""
    print(f"\n{part}\n\n| | GREEN | AMBER | RED | RED | RED or AMBER |\n|---|---|---|---|---|---|")
    groups = {
        "failed": [row for row in rows if failed(row)],
        "in between": [row for row in rows if not failed(row) and not sound(row)],
        "sound": [row for row in rows if sound(row)],
        "not failed (the last two)": [row for row in rows if not failed(row)],
    }
    for name, some in groups.items():
        levels = [judge(evidence(row)).level for row in some]
        count = [levels.count(level) for level in (Level.GREEN, Level.AMBER, Level.RED)]
        share = [100 * sum(count[first:]) / max(len(some), 1) for first in (2, 1)]
        print(f"| {name} (n={len(some)}) | {count[0]} | {count[1]} | {count[2]} | {share[0]:.0f} % | {share[1]:.0f} % |")


def scale(rows: list[Row]) -> None:
    """Whether thresholds in voxel diagonals mean the same at every voxel size: U of the sound trials."""
    print("\n| voxel diagonal, mm | sound trials | P95 of U, mm: median, max | in diagonals: median, max |\n|---|---|---|---|")
    for low, high in ((0.0, 3.0), (3.0, 5.0), (5.0, 99.0)):
        some = [row["evidence"] for row in rows if sound(row) and low <= row["evidence"]["voxel_mm"] < high]
        if some:
            far, size = (np.array([row[key] for row in some]) for key in ("p95_mm", "voxel_mm"))
            ratio = far / size
            sizes = f"{size.min():.1f} to {size.max():.1f}"
            print(f"| {sizes} | {len(some)} | {np.median(far):.2f}, {far.max():.2f} | {np.median(ratio):.2f}, {ratio.max():.2f} |")


def ranks(part: str, rows: list[Row]) -> None:
    """How U goes with the error, over trials and within them."""
    known = [row for row in rows if not row["wrong"]]
    unbroken = [row for row in known if not row["breakage"]]
    for name, some in (("all with a true answer", known), ("unbroken", unbroken)):
        if len(some) > 2:
            over = float(spearmanr([row["evidence"]["mean_mm"] for row in some], [row["error"] for row in some])[0])
            within = float(np.median([row["rank"] for row in some]))
            print(f"\n{part}, {name} (n={len(some)}): Spearman of mean U and mean error {over:.2f}; within a trial, median {within:.2f}")


def breakages(rows: list[Row]) -> None:
    """What each breakage did; U and error are medians of the means of its trials."""
    print("\n| breakage | trials | failed | RED | AMBER | GREEN | mean U, mm | error, mm |\n|---|---|---|---|---|---|---|---|")
    for name in sorted({row["breakage"] for row in rows}):
        some = [row for row in rows if row["breakage"] == name]
        levels = [judge(evidence(row)).level for row in some]
        count = " | ".join(str(levels.count(level)) for level in (Level.RED, Level.AMBER, Level.GREEN))
        apart = np.median([row["evidence"]["mean_mm"] for row in some])
        errors = [row["error"] for row in some if "error" in row]
        far = f"{np.median(errors):.2f}" if errors else "-"
        print(f"| {name or 'none'} | {len(some)} | {sum(failed(row) for row in some)} | {count} | {apart:.2f} | {far} |")


def mistakes(rows: list[Row]) -> None:
    """Failures that are not RED, RED that did not fail, and sound trials that are not GREEN, one line each."""
    print("\nNot as it should be:")
    for row in rows:
        verdict = judge(evidence(row))
        if (verdict.level is Level.RED) != failed(row) or (verdict.level is not Level.GREEN and sound(row)):
            error = "no true answer" if row["wrong"] else f"error {row['error']:.2f} mm, diagonal {row['evidence']['voxel_mm']:.2f} mm"
            print(f"- {row['part']}, {row['name']}: {verdict.level.name}, {error}; {verdict.reasons[0]}")
