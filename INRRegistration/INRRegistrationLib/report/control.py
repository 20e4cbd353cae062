"""The box of the quality control: a colour with its word, the reasons, and right beside them what it cannot see."""

from __future__ import annotations

from INRRegistrationLib.core.verdict import Level, Verdict
from INRRegistrationLib.report.words import text

_ICONS = {Level.GREEN: "✓", Level.AMBER: "!", Level.RED: "✕"}
_MEANINGS = {
    Level.GREEN: "No indicator gives an alarm.",
    Level.AMBER: "Look closely before you use this result.",
    Level.RED: "This registration has probably failed: do not rely on it.",
}


def control(verdict: Verdict) -> str:
    """The judgement as a section."""
    level = verdict.level
    reasons = "".join(f"<li>{text(reason)}</li>" for reason in verdict.reasons)
    head = f'<span class="icon" aria-hidden="true">{_ICONS[level]}</span><h2>Quality control: {level.name}. {_MEANINGS[level]}</h2>'
    blind = f"<div><h3>What it cannot see</h3><p>{text(verdict.blind_spots)}</p></div>"
    body = f"<div><h3>Why</h3><ul>{reasons}</ul></div>" if reasons else ""
    return f'<section class="control {level.value}"><div class="headline">{head}</div><div class="beside">{body}{blind}</div></section>'
