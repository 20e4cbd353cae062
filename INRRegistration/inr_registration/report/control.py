"""The box of the quality control: a colour with its word, the reasons, and right beside them what it cannot see."""

from __future__ import annotations

from collections.abc import Sequence

from inr_registration.core.doubt import Doubt, place_in_words
from inr_registration.core.verdict import Level, Verdict
from inr_registration.report.words import text

_ICONS = {Level.GREEN: "✓", Level.AMBER: "!", Level.RED: "✕"}
_MEANINGS = {
    Level.GREEN: "No indicator gives an alarm.",
    Level.AMBER: "Look closely before you use this result.",
    Level.RED: "This registration has probably failed: do not rely on it.",
}


def control(verdict: Verdict, doubts: Sequence[Doubt] = ()) -> str:
    """The judgement as a section, with the places where nothing speaks for the map."""
    level = verdict.level
    reasons = "".join(f"<li>{text(reason)}</li>" for reason in verdict.reasons)
    head = f'<span class="icon" aria-hidden="true">{_ICONS[level]}</span><h2>Quality control: {level.name}. {_MEANINGS[level]}</h2>'
    blind = f"<div><h3>What it cannot see</h3><p>{text(verdict.blind_spots)}</p></div>"
    body = f"<div><h3>Why</h3><ul>{reasons}</ul></div>" if reasons else ""
    body += _places(doubts)
    return f'<section class="control {level.value}"><div class="headline">{head}</div><div class="beside">{body}{blind}</div></section>'


LISTED = 8
"""Places that are listed, the largest first."""


def _places(doubts: Sequence[Doubt]) -> str:
    """Where chance explains as much as the map does."""
    if not doubts:
        return ""
    rows = "".join(f"<li>{text(place_in_words(doubt.place_lps))} mm: {doubt.volume_mm3 / 1000:.3g} ml</li>" for doubt in doubts[:LISTED])
    more = f"<li>and {len(doubts) - LISTED} smaller ones</li>" if len(doubts) > LISTED else ""
    return f"<div><h3>Where chance explains the image as well as the map does</h3><ul>{rows}{more}</ul></div>"
