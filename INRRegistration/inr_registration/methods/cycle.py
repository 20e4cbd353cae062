"""Two fields, one in each direction, that must undo each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from inr_registration.core.settings import Cycle, Settings, Stage
from inr_registration.maps.consensus import Consensus
from inr_registration.methods.pair_fit import PairFit
from inr_registration.methods.passes import SPARSE, Pass
from inr_registration.methods.prepare import Prepared
from inr_registration.methods.single import SingleFit
from inr_registration.methods.way import TERMS, Way
from inr_registration.numerics.frame import Array
from inr_registration.numerics.held import Held
from inr_registration.optimise.step import Objective


class CycleFit(PairFit):
    """A field from the fixed to the moving image and one back, coupled by the cycle term.

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
        super().__init__()
        assert settings.cycle is not None
        self.cycle: Cycle = settings.cycle
        back = prepared.swapped(settings)
        self.forward = SingleFit(prepared, settings, affine, generator)
        self.backward = SingleFit(back, settings, np.asarray(np.linalg.inv(affine)), generator)
        self.there = Way.between(prepared, back, affine)
        self.back = Way.between(back, prepared, np.asarray(np.linalg.inv(affine)))
        self.planned = sum(stage.iterations for stage in prepared.usable_stages(settings))

    def begin(self, stage: Stage) -> Objective:
        sides = [side.enter(stage) for side in (self.forward, self.backward)]
        one_pass = [entered[0] for entered in sides]
        count = max(int(self.cycle.share * (stage.points or SPARSE)), 1)

        weight = Held(self.forward.prepared.device)

        def draw() -> None:
            self.done += 1
            weight.take(torch.tensor(self.cycle.weight * (self.done / self.planned if self.cycle.ramp else 1.0)))
            for each in one_pass:
                each.draw()
            if self.cycle.weight > 0:
                for each in one_pass:
                    each.draw_look()

        def terms() -> dict[str, Tensor]:
            forward, backward = one_pass[0].see(), one_pass[1].see()
            inverse = {f"{name} (inverse)": value for name, value in backward.terms.items()}
            return {**forward.terms, **inverse, **self._cycle(forward, backward, count, weight)}

        parameters = [parameter for _, objective in sides for parameter in objective.parameters]
        return replace(sides[0][1], terms=terms, draw=draw, parameters=parameters, steady=not self.cycle.ramp)

    def model(self) -> Consensus:
        return Consensus(self.forward.model(), self.backward.model(), self.forward.prepared.spacing, self.cycle.inverse)

    def inverse(self) -> Consensus:
        return self.model().reversed()

    def _cycle(self, forward: Pass, backward: Pass, count: int, weight: Held) -> dict[str, Tensor]:
        """The weighted cycle term of one iteration, both ways."""
        if self.cycle.weight == 0:
            return {}
        term = TERMS[self.cycle.form]
        return {"cycle": weight.tensor * (term(self.there, forward, backward, count) + term(self.back, backward, forward, count))}
