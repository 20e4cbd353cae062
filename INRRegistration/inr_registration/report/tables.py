"""The tables of the page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from inr_registration.core.grid import Grid
from inr_registration.core.problem import Problem
from inr_registration.core.result import Quality, Result
from inr_registration.report.data import software
from inr_registration.report.facts import Fact, facts
from inr_registration.report.words import DIRECTION, number, percent, short, text

_TRENDS = {"better": "▲ better", "worse": "▼ worse", "same": "= unchanged"}
_TRE = {"mean": "mean", "sd": "SD", "median": "median", "p95": "95th percentile", "max": "largest"}
_DET = {"min": "smallest", "p1": "1st percentile", "median": "median", "p99": "99th percentile", "max": "largest"}


def before_after(quality: Quality, steered: bool = False) -> str:
    """Similarities, landmark distances and mean overlap, before and after; ``steered``: whether the landmarks steered the fit."""
    rows = [_fact_row(fact) for fact in facts(quality, steered)]
    if quality.tre_mm:
        rows += [_tre_row(quality, key, name) for key, name in _TRE.items() if key != "mean" and key in quality.tre_mm["after"]]
    head = "<tr><th>Indicator</th><th>Before</th><th>After</th><th>Change</th><th>What it says</th></tr>"
    return f'<table class="quality"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'


def map_table(quality: Quality, regions: str) -> str:
    """Folding, det J and displacement of the map; ``regions`` says in words how many folding regions there are."""
    rows = [("Folding (det J ≤ 0), of the measured voxels", percent(quality.folding_percent)), ("Folding regions", regions)]
    rows += [(f"det J, {name}", number(quality.det[key])) for key, name in _DET.items() if key in quality.det]
    rows.append(("SD of log det J (0: even everywhere)", number(quality.sd_log_det)))
    names = {"mean": "mean", "p95": "95th percentile", "max": "largest"}
    moved = quality.displacement_mm
    rows += [(f"Deformable displacement, {name}", f"{number(moved[key])} mm") for key, name in names.items() if key in moved]
    return pairs(rows, "settings two")


def dice_table(dice: Mapping[str, tuple[float, float]]) -> str:
    """Overlap of each label, before and after, with a line from one to the other."""
    rows = [
        f"<tr><th>Label {text(label)}</th><td>{number(before)}</td><td>{number(after)}</td><td>{_dumbbell(before, after)}</td></tr>"
        for label, (before, after) in dice.items()
    ]
    head = "<tr><th>Dice</th><th>Before</th><th>After</th><th>0 to 1</th></tr>"
    columns = 1 if len(rows) <= 10 else 2
    size = -(-len(rows) // columns)
    parts = [
        f'<table class="dice"><thead>{head}</thead><tbody>{"".join(rows[n : n + size])}</tbody></table>' for n in range(0, len(rows), size)
    ]
    return f'<div class="beside">{"".join(parts)}</div>'


def strain_table(strain: Mapping[str, Mapping[str, float]]) -> str:
    """Mean strain (no unit) by direction and part of the ventricle."""
    parts = list(dict.fromkeys(part for values in strain.values() for part in values))
    head = "".join(f"<th>{text(part.capitalize())}</th>" for part in parts)
    body = "".join(
        f"<tr><th>{text(name.capitalize())}</th>" + "".join(f"<td>{number(values.get(part))}</td>" for part in parts) + "</tr>"
        for name, values in strain.items()
    )
    return f'<table class="strain"><thead><tr><th>Mean strain</th>{head}</tr></thead><tbody>{body}</tbody></table>'


def settings_tables(settings: Mapping[str, Any]) -> str:
    """Every setting, nested names joined by dots; the stages as a table of their own."""
    stages = settings.get("stages")
    flat = _flat({key: value for key, value in settings.items() if key != "stages"})
    shown = pairs(list(flat.items()), "settings")
    if not isinstance(stages, list | tuple) or not stages or not all(isinstance(stage, Mapping) for stage in stages):
        return shown
    names = list(stages[0])
    head = "".join(f"<th>{text(name.replace('_', ' '))}</th>" for name in names)
    body = "".join(
        f"<tr><th>{n + 1}</th>" + "".join(f"<td>{text(_said(stage.get(name)))}</td>" for name in names) + "</tr>"
        for n, stage in enumerate(stages)
    )
    return f'{shown}<table class="stages"><thead><tr><th>Stage</th>{head}</tr></thead><tbody>{body}</tbody></table>'


def run_table(problem: Problem, result: Result) -> str:
    """Images, direction, device and versions."""
    rows = [
        ("Fixed image", f"{problem.fixed.name}: {_geometry(problem.fixed.grid)}"),
        ("Moving image", f"{problem.moving.name}: {_geometry(problem.moving.grid)}"),
        ("Direction of the map", DIRECTION),
        ("Outcome", result.outcome.name),
        ("Device", result.device),
    ]
    rows += [(name, version) for name, version in software(result).items()]
    return pairs(rows)


def pairs(rows: list[tuple[str, str]], kind: str = "pairs") -> str:
    """A table of names and values."""
    body = "".join(f"<tr><th>{text(name)}</th><td>{text(value)}</td></tr>" for name, value in rows)
    return f'<table class="{kind}"><tbody>{body}</tbody></table>'


def _geometry(grid: Grid) -> str:
    size, spacing = (" × ".join(parts) for parts in ((str(n) for n in grid.size), (short(float(step)) for step in grid.spacing)))
    return f"{size} voxels of {spacing} mm"


def _fact_row(fact: Fact) -> str:
    return (
        f"<tr><th>{text(fact.name)}</th><td>{number(fact.before)}{fact.unit}</td><td>{number(fact.after)}{fact.unit}</td>"
        f'<td class="{fact.trend}">{_TRENDS[fact.trend]}</td><td class="meaning">{text(fact.meaning)}</td></tr>'
    )


def _tre_row(quality: Quality, key: str, name: str) -> str:
    before, after = quality.tre_mm["before"][key], quality.tre_mm["after"][key]
    if key == "sd":
        return f"<tr><th>Landmark distance, {name}</th><td>{number(before)} mm</td><td>{number(after)} mm</td><td></td><td></td></tr>"
    return _fact_row(Fact(f"Landmark distance, {name}", before, after, False, " mm", ""))


def _dumbbell(before: float, after: float) -> str:
    a, b = 6 + 108 * before, 6 + 108 * after
    colour = "#1a7f5a" if after >= before else "#b3470e"
    return (
        f'<svg width="120" height="14" role="img" aria-label="from {number(before)} to {number(after)}"><path class="level" d="M6 7H114"/>'
        f'<path d="M{a:.1f} 7H{b:.1f}" stroke="{colour}" stroke-width="3"/>'
        f'<circle cx="{a:.1f}" cy="7" r="3.5" fill="#fff" stroke="{colour}"/>'
        f'<circle cx="{b:.1f}" cy="7" r="4.5" fill="{colour}"/></svg>'
    )


def _flat(settings: Mapping[str, Any], start: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in settings.items():
        flat |= _flat(value, f"{start}{key}.") if isinstance(value, Mapping) and value else {f"{start}{key}": _said(value)}
    return flat


def _said(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:g}"
    return f"{value:,}".replace(",", " ") if type(value) is int else json.dumps(value, default=str)
