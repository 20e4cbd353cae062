"""Which estimator was tested with which method, and the constants that turn its raw value into an expected error."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from inr_registration.core.catalogue import FIELD_KINDS, SIMILARITY_TERMS
from inr_registration.core.errors import InputError
from inr_registration.core.settings import Settings


@dataclass(frozen=True)
class Calibration:
    """``U = floor * spacing + scale * raw`` mm, with the spacing of the finest fitted level; and how it did.

    All but the first two were measured on cases that the constants were not fitted on.

    Args:
        floor: No unit.
        scale: No unit.
        rank: Median over cases of Spearman's correlation with the true error over the points of a case.
        within: Share of points whose true error is at most U.
        within_twice: Share of points whose true error is at most 2 U.
        cost: Median time over that of the fit.
    """

    floor: float
    scale: float
    rank: float
    within: float
    within_twice: float
    cost: float


@cache
def _table() -> dict[str, Any]:
    """As ``Testing/Benchmarks/calibration.py --write`` left it."""
    data: dict[str, Any] = json.loads((resources.files(__package__) / "calibration.json").read_text(encoding="utf-8"))
    return data


def crosses_contrasts(settings: Settings) -> bool:
    """Whether the settings themselves say that contrasts differ, by their similarity."""
    return any(weight > 0 and name in SIMILARITY_TERMS and SIMILARITY_TERMS[name].crosses for name, weight in settings.similarity.items())


def method_of(settings: Settings) -> str:
    """What the table calls the method: how the field is held, or which coordinates it follows."""
    if settings.cycle is not None:
        return "cycle" if FIELD_KINDS[settings.representation.kind].network else "cycle of lattices"
    if settings.geometry is not None:
        return settings.geometry.kind
    return settings.representation.kind


def calibrated(method: str) -> dict[str, Calibration]:
    """The estimators that were tested with a method, the one for ``auto`` first; empty where none was."""
    return {name: Calibration(**numbers) for name, numbers in _table()["methods"].get(method, {}).items()}


def estimator_for(settings: Settings) -> str | None:
    """The estimator that the settings ask for.

    None where they ask for none, or where it is how far two fields are apart.

    Raises:
        InputError: The settings name one that was not tested with this method, or ask for any where none was; or their similarity is
            one for different contrasts, for which none was.
    """
    method = method_of(settings)
    if settings.uncertainty in ("none", "cycle") or (settings.cycle is not None and settings.uncertainty == "auto"):
        return None
    tested = list(calibrated(method))
    if crosses_contrasts(settings):
        raise InputError("no uncertainty was calibrated for images of different contrasts; leave it out, or choose another similarity")
    if settings.uncertainty == "auto" and tested:
        return tested[0]
    if settings.uncertainty not in tested:
        known = f"choose {', '.join(tested)} or none" if tested else "no other was, so leave it out"
        raise InputError(f"uncertainty '{settings.uncertainty}' was not calibrated for the method '{method}'; {known}")
    if settings.uncertainty == "perturbation" and settings.landmark_weight > 0:
        raise InputError(
            "uncertainty 'perturbation' bends the moving image under its landmarks; choose laplace, or set landmark_weight to 0"
        )
    return settings.uncertainty
