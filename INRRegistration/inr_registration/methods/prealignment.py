"""The linear pre-alignment of a registration: what to maximise, and whether the headers will do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from inr_registration.core.catalogue import SIMILARITY_TERMS
from inr_registration.core.settings import Settings
from inr_registration.images.affine_level import AffineLevel
from inr_registration.start.affine import objective
from inr_registration.start.align import HARDLY, Alignment, Found, agreement, kept
from inr_registration.start.search import turned_by

if TYPE_CHECKING:
    from inr_registration.methods.prepared import Prepared

Array = npt.NDArray[np.float64]

ANY_CONTRAST = {"local_ncc": 1.0}
"""Squared correlation of small windows: blind to the sign of the contrast, which the correlation of whole images is not."""

TURNED_DEGREES = 45.0
"""Beyond this turn the user is warned."""
AGREED = 0.5
"""Agreement from which on another orientation is not looked for although contrasts differ."""
BETTER_TURNED = 0.04
"""By how much the images must agree better, as a share, in another orientation than from the headers."""
MIND_STAND_IN = {"local_ncc": 1.0, "nmi": SIMILARITY_TERMS["nmi"].weight}


class Prealigned(NamedTuple):
    """Where the fit starts.

    Args:
        start: (4, 4) fixed to moving world, LPS mm.
        closest: (4, 4) the map at which both images agree best, where contrasts are compared.
        said: How it came about, for people.
        agreement: Of the images under ``start``: 1 at best, 0 as with an image without any structure; None where not looked at.
        turned: Degrees by which ``closest`` turns what the headers, or the user's start, say.
    """

    start: Array
    closest: Array
    said: str
    agreement: float | None = None
    turned: float = 0.0

    @property
    def facts(self) -> dict[str, float]:
        """What is known of the start, by name; empty where none was looked for."""
        return {} if self.agreement is None else {"agreement": self.agreement, "turned": self.turned}

    @property
    def warnings(self) -> list[str]:
        """What the user should know, in words."""
        said = []
        if self.agreement is not None and self.agreement < HARDLY:
            share = f"{100 * max(self.agreement, 0):.0f} %"
            said.append(
                f"the images hardly agree once they are pre-aligned ({share}; 100 % were the same image, 0 % is one without structure): "
                "check that they show the same part of the body, or give an initial transform"
            )
        if self.turned > TURNED_DEGREES:
            said.append(
                f"the pre-alignment turned the moving image by {self.turned:.0f} degrees against the headers: "
                "check the orientation in both headers, and look at the result"
            )
        return said


def prealign(prepared: Prepared, settings: Settings, start: Array, tick: Callable[[], None] = lambda: None) -> Prealigned:
    """Find the linear part that the settings ask for.

    Where the similarity is chosen from the images, they are first taken to have one contrast. If they do not surely look like
    it once aligned, they are aligned again in a way that does not mind, and the map of the two is taken under which small
    windows agree better: the wrong assumption may have led anywhere.

    Args:
        prepared: Both images.
        settings: Of the registration.
        start: (4, 4) the headers, or the user's initial transform.
        tick: Called between steps; may raise to end the run.
    """
    choice, radius = settings.affine, settings.local_ncc_radius
    if choice.kind == "none":
        return Prealigned(start, start, "none")
    levels, similarity = prepared.affine_levels(), affine_similarity(settings)
    centres = (prepared.fixed.given is None) == (prepared.moving.given is None)
    search = Alignment(levels, choice.kind, start, similarity, radius, choice.iterations, tick, centres)
    found = search.best()
    sure = prepared.contrast(found[0]).surely_same
    if not sure and "auto" in settings.similarity:
        similarity = ANY_CONTRAST
        search = Alignment(levels, choice.kind, start, similarity, radius, choice.iterations, tick, centres)
        found = min(found, search.best(), key=lambda one: _unlike(levels[-1], radius, one[0]))
    if search.free and (search.doubtful if sure else agreement(levels[-1], similarity, radius, found[0]) < AGREED):
        found = _turned(levels, similarity, radius, found, search, sure)
    begin, said = kept(levels[-1], choice.kind, similarity, radius, start, found)
    return Prealigned(begin, found[0], said, agreement(levels[-1], similarity, radius, begin), turned_by(found[0], start))


def _turned(levels: list[AffineLevel], similarity: Mapping[str, float], radius: int, found: Found, search: Alignment, sure: bool) -> Found:
    """What was found, or what is reached from many orientations where that is clearly better: the first may be a wrong valley."""
    other = search.elsewhere(promising=sure)
    if other is None:
        return found
    better = agreement(levels[-1], similarity, radius, other[0]) - agreement(levels[-1], similarity, radius, found[0])
    return other if better > BETTER_TURNED else found


def _unlike(data: AffineLevel, radius: int, matrix: Array) -> float:
    with torch.no_grad():
        return float(objective(data, ANY_CONTRAST, radius)(torch.as_tensor(matrix)))


def affine_similarity(settings: Settings) -> dict[str, float]:
    """The similarity terms of the linear pre-alignment: those of the fit, with two exceptions.

    Global and local correlation where the terms are chosen later, or are those that would be chosen for one contrast; local
    correlation and mutual information in place of MIND, whose channels would have to be turned with every step of a rotation.
    """
    if "auto" in settings.similarity:
        return {"ncc": 1.0, "local_ncc": 1.0}
    terms = {name: weight for name, weight in settings.similarity.items() if weight > 0}
    if set(terms) == {"local_ncc", "mse"}:  # what auto takes where contrasts agree
        return {"ncc": 1.0, "local_ncc": 1.0}
    return terms if terms.pop("mind", 0) == 0 else {**MIND_STAND_IN, **terms}
