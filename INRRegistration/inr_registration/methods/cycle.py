"""Two fields, one in each direction, that must undo each other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from inr_registration.core.settings import Cycle, Settings, Stage
from inr_registration.maps.consensus import Consensus
from inr_registration.methods.graph import Edge, Ends, GraphFit
from inr_registration.methods.passes import SPARSE, Pass
from inr_registration.methods.prepared import Prepared
from inr_registration.methods.single import SingleFit
from inr_registration.methods.way import TERMS, Way
from inr_registration.numerics.frame import Array
from inr_registration.numerics.held import Held

THERE, BACK = ("fixed", "moving"), ("moving", "fixed")


class CycleFit(GraphFit):
    """A field from the fixed to the moving image and one back, a loop of two, coupled by the cycle term.

    ``phi_F(p) = A(p + u_F(p))`` is fitted where the fixed image counts and ``phi_B(q) = A^-1(q + u_B(q))`` where the moving
    one does, by one optimiser. Van Harten, Stoker, Isgum, "Robust deformable image registration using cycle-consistent
    implicit representations", IEEE TMI 43(2), 2024; the gradient form is that of GradICON (Tian et al., CVPR 2023).

    Args:
        prepared: Clean images and coordinates.
        settings: How; ``settings.cycle`` is set.
        affine: (4, 4) world to world, applied after the displacement.
        generator: Source of the random numbers, on the CPU; both fields start from different weights.
    """

    def __init__(self, prepared: Prepared, settings: Settings, affine: Array, generator: torch.Generator) -> None:
        assert settings.cycle is not None
        self.cycle: Cycle = settings.cycle
        back, inverse = prepared.swapped(settings), np.asarray(np.linalg.inv(affine))
        self.forward, self.backward = SingleFit(prepared, settings, affine, generator), SingleFit(back, settings, inverse, generator)
        self.there, self.back = Way.between(prepared, back, affine), Way.between(back, prepared, inverse)
        planned = sum(stage.iterations for stage in prepared.usable_stages(settings))
        both = [Edge(THERE, self.forward), Edge(BACK, self.backward, " (inverse)")]
        super().__init__(both, [RoundTrip(self.cycle, (self.there, self.back), planned)] if self.cycle.weight > 0 else [])

    def model(self) -> Consensus:
        return Consensus(self.forward.model(), self.backward.model(), self.forward.prepared.spacing, self.cycle.inverse)

    def inverse(self) -> Consensus:
        return self.model().reversed()


class RoundTrip:
    """The weighted cycle term, both ways.

    Args:
        cycle: Its form and weight.
        ways: From the fixed to the moving image and back, and the other way round.
        planned: Iterations of all stages, over which the weight may grow.
    """

    def __init__(self, cycle: Cycle, ways: tuple[Way, Way], planned: int) -> None:
        self.cycle, self.ways, self.planned, self.count = cycle, ways, planned, 1
        self.steady = not cycle.ramp
        self.weight = Held(ways[0].matrix.device)

    def begin(self, stage: Stage) -> None:
        """A stage begins: it says at how many points the term is evaluated."""
        self.count = max(int(self.cycle.share * (stage.points or SPARSE)), 1)

    def renew(self, done: int) -> None:
        """The weight of iteration number ``done``."""
        self.weight.take(torch.tensor(self.cycle.weight * (done / self.planned if self.cycle.ramp else 1.0)))

    def terms(self, seen: Mapping[Ends, Pass]) -> dict[str, Tensor]:
        """The weighted term, given what the iteration sees in both directions."""
        term, there, back = TERMS[self.cycle.form], seen[THERE], seen[BACK]
        return {"cycle": self.weight.tensor * (term(self.ways[0], there, back, self.count) + term(self.ways[1], back, there, self.count))}
