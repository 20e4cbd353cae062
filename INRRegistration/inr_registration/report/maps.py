"""Maps over the dimmed fixed image: uncertainty and strain, each with its colour bar; grey where nothing is known."""

from __future__ import annotations

import numpy as np

from inr_registration.core.measures import UNCERTAINTY_MEANING, uncertainty_summary
from inr_registration.core.volume import Volume
from inr_registration.report import colours
from inr_registration.report.panels import row
from inr_registration.report.pictures import Artist
from inr_registration.report.scale import scale
from inr_registration.report.words import number, percent, text

LEAST_STRAIN = 0.01
"""The colour bar of a strain map reaches at least this far."""

_GREY = "Grey: nothing is known there."
_STRAIN_WORDS = (
    "<b>Green-Lagrange strain</b> of the wall, from the fixed to the moving image, without unit (0.2 is about 20 % longer). White: length "
    "kept. <b class='red'>Red</b>: longer in the moving image. <b class='blue'>Blue</b>: shorter. "
)


def uncertainty(made: Artist, unsure: Volume) -> str:
    """The uncertainty in mm: figures, what they mean, and three planes."""
    known = uncertainty_summary(unsure)
    if not known:
        return "<h3>Uncertainty of the map</h3><p>It was estimated, but nothing is known at any voxel.</p>"
    most = max(float(np.percentile(unsure.values[np.isfinite(unsure.values)], 99.5)), 1e-6)
    figures = f"Median {number(known['median_mm'])} mm, 95th percentile {number(known['p95_mm'])} mm."
    share = "" if known["known_percent"] == 100 else f" Known at {percent(known['known_percent'])} of the voxels. {_GREY}"
    bar = scale(colours.gradient(colours.UNCERTAINTY, 256), ["0 mm", f"{number(most)} mm"])
    said = f'<p class="note"><b>{figures}</b>{share} {text(UNCERTAINTY_MEANING)}</p>'
    return f"<h3>Uncertainty of the map</h3>{said}{bar}" + row(made.uncertainty(unsure, view, most) for view in made.views)


def others(made: Artist) -> str:
    """Every further map of the result, in diverging colours with 0 in the middle."""
    body = "".join(_one(made, name, volume) for name, volume in made.result.maps.items() if np.isfinite(volume.values).any())
    return f'<p class="note">{_STRAIN_WORDS}{_GREY}</p>{body}' if body else ""


def title(name: str) -> str:
    """The name of a map in words: ``strain_radial`` is ``Radial strain``."""
    return " ".join(reversed(name.split("_"))).capitalize()


def _one(made: Artist, name: str, volume: Volume) -> str:
    known = np.isfinite(volume.values)
    most = max(float(np.percentile(np.abs(volume.values[known]), 98)), LEAST_STRAIN)
    labels = [f"≤ −{number(most, 2)}", "0", f"≥ {number(most, 2)}"]
    bar = scale(colours.gradient(colours.DIVERGING, 256), labels)
    k, j, i = (round(float(at.mean())) for at in np.nonzero(known))  # planes through the middle of what is known
    panels = (made.map(volume, view, (i, j, k), (-most, most), colours.DIVERGING, title(name)) for view in made.views)
    return f"<h3>{text(title(name))}</h3>{bar}{row(panels)}"
