"""Colour bars."""

from __future__ import annotations

from inr_registration.report.words import text


def scale(gradient: str, labels: list[str], extra: str = "") -> str:
    """A colour bar with evenly spaced labels; ``gradient`` is CSS and ``extra`` HTML beside the bar."""
    said = "".join(f"<span>{text(label)}</span>" for label in labels)
    bar = f'<div class="gradient" style="background:{gradient}"></div><div class="labels">{said}</div>'
    return f'<div class="scale"><div>{bar}</div>{extra}</div>'
