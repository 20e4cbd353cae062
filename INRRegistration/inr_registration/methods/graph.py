"""What is fitted, as a graph: images are nodes, a field sits on each edge, couplings on what several edges make together.

A pair is one edge; ``cycle`` a loop of two; a group a loop of more, or a star; a series a chain.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from inr_registration.core.settings import Stage
from inr_registration.maps.fitted_map import FittedMap
from inr_registration.methods.pair_fit import PairFit
from inr_registration.methods.passes import SPARSE, OnePass, Pass
from inr_registration.methods.single import SingleFit
from inr_registration.numerics.frame import Array
from inr_registration.optimise.step import Objective

Ends = tuple[Hashable, Hashable]
"""Of an edge: the image that stays, and the one that is warped onto it."""


@dataclass(frozen=True, eq=False)
class Edge:
    """A field from one image to another.

    Args:
        ends: Of the edge.
        side: What is fitted on it.
        word: Goes behind the names of its terms, where they are not those of the only edge.
    """

    ends: Ends
    side: SingleFit
    word: str = ""


class Coupling(Protocol):
    """A term that several edges share."""

    steady: bool
    """Whether its weight stays as it is from one iteration to the next."""

    def begin(self, stage: Stage) -> None:
        """A stage begins."""

    def renew(self, done: int) -> None:
        """Iteration number ``done``, from 1, is about to begin: put what changes into tensors that stay where they are."""

    def terms(self, seen: Mapping[Ends, Pass]) -> dict[str, Tensor]:
        """Weighted terms, given what the iteration sees on each edge."""


class GraphFit(PairFit):
    """Fields on the edges of a graph, fitted by one optimiser.

    Args:
        edges: The first one is the one whose map is the answer.
        couplings: What holds them together besides parameters that they share.
    """

    def __init__(self, edges: Sequence[Edge], couplings: Sequence[Coupling] = ()) -> None:
        super().__init__()
        self.edges, self.couplings = edges, couplings

    def begin(self, stage: Stage) -> Objective:
        entered = [edge.side.enter(stage) for edge in self.edges]
        one_pass = [each for each, _ in entered]
        for coupling in self.couplings:
            coupling.begin(stage)
        distinct = {id(parameter): parameter for _, objective in entered for parameter in objective.parameters}
        return replace(
            entered[0][1],
            terms=lambda: self._terms(one_pass),
            draw=lambda: self._draw(one_pass),
            parameters=list(distinct.values()),
            steady=all(coupling.steady for coupling in self.couplings),
        )

    def map(self, ends: Ends) -> FittedMap:
        """The map on one edge, as it is now."""
        return next(edge.side.model() for edge in self.edges if edge.ends == ends)

    def model(self) -> FittedMap:
        return self.edges[0].side.model()

    def _draw(self, one_pass: Sequence[OnePass]) -> None:
        self.done += 1
        for coupling in self.couplings:
            coupling.renew(self.done)
        for each in one_pass:
            each.draw()
        if self.couplings:
            for each in one_pass:
                each.draw_look()

    def _terms(self, one_pass: Sequence[OnePass]) -> dict[str, Tensor]:
        seen = {edge.ends: each.see() for edge, each in zip(self.edges, one_pass, strict=True)}
        named = {f"{name}{edge.word}": value for edge in self.edges for name, value in seen[edge.ends].terms.items()}
        for coupling in self.couplings:
            named |= coupling.terms(seen)
        return named


class Loop:
    """Points that go along edges until they are where they began should be where they began: mean squared miss, mm^2.

    Args:
        edges: Each begins where the one before ends, the first one where the last one ends.
        weight: Per mm^2.
        share: Of the sampled points at which it is evaluated.
    """

    steady = True

    def __init__(self, edges: Sequence[Edge], weight: float, share: float = 1.0) -> None:
        self.edges, self.weight, self.share, self.count = edges, weight, share, 1
        sides = [edge.side for edge in edges]
        self.centres = [_tensor(side.prepared.frame.centre, side) for side in sides]
        self.axes = [_tensor(side.prepared.frame.axes, side) for side in sides]
        self.boxes = [_tensor(side.prepared.box, side) for side in sides]
        self.affines = [_tensor(side.affine, side) for side in sides]

    def begin(self, stage: Stage) -> None:
        """A stage begins: it says at how many points the term is evaluated."""
        self.count = max(int(self.share * (stage.points or SPARSE)), 1)

    def renew(self, done: int) -> None:
        """Nothing changes from one iteration to the next."""
        del done

    def terms(self, seen: Mapping[Ends, Pass]) -> dict[str, Tensor]:
        """The weighted mean squared miss, given what the iteration sees on each edge."""
        xi, jet = seen[self.edges[0].ends].look(self.count, 0)
        start = self.axes[0] @ xi + self.centres[0][:, None]
        there = self._arrive(0, start, jet.value)
        for n, edge in enumerate(self.edges[1:], start=1):
            unit = torch.linalg.solve(self.axes[n], there - self.centres[n][:, None])
            unit = unit.maximum(self.boxes[n][0][:, None]).minimum(self.boxes[n][1][:, None])
            there = self._arrive(n, there, seen[edge.ends].evaluate(unit, 0).value)
        return {"loop": self.weight * (there - start).square().sum(dim=0).mean()}

    def _arrive(self, n: int, points: Tensor, displacement: Tensor) -> Tensor:
        """Where edge n takes (3, m) world points, given its displacement there in its own units."""
        affine = self.affines[n]
        return affine[:3, :3] @ (points + self.axes[n] @ displacement) + affine[:3, 3:]


def _tensor(array: Array, side: SingleFit) -> Tensor:
    return torch.tensor(array, dtype=torch.get_default_dtype(), device=side.prepared.device)
