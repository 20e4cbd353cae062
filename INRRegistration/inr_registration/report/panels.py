"""One slice as an inline SVG: true proportions, orientation letters, and whatever is drawn over it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from inr_registration.report.views import View
from inr_registration.report.words import short, text

ROW_WIDTH = 1180.0
"""Width of a row of panels on a wide screen, px; the unit in which panels are drawn."""

GAP = 12.0
"""Between panels, px."""

TALLEST = 400.0
"""Panels are never taller than this, px."""

_INSET = 5.0


@dataclass(frozen=True)
class Panel:
    """What to draw.

    Args:
        view: Which plane.
        label: For the caption and for those who cannot see the picture.
        uri: The picture as a data URI, stretched over the slice's size in mm.
        overlay: SVG in mm right and down of the slice's corner.
        opacity: Of the picture.
        crisp: Whether pixels keep their edges.
        bar: Whether to draw a scale bar.
        mark: Place (right, down) in mm that ticks at the edges point to.
    """

    view: View
    label: str
    uri: str
    overlay: str = ""
    opacity: float = 1.0
    crisp: bool = False
    bar: bool = False
    mark: tuple[float, float] | None = None


def row(panels: Iterable[Panel]) -> str:
    """Panels side by side, all of one height and each as wide as its slice in mm asks for."""
    shown = list(panels)
    aspects = [panel.view.size_mm[0] / panel.view.size_mm[1] for panel in shown]
    gaps = GAP * (len(shown) - 1)
    height = min((ROW_WIDTH - gaps) / sum(aspects), TALLEST)
    figures = (
        f'<figure style="flex:{aspect:.4f} 1 0">{drawing(panel, height)}<figcaption>{text(panel.label)}</figcaption></figure>'
        for panel, aspect in zip(shown, aspects, strict=True)
    )
    return f'<div class="row" style="max-width:{height * sum(aspects) + gaps:.0f}px">{"".join(figures)}</div>'


def drawing(panel: Panel, height: float) -> str:
    """The panel as one SVG, ``height`` px tall on a wide screen."""
    wide, tall = panel.view.size_mm
    scale = height / tall
    width = scale * wide
    style = ' style="image-rendering:pixelated"' if panel.crisp else ""
    picture = (
        f'<image width="{wide:.5g}" height="{tall:.5g}" preserveAspectRatio="none" opacity="{panel.opacity:g}"{style} href="{panel.uri}"/>'
    )
    inner = (
        f'<svg width="{width:.2f}" height="{height:.2f}" viewBox="0 0 {wide:.5g} {tall:.5g}" preserveAspectRatio="none">'
        f"{picture}{panel.overlay}</svg>"
    )
    outer = letters(panel.view, width, height)
    if panel.bar:
        outer += scale_bar(scale, width, height)
    if panel.mark is not None:
        outer += ticks(scale * panel.mark[0], scale * panel.mark[1], width, height)
    plane = panel.view.name.lower()
    name = text(panel.label if plane in panel.label else f"{panel.label}, {plane}")
    return (
        f'<svg class="panel" viewBox="0 0 {width:.2f} {height:.2f}" role="img" aria-label="{name}">'
        f'<rect class="void" width="100%" height="100%"/>{inner}{outer}</svg>'
    )


def letters(view: View, width: float, height: float) -> str:
    """The patient's directions at the four edges of a panel (px)."""
    left, right, top, bottom = view.letters
    middle = height / 2 + 5
    return (
        f'<g class="letters"><text x="{_INSET}" y="{middle:.1f}">{left}</text>'
        f'<text x="{width - _INSET:.1f}" y="{middle:.1f}" text-anchor="end">{right}</text>'
        f'<text x="{width / 2:.1f}" y="17" text-anchor="middle">{top}</text>'
        f'<text x="{width / 2:.1f}" y="{height - _INSET - 1:.1f}" text-anchor="middle">{bottom}</text></g>'
    )


def scale_bar(scale: float, width: float, height: float) -> str:
    """A bar of a round length, about a quarter of a panel (px); ``scale`` in px per mm."""
    length = round_length(width / scale / 4)
    end, level = width - 10, height - 9
    return (
        f'<g class="bar"><path d="M{end - scale * length:.2f} {level - 3:.2f}v3H{end:.2f}v-3"/>'
        f'<text x="{end:.2f}" y="{level - 6:.2f}" text-anchor="end">{short(length)} mm</text></g>'
    )


def ticks(across: float, down: float, width: float, height: float) -> str:
    """Short marks at the edges of a panel that point to one place (px)."""
    return f'<path class="ticks" d="M{across:.1f} 0v10M{across:.1f} {height:.1f}v-10M0 {down:.1f}h10M{width:.1f} {down:.1f}h-10"/>'


def round_length(most: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is not longer than ``most``."""
    power = 10.0 ** int(f"{most:e}".split("e")[1])
    return max(step * power for step in (1.0, 2.0, 5.0) if step * power <= most)
