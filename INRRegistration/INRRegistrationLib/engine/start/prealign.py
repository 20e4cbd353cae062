"""The linear pre-alignment of a registration: what to maximise, and whether the headers will do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from INRRegistrationLib.core.settings import SIMILARITY_WEIGHTS, Settings
from INRRegistrationLib.engine.start.affine import AffineLevel, align, kept, objective

if TYPE_CHECKING:
    from INRRegistrationLib.engine.prepare import Prepared

Array = npt.NDArray[np.float64]

ANY_CONTRAST = {"local_ncc": 1.0}
"""Squared correlation of small windows: blind to the sign of the contrast, which the correlation of whole images is not."""

MIND_STAND_IN = {"local_ncc": 1.0, "nmi": SIMILARITY_WEIGHTS["nmi"]}


class Prealigned(NamedTuple):
    """Where the fit starts.

    Args:
        start: (4, 4) fixed to moving world, LPS mm.
        closest: (4, 4) the map at which both images agree best, where contrasts are compared.
        said: How it came about, for people.
    """

    start: Array
    closest: Array
    said: str


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
    found = align(levels, choice.kind, start, similarity, radius, choice.iterations, tick)
    if "auto" in settings.similarity and not prepared.contrast(found[0]).surely_same:
        similarity = ANY_CONTRAST
        again = align(levels, choice.kind, start, similarity, radius, choice.iterations, tick)
        found = min(found, again, key=lambda one: _unlike(levels[-1], radius, one[0]))
    begin, said = kept(levels[-1], choice.kind, similarity, radius, start, found)
    return Prealigned(begin, found[0], said)


def _unlike(data: AffineLevel, radius: int, matrix: Array) -> float:
    with torch.no_grad():
        return float(objective(data, ANY_CONTRAST, radius)(torch.as_tensor(matrix)))


def affine_similarity(settings: Settings) -> dict[str, float]:
    """The similarity terms of the linear pre-alignment: those of the fit, with two exceptions.

    Global and local correlation where the terms are chosen later; local correlation and mutual information in place of
    MIND, whose channels would have to be turned with every step of a rotation.
    """
    if "auto" in settings.similarity:
        return {"ncc": 1.0, "local_ncc": 1.0}
    terms = dict(settings.similarity)
    return terms if terms.pop("mind", 0) == 0 else {**MIND_STAND_IN, **terms}
