"""One field along tubes, alone or beside a plain one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from inr_registration.core.errors import InputError
from inr_registration.core.problem import Problem
from inr_registration.core.settings import Settings, Stage
from inr_registration.fields.geometry.tube import Place
from inr_registration.fields.network import new_network
from inr_registration.fields.tube import TubeField, unit_scale
from inr_registration.maps.model import half_width
from inr_registration.maps.tube_map import TubeMap
from inr_registration.methods.data import SampledPoints, StageData
from inr_registration.methods.pair_fit import PairFit
from inr_registration.methods.passes import SMOOTHNESS
from inr_registration.methods.prepared import Prepared
from inr_registration.methods.single import NETWORK_BETAS
from inr_registration.methods.tube_checks import about_motion, about_tubes, tubes_of
from inr_registration.optimise.step import Objective
from inr_registration.terms.regularity import order_needed, regularity

Array = npt.NDArray[np.float64]

BATCHES = 16
"""Sets of sampled points in a stage, used in turn: finding the place of a point in a tube costs as much as a small network."""
JUDGED_POINTS = 4000
"""Points in the tube at which the motion is judged in the end."""


@dataclass(frozen=True)
class Batch:
    """Sampled points with their places in the tubes.

    Args:
        index: As ``SampledPoints.draw`` gives it.
        xi: The same in unit coordinates.
        place: Of all of them, in the order of ``xi.reshape(3, -1)``.
    """

    index: Tensor
    xi: Tensor
    place: Place


class TubeFit(PairFit):
    """A network in tube coordinates, and in the combined model a plain one beside it, each narrower.

    The tangent model is fitted on points in the tubes. So is the combined one with half of its points; the other half is
    spread over all that counts in the fixed image, so that the plain field holds outside the tubes, too.

    Args:
        problem: Gives the centrelines.
        prepared: Clean images and coordinates.
        settings: How.
        affine: (4, 4) world to world, applied after the displacement.
        generator: Source of the random numbers, on the CPU.

    Raises:
        InputError: There is no usable centreline, or the tubes are too thick for their bends.
    """

    def __init__(self, problem: Problem, prepared: Prepared, settings: Settings, affine: Array, generator: torch.Generator) -> None:
        super().__init__()
        assert settings.geometry is not None
        self.prepared, self.settings, self.affine, self.generator = prepared, settings, affine, generator
        self.tubes = tubes_of(problem, settings.geometry)
        self.combined = settings.geometry.model == "combined"
        self.field = self._new_field().to(prepared.device)
        self.within = np.zeros((0, 3))
        self.warnings += about_tubes(self.tubes, problem.fixed.grid)
        lengths = ", ".join(f"{line.length:.0f} mm" for line in self.tubes.centrelines)
        bend = self.tubes.thickness
        self.choices.append(f"tubes of radius {self.tubes.radius:g} mm along {lengths}; radius times largest curvature {bend:.2f}")

    def begin(self, stage: Stage) -> Objective:
        data = self.prepared.stage_data(stage, self.settings, self.affine)
        samplers = self._samplers(data, stage.points)
        batches = [self._batch(samplers) for _ in range(min(BATCHES, stage.iterations))]

        def terms() -> dict[str, Tensor]:
            self.done += 1
            return self._terms(samplers[0], batches[self.done % len(batches)])

        return Objective(
            terms=terms,
            parameters=list(self.field.parameters()),
            rate=stage.learning_rate,
            betas=NETWORK_BETAS,
            name=f"{float(data.fixed.grid.spacing.min()):.3g} mm",
        )

    def model(self) -> TubeMap:
        return TubeMap(self.field, self.affine, self.prepared.box)

    def finished(self) -> None:
        some = self.within[:: max(len(self.within) // JUDGED_POINTS, 1)]
        moved = self.model().displacement(some)
        self.warnings += about_motion(self.tubes, some, moved, self.prepared.spacing, self.combined)

    def _new_field(self) -> TubeField:
        choice = self.settings.representation
        scale = unit_scale(self.tubes, choice.coordinates)
        if not self.combined:
            return TubeField(self.tubes, new_network(choice, self.generator), None, self.prepared.frame, scale)
        choice = replace(choice, width=half_width(choice))
        network, plain = new_network(choice, self.generator), new_network(choice, self.generator)
        return TubeField(self.tubes, network, plain, self.prepared.frame, scale)

    def _samplers(self, data: StageData, points: int) -> list[SampledPoints]:
        """Of the points in the tubes, and for the combined model of those anywhere."""
        within = SampledPoints(data, points // 2 if self.combined else points, self.generator)
        k, j, i = np.unravel_index(within.candidates.numpy(), data.fixed.grid.shape)
        world = data.fixed.grid.to_world(np.stack([i, j, k], axis=1))
        inside = self.tubes.locate(world).inside
        if not len(inside):
            raise InputError("no voxel of the tube counts in the fixed image; check the centreline, the radius and the fixed mask")
        within.candidates, self.within = within.candidates[inside], world[inside.numpy()]
        return [within, SampledPoints(data, points - points // 2, self.generator)] if self.combined else [within]

    def _batch(self, samplers: list[SampledPoints]) -> Batch:
        index, xi = (torch.cat(parts, dim=1) for parts in zip(*(sampler.draw() for sampler in samplers), strict=True))
        world = self.prepared.frame.to_world(xi.reshape(3, -1).T.double().cpu().numpy())
        return Batch(index, xi, self.tubes.locate(world).like(xi))

    def _terms(self, points: SampledPoints, batch: Batch) -> dict[str, Tensor]:
        """Similarity at all points, regularity at a share of them."""
        flat = batch.xi.reshape(3, -1)
        to_unit = torch.as_tensor(np.linalg.inv(self.prepared.frame.axes)).to(flat)
        displacement = to_unit @ self.field.evaluate(flat, batch.place, 0).value
        terms = points.terms(batch.index, batch.xi, displacement.reshape(batch.xi.shape))
        stride = max(round(1 / self.settings.regularity_points), 1)
        return {**terms, **self._regularity(flat[:, ::stride], batch.place.every(stride))}

    def _regularity(self, xi: Tensor, place: Place) -> dict[str, Tensor]:
        """Smoothness of each part in its own coordinates; whatever is about volume, of the whole map in the image."""
        weights = self.settings.regularity
        smooth = {name: weight for name, weight in weights.items() if name in SMOOTHNESS and weight > 0}
        other = {name: weight for name, weight in weights.items() if name not in SMOOTHNESS and weight > 0}
        terms = regularity(other, self.field.evaluate(xi, place, 1)) if other else {}
        if smooth:
            terms.update(regularity(smooth, self.field.along_curve(place.q, order_needed(smooth))))
            if self.combined:
                plain = regularity(smooth, self.field.plain_jet(xi, order_needed(smooth)))
                terms.update({name: terms[name] + value for name, value in plain.items()})
        return terms
