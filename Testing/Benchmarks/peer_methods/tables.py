"""Rows as one markdown table for each pair: medians over the repeats, and ratios to ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import mean, median

from peer_methods.curves import accuracy_at
from peer_methods.runs import BEFORE, Row

HEAD = (
    "method",
    "TRE mm or Dice",
    "folding %, mask (all)",
    "any corner folds %, mask (all)",
    "SD log det J",
    "ours at that SD",
    "wall s",
    "CPU s",
    "process wall s",
    "process CPU s",
    "peak MiB",
    "n",
)
COSTS = ("wall", "cpu", "process_wall", "process_cpu", "peak_mib")


def table(pair: str, rows: Sequence[Row], methods: Iterable[str], ours: str) -> str:
    """The table of one pair at the recommended weights.

    Args:
        pair: Its name.
        rows: Of any pair.
        methods: In the order of the lines.
        ours: The method that all costs are compared with, as "(3.1x)": so many times more. Where it was swept, a column says
            how accurate it is at the smoothness of each other method.
    """
    here = [row for row in rows if row["pair"] == pair]
    swept = [row for row in here if row["method"] == ours and "failed" not in row]
    recommended = [row for row in here if row["weight"] is None]
    reference = _medians([row for row in swept if row["weight"] is None])
    lines = [f"### {pair}", "", f"| {' | '.join(HEAD)} |", "|" + "---|" * len(HEAD)]
    for name in (BEFORE, *methods):
        mine = [row for row in recommended if row["method"] == name]
        lines += _lines(name, mine, [] if name == ours else swept, {} if name == ours else reference)
    return "\n".join(lines) + "\n"


def overview(rows: Sequence[Row], methods: Iterable[str]) -> str:
    """Means over the pairs that every method finished, at the recommended weights.

    Accuracy, pairs that fold anywhere by the strict check, and CPU seconds of the optimisation.
    """
    names = [BEFORE, *methods]
    good = [row for row in rows if row["weight"] is None and "failed" not in row]
    done = {name: {row["pair"] for row in good if row["method"] == name} for name in names}
    common = sorted(set.intersection(*done.values()))
    lines = [f"### Over {len(common)} pairs: {', '.join(common)}", ""]
    lines += ["| method | mean TRE mm | mean Dice | pairs that fold | CPU s in all |", "|---|---|---|---|---|"]
    for name in names:
        seen = [_medians([row for row in good if row["method"] == name and row["pair"] == pair]) for pair in common]
        errors, overlaps = ([one[key] for one in seen if key in one] for key in ("tre", "dice"))
        cells = [f"{mean(errors):.3f}" if errors else "", f"{mean(overlaps):.4f}" if overlaps else ""]
        cells += [str(sum(one["strict_all"] > 0 for one in seen)), f"{sum(one.get('cpu', 0.0) for one in seen):.1f}"]
        lines.append(f"| {' | '.join([name, *cells])} |")
    return "\n".join(lines) + "\n"


def _lines(name: str, rows: list[Row], swept: list[Row], reference: dict[str, float]) -> list[str]:
    good = [row for row in rows if "failed" not in row]
    if not good:
        return [f"| {name} | failed: {row['failed'].replace('|', '/')}{' |' * (len(HEAD) - 1)}" for row in rows[:1]]
    seen = _medians(good)
    folds = [f"{seen[f'{kind}_mask']:.4f} ({seen[f'{kind}_all']:.4f})" for kind in ("fold", "strict")]
    alike = {kind: accuracy_at(swept, kind, seen["sd_log_det"]) for kind in ("tre", "dice")}
    cells = [name, accuracy_words(seen), *folds, f"{seen['sd_log_det']:.3f}"]
    cells += [accuracy_words({kind: value for kind, value in alike.items() if value is not None})]
    return [f"| {' | '.join([*cells, *(_cost(key, seen, reference) for key in COSTS), str(len(good))])} |"]


def _medians(rows: list[Row]) -> dict[str, float]:
    """Of every number that the rows have."""
    skipped = ("weight", "repeat", "threads")
    names = {name for row in rows for name, value in row.items() if isinstance(value, (int, float)) and name not in skipped}
    return {name: median(row[name] for row in rows if name in row) for name in names}


def accuracy_words(seen: dict[str, float]) -> str:
    """Error or overlap, or both."""
    error = f"{seen['tre']:.2f}" + (f" ± {seen['tre_sd']:.2f}" if "tre_sd" in seen else "") if "tre" in seen else ""
    overlap = f"{seen['dice']:.4f}" if "dice" in seen else ""
    return "; ".join(word for word in (error, overlap) if word)


def _cost(key: str, seen: dict[str, float], reference: dict[str, float]) -> str:
    if key not in seen:
        return ""
    times = seen[key] / reference[key] if reference.get(key) else 0.0
    ratio = f" ({times:.{0 if times >= 10 else 2}f}x)" if times else ""
    return f"{seen[key]:.0f}{ratio}" if key == "peak_mib" else f"{seen[key]:.2f}{ratio}"
