"""A displacement in coordinates around the long axis of the left ventricle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inr_registration.core.errors import InputError
from inr_registration.core.problem import Problem
from inr_registration.core.settings import Settings, Stage
from inr_registration.core.volume import Volume
from inr_registration.fields.cardiac import PORTS, CardiacField
from inr_registration.fields.geometry.cardiac import around, is_wall, long_axis
from inr_registration.fields.network import new_network
from inr_registration.maps.cardiac_map import CardiacMap
from inr_registration.maps.model import half_width
from inr_registration.methods.data import SampledPoints
from inr_registration.methods.pair_fit import PairFit
from inr_registration.methods.prepared import Prepared
from inr_registration.methods.single import NETWORK_BETAS
from inr_registration.numerics.jet import Jet
from inr_registration.optimise.step import Objective
from inr_registration.start.field_start import Displacement, start_at
from inr_registration.terms.landmarks import LandmarkTerm
from inr_registration.terms.regularity import order_needed, regularity

Array = npt.NDArray[np.float64]

MUSCLE = 5.0
"""How much more a change of volume costs inside the muscle, whose volume hardly changes, than elsewhere."""


def check_cardiac(problem: Problem, settings: Settings) -> None:
    """Make sure that cardiac coordinates can be had, where the settings ask for them.

    Raises:
        InputError: There is no axis, or a term asks for second derivatives, which these coordinates do not give.
    """
    if settings.geometry is None or settings.geometry.kind != "cardiac":
        return
    if problem.long_axis is None and problem.ventricle is None:
        raise InputError("cardiac coordinates need the left ventricle: give its apex and base as two points, or its segmentation")
    if order_needed(settings.regularity) > 1:
        raise InputError("cardiac coordinates have no second derivatives; set the weight of 'bending' to 0 and use 'diffusion'")


class CardiacFit(PairFit):
    """One network around the long axis, and in the combined model a plain one beside it.

    Set ``landmarks`` and ``start`` before the first stage to let pairs of landmarks pull, or to start from a displacement.

    Args:
        problem: Gives the long axis or the segmentation of the ventricle; ``check_cardiac`` has seen it.
        prepared: Clean images and coordinates.
        settings: How.
        affine: (4, 4) world to world, applied after the displacement.
        generator: Source of the random numbers, on the CPU.

    Raises:
        InputError: The segmentation does not reach into the fixed image.
    """

    def __init__(self, problem: Problem, prepared: Prepared, settings: Settings, affine: Array, generator: torch.Generator) -> None:
        super().__init__()
        self.prepared, self.settings, self.affine, self.generator = prepared, settings, affine, generator
        self.axis, self.warnings = long_axis(problem)
        self.field = self._new_field().to(prepared.device)
        self.wall = self._wall_of(problem.ventricle)
        self.landmarks: LandmarkTerm | None = None
        self.start: Displacement | None = None
        apex, base = (f"({', '.join(f'{c:.1f}' for c in end)})" for end in self.axis)
        source = "the given points" if problem.long_axis is not None else "the segmentation of the ventricle"
        self.choices.append(f"long axis from {source}: apex {apex}, base {base} LPS mm")

    def begin(self, stage: Stage) -> Objective:
        if self.start is not None:
            start_at(self.field, self.prepared.frame, self.prepared.box, self.start, self.generator)
            self.start = None
        data = self.prepared.stage_data(stage, self.settings, self.affine)
        points = SampledPoints(data, stage.points, self.generator)
        return Objective(
            terms=lambda: self._terms(points),
            parameters=list(self.field.parameters()),
            rate=stage.learning_rate,
            betas=NETWORK_BETAS,
            name=f"{float(data.fixed.grid.spacing.min()):.3g} mm",
        )

    def model(self) -> CardiacMap:
        return CardiacMap(self.field, self.prepared.frame, around(self.axis), self.affine, self.prepared.box)

    def _new_field(self) -> CardiacField:
        assert self.settings.geometry is not None
        combined = self.settings.geometry.model == "combined"
        choice = self.settings.representation
        if combined:
            choice = replace(choice, width=half_width(choice))
        network = new_network(choice, self.generator, PORTS)
        plain = new_network(choice, self.generator) if combined else None
        return CardiacField(network, plain, self.prepared.frame, around(self.axis))

    def _wall_of(self, ventricle: Volume | None) -> tuple[Tensor, Tensor] | None:
        """Voxel centres of the muscle (3, n) and voxel axes (3, 3) in unit coordinates, where the muscle is known."""
        if ventricle is None:
            return None
        if not is_wall(ventricle, self.axis):
            self.choices.append("the segmentation includes the cavity, so a change of volume costs the same everywhere")
            return None
        frame, grid = self.prepared.frame, ventricle.grid
        centres = frame.to_unit(grid.to_world(np.argwhere(ventricle.inside())[:, ::-1]))
        centres = centres[((centres >= self.prepared.box[0]) & (centres <= self.prepared.box[1])).all(axis=1)]
        if not len(centres):
            raise InputError(f"{ventricle.name}: no voxel lies in the fixed image; check that both are in the same space")
        like = next(self.field.parameters())
        step = np.linalg.inv(frame.axes) @ grid.affine[:3, :3]
        return torch.as_tensor(centres.T.copy()).to(like), torch.as_tensor(step).to(like)

    def _terms(self, points: SampledPoints) -> dict[str, Tensor]:
        """Similarity at all points, regularity at a share of them and at as many in the muscle, the pull of the landmarks."""
        index, xi = points.draw()
        terms = points.terms(index, xi, self.field(xi))
        weights = self.settings.regularity
        if order_needed(weights):
            flat = xi.reshape(3, -1)
            chosen = flat[:, :: max(round(1 / self.settings.regularity_points), 1)]
            terms.update(self._regularity(weights, chosen))
        if self.landmarks is not None:
            terms.update(self.landmarks(self.field))
        return terms

    def _regularity(self, weights: Mapping[str, float], chosen: Tensor) -> dict[str, Tensor]:
        """Weighted terms; those of the volume again, and more strongly, in the muscle where it is known."""
        if self.wall is None:
            return regularity(weights, self.field.evaluate(chosen, 1))
        centres, step = self.wall
        count = chosen.shape[1]
        picked = torch.randint(centres.shape[1], (count,), generator=self.generator).to(centres.device)
        within = (torch.rand(3, count, generator=self.generator) - 0.5).to(centres)
        jet = self.field.evaluate(torch.cat([chosen, centres[:, picked] + step @ within], dim=1), 1)
        assert jet.first is not None
        of_volume = {name: MUSCLE * weight for name, weight in weights.items() if "jacobian" in name}
        everywhere = regularity(weights, Jet(jet.value[:, :count], jet.first[:, :, :count]))
        inside = regularity(of_volume, Jet(jet.value[:, count:], jet.first[:, :, count:]))
        return {name: value + inside[name] if name in inside else value for name, value in everywhere.items()}
