"""The best linear map, coarse to fine, from one of several starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inr_registration.images.affine_level import AffineLevel
from inr_registration.start.affine import RATE, agreement_kept, centre_of_mass, minimise, objective, unrelated
from inr_registration.start.linear_map import LinearMap
from inr_registration.start.search import half_turns, shortlist

Array = npt.NDArray[np.float64]

UNSURE, TURNED = 0.25, 0.1
"""Above this share of the weights, half turns are tried; by which share they must do better than the headers."""
DOUBTFUL, POOR = 0.3, 0.45
"""Above these shares of what an image without structure has, many orientations, and large shifts as well, are tried."""
PROMISING = 0.2
"""An orientation is followed downhill where it comes this near, as a share, to the best from the headers as it is."""
SEARCHED = "best of many orientations and shifts: check position and orientation in both headers"
FINALISTS = 4
"""So many of those that fit best on the coarsest level are compared on the finest: organs look like themselves when turned around."""
DISTRUST = 0.02
"""By how much the centres of mass must do better than the headers to be believed: contrasts and crops move them."""
ENOUGH = 0.85
"""Share of the agreement after an affine pre-alignment from which on that before it is good enough to start from."""
HARDLY = 0.25
"""Agreement below which images hardly look alike."""

_Tried = tuple[float, str, LinearMap, Tensor]
Found = tuple[Array, str]
"""The (4, 4) map, and what was chosen in words."""


class Alignment:
    """The search for one linear map under one similarity.

    Args:
        levels: Coarse to fine.
        kind: ``rigid``, or ``affine`` or ``auto``, which here are the same.
        start: (4, 4) map to start from: the headers, or the user's initial transform.
        similarity: Weights of the similarity terms.
        radius: Of the window of local NCC.
        iterations: On the coarsest level; half of that before the affine part is free, and on the other levels, which start near their end.
        tick: Called between steps; may raise to end the run.
        centres: Whether the centres of mass may be of one place: that of a lesion and that of a head are not.
    """

    def __init__(
        self,
        levels: list[AffineLevel],
        kind: str,
        start: Array,
        similarity: Mapping[str, float],
        radius: int,
        iterations: int,
        tick: Callable[[], None],
        centres: bool = True,
    ) -> None:
        self.levels, self.kind, self.start, self.similarity, self.radius = levels, kind, start, similarity, radius
        self.iterations, self.tick = iterations, tick
        coarse = levels[0]
        self.loss, self.weight = objective(coarse, similarity, radius), sum(similarity.values())
        self.centre = centre_of_mass(coarse.fixed, coarse.fixed_weight)
        self.centres, self.target = centres, start[:3, :3] @ self.centre + start[:3, 3]
        if centres:
            self.target = centre_of_mass(coarse.moving, coarse.moving_weight[0])
        self.none, self.lowest = unrelated(coarse, similarity, radius), np.inf
        self.still = torch.zeros(6, dtype=torch.float64, device=coarse.fixed.values.device)

    @cached_property
    def free(self) -> bool:
        """Whether the user gave no start, so that nothing but the headers speaks against another one."""
        return np.array_equal(self.start, np.eye(4))

    def best(self) -> Found:
        """From the headers and from the centres of mass, rigid first, then the affine part.

        Where neither makes the images alike and the user gave no start, a header may name the wrong side of the patient: half
        turns about the axes of the world are tried too; and where those fail as well, many orientations and shifts.
        """
        tried = [self._fitted("headers", self.start, 0.0)]
        if self.centres:
            shifted = self.start.copy()
            shifted[:3, 3] += self.target - (self.start[:3, :3] @ self.centre + self.start[:3, 3])
            tried.append(self._fitted("centres of mass", shifted, DISTRUST))
        lowest = min(value for value, *_ in tried)
        if self.free and lowest > UNSURE * self.weight:
            for name, matrix in half_turns(self.centre, self.target):
                if self._rigid(matrix, self.iterations // 3)[0] < lowest - TURNED * self.weight:
                    tried.append(self._fitted(name, matrix, TURNED * self.weight))
                self.tick()
        best = min(tried, key=lambda item: item[0])
        self.lowest = best[0]
        return self._refined(best)

    @property
    def doubtful(self) -> bool:
        """Whether ``best`` ended so high on the coarsest level that a better place may have been missed."""
        return self.lowest > DOUBTFUL * self.none

    def elsewhere(self, promising: bool) -> Found | None:
        """From the best of many orientations and, where nothing good was found so far, of large shifts.

        Args:
            promising: Leave it where no orientation comes near to what was found before it is followed downhill.

        Returns:
            What fits best on the finest level; None where nothing fits better than ``best`` on the coarsest.
        """
        poor = self.lowest > POOR * self.none
        below = self.lowest + PROMISING * self.none if promising else np.inf
        tried = [self._fitted(SEARCHED, matrix, 0.0) for matrix in self._reached(poor, below)]
        found = [self._refined(one) for one in tried if one[0] < self.lowest - DISTRUST]
        return min(found, key=lambda one: self._unlike(one[0]), default=None)

    def _rigid(self, matrix: Array, iterations: int) -> tuple[float, LinearMap, Tensor]:
        linear = LinearMap(matrix, self.centre, self.levels[0].reach)
        parameters, value = minimise(self.loss, linear, self.still, RATE, iterations)
        return value, linear, parameters

    def _fitted(self, name: str, matrix: Array, handicap: float) -> _Tried:
        rigid = self.kind == "rigid"
        value, linear, parameters = self._rigid(matrix, self.iterations if rigid else self.iterations // 2)
        self.tick()
        if not rigid:
            parameters, value = minimise(self.loss, linear, torch.cat([parameters, parameters.new_zeros(6)]), RATE, self.iterations)
            self.tick()
        return value + handicap, name, linear, parameters

    def _reached(self, shifts: bool, below: float) -> list[Array]:
        """The (4, 4) rigid maps that fit best on the coarsest level among those reached from many starts below a value."""
        fixed, moving = self.levels[0].fixed.grid, self.levels[0].moving.grid
        pivots = [(self.centre, self.target)]
        if shifts:
            first, last = (grid.to_world((np.asarray(grid.size) - 1) / 2) for grid in (fixed, moving))
            pivots.append((first, last))
        sides = fixed.affine[:3, :3] * np.asarray(fixed.size)
        reached = []
        for matrix in shortlist(self.loss, self.start if shifts else None, pivots, sides, self.still, below):
            value, linear, parameters = self._rigid(matrix, self.iterations // 2)
            reached.append((value, linear.matrix(parameters).detach().cpu().numpy()))
            self.tick()
        reached.sort(key=lambda one: one[0])
        return [matrix for _, matrix in reached[:FINALISTS]]

    def _unlike(self, matrix: Array) -> float:
        """On the finest level."""
        with torch.no_grad():
            return float(objective(self.levels[-1], self.similarity, self.radius)(torch.as_tensor(matrix).to(self.still)))

    def _refined(self, chosen: _Tried) -> Found:
        """On the other levels."""
        _, name, linear, parameters = chosen
        for data in self.levels[1:]:
            loss = objective(data, self.similarity, self.radius)
            parameters, _ = minimise(loss, linear, parameters, RATE / 4, max(self.iterations // 2, 1))
            self.tick()
        kind = "rigid" if self.kind == "rigid" else "affine"
        return linear.matrix(parameters).detach().cpu().numpy(), f"{kind}, started from the {name}"


def kept(data: AffineLevel, kind: str, similarity: Mapping[str, float], radius: int, start: Array, found: Found) -> Found:
    """What was found, or with ``auto`` the start where it is nearly as good, and what was chosen in words.

    Args:
        data: The finest of its levels.
        kind: As in the settings.
        similarity: Weights of the similarity terms.
        radius: Of the window of local NCC.
        start: (4, 4) map that it started from.
        found: What was found.
    """
    share = agreement_kept(data, similarity, radius, start, found[0]) if kind == "auto" else 0.0
    if share < ENOUGH:
        return found
    if agreement(data, similarity, radius, start) < HARDLY:
        return start, "none, since no linear map was found under which the images agree better"
    return start, f"none, since the images agree {100 * share:.0f} % as well without an affine map"


def agreement(data: AffineLevel, similarity: Mapping[str, float], radius: int, matrix: Array) -> float:
    """How much less unlike two images are than the fixed one and one without structure: 1 at best, 0 where they agree in nothing."""
    none = unrelated(data, similarity, radius)
    with torch.no_grad():
        return (none - float(objective(data, similarity, radius)(torch.as_tensor(matrix)))) / max(none, 1e-12)
