"""Line and bar charts as inline SVG."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from inr_registration.core.result import Curve
from inr_registration.report.words import number, seconds, short, text

WIDTH, HEIGHT = 1180.0, 290.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 14.0, 26.0, 44.0

TOTAL = "total"
# Each term has a colour that colour-blind eyes tell apart, and a dash pattern for prints without colour.
_INKS = (("#0072b2", ""), ("#c8540a", "7 3"), ("#00886a", "2 3"), ("#a8447c", "9 3 2 3"), ("#8a6d00", "5 5"), ("#3f8fc4", "1 3"))
_TOTAL_INK = ("#1d2a38", "")
_PHASES = ("#c9d6e4", "#7fa3c7", "#a9c1da", "#2f6ea5", "#5c8cb8", "#dde5ee")


def curves(history: Sequence[Curve]) -> str:
    """Every term of the objective against the iteration, stage after stage; nothing where nothing was recorded."""
    ends = stage_ends(history)
    values = [value for curve in history for line in curve.terms.values() for value in line if math.isfinite(value)]
    if not values or ends[-1] <= 0:
        return ""
    low, high, step = ticks(min(0.0, *values), max(values))

    def place(iteration: float, value: float) -> tuple[float, float]:
        across = LEFT + (WIDTH - LEFT - RIGHT) * iteration / ends[-1]
        return across, HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low)

    parts = [_bands(history, ends, place(0, low)[1], ends[-1]), _levels(low, high, step)]
    for name, (colour, dash) in inks(history).items():
        for curve, start in zip(history, [0.0, *ends], strict=False):
            points = [place(start + at, value) for at, value in _recorded(curve, name)]
            parts.append(_line(points, colour, dash, 2.4 if name == TOTAL else 1.8))
    parts.append(f'<text class="axis" x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 6}" text-anchor="middle">iteration</text>')
    parts.append(f'<text class="axis" transform="translate(13 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">weighted value</text>')
    label = "Objective and its terms against the iteration"
    return f'<svg class="chart" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def legend(history: Sequence[Curve]) -> str:
    """Colour and name of each line, with its first and last value in the last stage that has it."""
    items = []
    for name, (colour, dash) in inks(history).items():
        stages = [[value for _, value in _recorded(curve, name)] for curve in history]
        values = next((stage for stage in reversed(stages) if stage), [])
        stroke = f'stroke="{colour}" stroke-width="2.4" stroke-dasharray="{dash}"'
        swatch = f'<svg width="30" height="8" aria-hidden="true"><path d="M1 4H29" {stroke}/></svg>'
        ends = f"{number(values[0])} → {number(values[-1])}" if values else "not recorded"
        items.append(f"<li>{swatch} <b>{text(name.replace('_', ' '))}</b> {ends}</li>")
    return f'<ul class="legend">{"".join(items)}</ul>'


def inks(history: Sequence[Curve]) -> dict[str, tuple[str, str]]:
    """Colour and dash pattern of each term, the total first."""
    names = list(dict.fromkeys(name for curve in history for name in curve.terms if name != TOTAL))
    chosen = {name: _INKS[n % len(_INKS)] for n, name in enumerate(names)}
    return ({TOTAL: _TOTAL_INK} if any(TOTAL in curve.terms for curve in history) else {}) | chosen


def stage_ends(history: Sequence[Curve]) -> list[float]:
    """Iterations done by the end of each stage, counted from the start of the first."""
    ends, done = [], 0.0
    for curve in history:
        done += max(curve.iterations, default=-1) + 1
        ends.append(done)
    return ends or [0.0]


def ticks(low: float, high: float) -> tuple[float, float, float]:
    """Round ends and a round step of an axis that holds ``low`` to ``high`` in at most about six steps."""
    span = max(high - low, 1e-9)
    power = 10.0 ** math.floor(math.log10(span / 5))
    step = next(factor * power for factor in (1, 2, 5, 10) if span / (factor * power) <= 6)
    return math.floor(low / step) * step, math.ceil(high / step) * step, step


def timing_bar(timings: dict[str, float]) -> str:
    """Seconds per phase as one bar, in the order in which they were measured, with a legend; the total is not a phase."""
    phases = {name: value for name, value in timings.items() if name != TOTAL and math.isfinite(value)}
    whole = max(sum(phases.values()), 1e-9)
    bars, items, start = [], [], 0.0
    for number_, (name, value) in enumerate(phases.items()):
        colour, share = _PHASES[number_ % len(_PHASES)], 1000 * value / whole
        bars.append(f'<rect x="{start:.1f}" width="{share:.1f}" height="18" fill="{colour}"/>')
        items.append(f'<li><i style="background:{colour}"></i> {text(name)} <b>{seconds(value)}</b></li>')
        start += share
    total = timings.get(TOTAL)
    said = f"<li>total <b>{seconds(total)}</b></li>" if total is not None and math.isfinite(total) else ""
    bar = (
        f'<svg class="chart" viewBox="0 0 1000 18" preserveAspectRatio="none" role="img" aria-label="Time per phase">{"".join(bars)}</svg>'
    )
    return f'{bar}<ul class="legend">{"".join(items)}{said}</ul>'


def _recorded(curve: Curve, name: str) -> Iterator[tuple[float, float]]:
    """Iteration and value of a term, where both were recorded and the value is finite."""
    return ((at, value) for at, value in zip(curve.iterations, curve.terms.get(name, []), strict=False) if math.isfinite(value))


def _bands(history: Sequence[Curve], ends: list[float], floor: float, whole: float) -> str:
    parts, start = [], 0.0
    for number_, (curve, end) in enumerate(zip(history, ends, strict=True)):
        left, wide = (LEFT + (WIDTH - LEFT - RIGHT) * at / whole for at in (start, end))
        shade = "#f1f4f8" if number_ % 2 == 0 else "#ffffff"
        parts.append(f'<rect x="{left:.1f}" y="{TOP}" width="{wide - left:.1f}" height="{floor - TOP:.1f}" fill="{shade}"/>')
        parts.append(f'<text class="axis" x="{(left + wide) / 2:.1f}" y="{TOP - 9}" text-anchor="middle">{text(curve.name)}</text>')
        parts.append(f'<text class="tick" x="{wide:.1f}" y="{floor + 16:.1f}" text-anchor="middle">{end:.0f}</text>')
        start = end
    return "".join(parts)


def _levels(low: float, high: float, step: float) -> str:
    parts = []
    for n in range(round((high - low) / step) + 1):
        value = low + n * step
        level = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low)
        parts.append(f'<path class="level" d="M{LEFT} {level:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 7}" y="{level + 4:.1f}" text-anchor="end">{short(value)}</text>')
    return "".join(parts)


def _line(points: list[tuple[float, float]], colour: str, dash: str, width: float) -> str:
    at = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    style = f'stroke="{colour}" stroke-width="{width}" stroke-dasharray="{dash}"'
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.2" fill="{colour}"/>' for x, y in points) if len(points) < 40 else ""
    return f'<polyline points="{at}" fill="none" stroke-linejoin="round" {style}/>{dots}' if points else ""
