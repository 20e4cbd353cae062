"""The map that an image starts with, for where a fit only made things worse."""

from __future__ import annotations

import numpy as np
import torch

from inr_registration.core.problem import Problem
from inr_registration.core.result import Quality
from inr_registration.core.settings import Settings
from inr_registration.fields.lattice import SplineLattice
from inr_registration.maps.model import Model
from inr_registration.measure.quality import CLEARLY
from inr_registration.methods.prepared import Prepared
from inr_registration.numerics.frame import Array, Frame
from inr_registration.numerics.knots import Knots

FELL = 1e-6
"""Both similarities must be lower by more than this, which is rounding."""
SAME = 0.9999
"""Correlation of one image with itself, but for rounding."""
ALIKE = 0.1
"""A start at which no similarity reaches this is none to go back to: the images may lie apart, or one loud voxel may drown all others."""
CELLS = 4
"""Of the lattice that holds no displacement, along the longest side."""
SAID = (
    "the fit made the images less alike than they were at the start, so the start was kept: they may be aligned already; if they are not, "
    "use more voxels, weaker regularisation or another start"
)


def may_stand(problem: Problem, settings: Settings) -> bool:
    """Whether the start can take the place of a fit: of one field that began there, led by images alone, with nothing built upon it."""
    linear = problem.initial_displacement is None and settings.representation.zero_start
    plain = settings.cycle is None and settings.geometry is None and settings.landmark_weight == 0
    return linear and plain and settings.start == "none" and settings.uncertainty == "none"


def made_worse(quality: Quality) -> bool:
    """Whether every similarity is lower than at the start, whatever its sign.

    Nothing is worse than a start at which the images had nothing in common. Of images that were one to all intents, the correlation
    alone tells, and windows need only not agree clearly more: in those without structure rounding decides.
    """
    gains = {name: abs(after) - abs(before) for name, (before, after) in quality.similarity.items()}
    if quality.similarity["correlation"][0] >= SAME:
        return gains["correlation"] < -FELL and gains["local correlation"] < CLEARLY
    alike = max(abs(before) for before, _ in quality.similarity.values()) >= ALIKE
    return alike and all(gain < -FELL for gain in gains.values())


def standing(prepared: Prepared, initial: Array) -> Model:
    """The map without any displacement.

    Args:
        prepared: Where the fixed image lies.
        initial: (4, 4) the start, fixed to moving world, LPS mm.
    """
    frame = Frame.millimetres(prepared.fixed.grid)
    corners = frame.to_unit(prepared.fixed.grid.corners())
    low, high = corners.min(axis=0), corners.max(axis=0)
    knots = Knots.covering(tuple(low), tuple(high), float((high - low).max()) / CELLS)
    return Model(SplineLattice(knots, torch.zeros(3, *knots.shape)), frame, initial, np.stack([low, high]))
