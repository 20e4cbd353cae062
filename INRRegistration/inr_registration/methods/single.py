"""One field, of any representation."""

from __future__ import annotations

from dataclasses import replace

import torch

from inr_registration.core.settings import Settings, Stage
from inr_registration.fields.kinds import Field
from inr_registration.fields.lattice import FreeLattice, Lattice, SplineLattice
from inr_registration.maps.model import Model
from inr_registration.methods.pair_fit import PairFit
from inr_registration.methods.passes import OnePass, Pass, passes
from inr_registration.methods.prepared import Prepared
from inr_registration.numerics.frame import Array
from inr_registration.optimise.step import Objective
from inr_registration.start.field_start import Displacement, start_at
from inr_registration.terms.landmarks import LandmarkTerm

LATTICE_BETAS = (0.5, 0.99)
"""Half the usual momentum: a whole level gives the same gradient in each iteration, which needs no average over many."""
NETWORK_BETAS = (0.9, 0.999)


class SingleFit(PairFit):
    """One field from the fixed to the moving image.

    Set ``landmarks`` and ``start`` before the first stage to let pairs of landmarks pull, or to start from a displacement.

    Args:
        prepared: Clean images and coordinates.
        settings: How.
        affine: (4, 4) world to world, applied after the displacement.
        generator: Source of the random numbers, on the CPU.
    """

    def __init__(self, prepared: Prepared, settings: Settings, affine: Array, generator: torch.Generator) -> None:
        super().__init__()
        self.prepared, self.settings, self.affine, self.generator = prepared, settings, affine, generator
        self.field: Field | None = None
        self.landmarks: LandmarkTerm | None = None
        self.start: Displacement | None = None

    def begin(self, stage: Stage) -> Objective:
        return self.enter(stage)[1]

    def enter(self, stage: Stage) -> tuple[OnePass, Objective]:
        """Take the field to a stage.

        Returns:
            One iteration over the field; and the objective that it makes on its own.
        """
        field = self.prepared.field_for(stage, self.settings, self.field, self.generator)
        if self.field is None and self.start is not None:
            start_at(field, self.prepared.frame, self.prepared.box, self.start, self.generator)
        self.field = field
        data = self.prepared.stage_data(stage, self.settings, self.affine)
        spacing = float(data.fixed.grid.spacing.min())
        free = isinstance(field, FreeLattice)
        one_pass = steered(passes(stage, data, field, self.settings, self.generator), self.landmarks)
        objective = Objective(
            terms=lambda: one_pass.see().terms,
            draw=one_pass.draw,
            parameters=list(field.parameters()),
            rate=stage.learning_rate * (spacing if free else 1.0),
            betas=LATTICE_BETAS if free else NETWORK_BETAS,
            name=f"{spacing:.3g} mm",
        )
        return one_pass, objective

    def model(self) -> Model:
        """The map; a lattice gives its control points once, however often the map is asked."""
        field = self.field
        assert field is not None
        if isinstance(field, Lattice):
            field = SplineLattice(field.knots, field.coefficients().detach())
        return Model(field, self.prepared.frame, self.affine, self.prepared.box)


def steered(one_pass: OnePass, landmarks: LandmarkTerm | None) -> OnePass:
    """The same iteration with the pull of the landmarks among its terms, where there are any."""
    if landmarks is None:
        return one_pass

    def pulled() -> Pass:
        seen = one_pass.see()
        return replace(seen, terms={**seen.terms, **landmarks(lambda xi: seen.evaluate(xi, 0).value)})

    return replace(one_pass, see=pulled)
