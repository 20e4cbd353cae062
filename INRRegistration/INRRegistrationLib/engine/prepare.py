"""What every stage starts from: clean images, the field's frame, the levels of the pyramid."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import torch

from INRRegistrationLib.core.grid import Grid
from INRRegistrationLib.core.problem import Problem
from INRRegistrationLib.core.settings import SIMILARITY_WEIGHTS, Settings, Stage
from INRRegistrationLib.engine.data import Field, StageData, crop_box, cropped
from INRRegistrationLib.engine.fields.lattice import FreeLattice, Knots, SplineLattice, VelocityLattice
from INRRegistrationLib.engine.fields.network_lattice import NetworkLattice
from INRRegistrationLib.engine.frame import Frame
from INRRegistrationLib.engine.model import new_network
from INRRegistrationLib.engine.sampling import Image
from INRRegistrationLib.engine.start.affine import AffineLevel
from INRRegistrationLib.engine.start.clean import CleanImage, clean, upright
from INRRegistrationLib.engine.start.pyramid import THINNEST, level, orthogonal, working_spacing

Array = npt.NDArray[np.float64]

CROP_MARGIN = 4
"""Voxels of each level kept around where the fixed image counts, for windows that reach beyond."""
AFFINE_VOXELS = (8_000, 100_000)
"""About how many voxels the levels of the linear pre-alignment have."""
SAME_CONTRAST = 0.6
"""Correlation after the pre-alignment from which on intensities are taken to mean the same in both images."""
SURROUND = 0.08
"""Scaled intensities up to this are the dark surround, not the body."""
MONO_MODAL = {"local_ncc": 1.0, "mse": 5.0}
MONO_MODAL_POINTS = {"ncc": 1.0}
"""Where points are drawn: windows would take so many voxels each that few places were seen in an iteration."""
MULTI_MODAL = {"local_ncc": 1.0}
MIND_STAND_IN = {"local_ncc": 1.0, "nmi": SIMILARITY_WEIGHTS["nmi"]}


@dataclass
class Prepared:
    """Clean images and the coordinates of the fit.

    Args:
        fixed: On right-angled axes.
        moving: On its own axes.
        spacing: Of the finest level, mm.
        frame: Of the field.
        box: (2, 3) unit coordinates that the field is fitted for: the fixed image.
        device: Of every tensor.
        similarity: Weights, decided once the images are aligned.
    """

    fixed: CleanImage
    moving: CleanImage
    spacing: float
    frame: Frame
    box: Array
    device: torch.device
    similarity: dict[str, float] = field(default_factory=dict)
    gain: tuple[float, float] = (1.0, 0.0)

    def level_pair(self, spacing: float) -> tuple[Image, torch.Tensor, Image, torch.Tensor]:
        """Fixed and moving image and their weights at one spacing."""
        images = []
        for image in (self.fixed, self.moving):
            own = max(spacing, float(image.grid.spacing.min()))
            values = level(image.values, image.grid, own, self.device)
            weight = level(image.counted, image.grid, own, self.device, smooth=False).values
            images.append((values, (weight > 0.5).float()))
        (fixed, fixed_weight), (moving, moving_weight) = images
        return fixed, fixed_weight[0], moving, moving_weight

    def affine_levels(self) -> list[AffineLevel]:
        """Two coarse levels for the linear pre-alignment."""
        volume = float(np.prod(np.asarray(self.fixed.grid.size) * self.fixed.grid.spacing))
        spacings = [max((volume / voxels) ** (1 / 3), self.spacing) for voxels in AFFINE_VOXELS]
        return [AffineLevel(*self.level_pair(spacing)) for spacing in spacings]

    def usable_stages(self, settings: Settings) -> list[Stage]:
        """The stages whose level is not too thin to fit; the finest always is."""
        thickness = (np.asarray(self.fixed.grid.size) * self.fixed.grid.spacing).min()
        kept = [stage for stage in settings.stages if thickness / (stage.shrink * self.spacing) >= THINNEST]
        return kept or [settings.stages[-1]]

    def cost(self, stage: Stage) -> float:
        """Roughly how long a stage takes, in points evaluated."""
        volume = float(np.prod(np.asarray(self.fixed.grid.size) * self.fixed.grid.spacing))
        return stage.iterations * (stage.points or volume / (stage.shrink * self.spacing) ** 3 + 5000)

    def field_for(self, stage: Stage, settings: Settings, before: Field | None, generator: torch.Generator) -> Field:
        """The field of a stage: a network goes on as it is, a lattice is refined to the stage's control points."""
        kind = settings.representation.kind
        if kind in ("siren", "relu"):
            return before if before is not None else new_network(settings.representation, generator).to(self.device)
        step = stage.shrink * self.spacing * stage.control_spacing
        low, high = (tuple(row) for row in self.box)
        knots = Knots.covering(low, high, step)
        if kind == "sinr":
            return before.on(knots) if isinstance(before, NetworkLattice) else self._network_lattice(knots, settings, generator)
        values = before.refined(knots) if isinstance(before, FreeLattice) else torch.zeros(3, *knots.shape)
        return (VelocityLattice if kind == "velocity" else SplineLattice)(knots, values.to(self.device))

    def _network_lattice(self, knots: Knots, settings: Settings, generator: torch.Generator) -> NetworkLattice:
        """A new network over the box, whose unit is half of the longest side or, per axis, half of each side."""
        x, y, z = self.box.mean(axis=0).tolist()
        half = np.ptp(self.box, axis=0) / 2
        if settings.representation.coordinates == "isotropic":
            half = np.full(3, half.max())
        i, j, k = half.tolist()
        return NetworkLattice(knots, new_network(settings.representation, generator), (x, y, z), (i, j, k)).to(self.device)

    def stage_data(self, stage: Stage, settings: Settings, affine: Array) -> StageData:
        """Both images at the stage's spacing, the fixed one cropped to where it counts."""
        fixed, weight, moving, moving_weight = self.level_pair(stage.shrink * self.spacing)
        box = crop_box((weight > 0).cpu().numpy(), CROP_MARGIN)
        gain, offset = self.gain
        moving = replace(moving, values=moving.values * gain + offset)
        return StageData(
            cropped(fixed, box), weight[box].contiguous(), moving, moving_weight, self.frame, affine,
            self.similarity, settings.local_ncc_radius, settings.outside_weight,
        )  # fmt: skip

    def swapped(self, settings: Settings) -> Prepared:
        """The same pair with the roles exchanged, for the map from the moving to the fixed image; the similarity stays."""
        fixed = upright(self.moving)
        spacing = max(self.spacing, working_spacing(fixed.grid, settings.max_voxels))
        frame, box = _coordinates(fixed.grid, settings)
        gain = 1 / self.gain[0], -self.gain[1] / self.gain[0]
        return replace(self, fixed=fixed, moving=self.fixed, spacing=spacing, frame=frame, box=box, gain=gain)

    def choose_similarity(self, settings: Settings, affine: Array) -> list[str]:
        """Fix the similarity terms; ``auto`` looks at how aligned intensities relate. Returns what was chosen."""
        if not {"auto", "mse"} & set(settings.similarity):
            self.similarity = dict(settings.similarity)
            return []
        seen_fixed, seen_moving = self._aligned_intensities(affine)
        alike = len(seen_fixed) > 100 and bool(seen_moving.std() > 0)
        correlation = float(torch.corrcoef(torch.stack([seen_fixed, seen_moving]))[0, 1]) if alike else 0.0
        if alike and correlation > 0:
            slope = float(seen_fixed.std() / seen_moving.std())
            self.gain = (slope, float(seen_fixed.mean() - slope * seen_moving.mean()))
        if "auto" not in settings.similarity:
            self.similarity = dict(settings.similarity)
            return [f"moving intensities matched to the fixed ones: times {self.gain[0]:.3g}, plus {self.gain[1]:.3g} of the fixed range"]
        found = f"(correlation {correlation:.2f} inside both after alignment)"
        if not correlation >= SAME_CONTRAST:
            self.similarity = dict(MULTI_MODAL)
            return [f"similarity: local correlation, since the contrasts differ {found}"]
        if settings.stages[-1].points > 0:
            self.similarity = dict(MONO_MODAL_POINTS)
            return [f"similarity: correlation, since the contrasts agree {found}"]
        self.similarity = dict(MONO_MODAL)
        return [f"similarity: local correlation with squared differences, since the contrasts agree {found}"]

    def _aligned_intensities(self, affine: Array) -> tuple[torch.Tensor, torch.Tensor]:
        """Pairs of intensities where both images show something under the linear map, (n,) each.

        The dark surround is left out on purpose: it agrees in any two modalities and would hide that they differ.
        """
        fixed, weight, moving, moving_weight = self.level_pair(max(2 * self.spacing, 2.0))
        index = np.argwhere((weight > 0).cpu().numpy())
        points = fixed.grid.to_world(index[:, ::-1]) @ affine[:3, :3].T + affine[:3, 3]
        at = torch.as_tensor(points.T.copy(), dtype=torch.float32, device=self.device)
        inside = torch.as_tensor(moving.grid.contains(points, 0), device=self.device) & (Image(moving_weight, moving.grid).at(at) > 0)
        a, b = fixed.values[0][weight > 0].double(), moving.at(at).double()
        shown = inside & (a > SURROUND) & (b > SURROUND)
        return a[shown], b[shown]


def affine_similarity(settings: Settings) -> dict[str, float]:
    """The similarity terms of the linear pre-alignment: those of the fit, with two exceptions.

    Global and local correlation where the terms are chosen later; local correlation and mutual information in place of
    MIND, whose channels would have to be turned with every step of a rotation.
    """
    if "auto" in settings.similarity:
        return {"ncc": 1.0, "local_ncc": 1.0}
    terms = dict(settings.similarity)
    return terms if terms.pop("mind", 0) == 0 else {**MIND_STAND_IN, **terms}


def prepare(problem: Problem, settings: Settings, device: torch.device) -> Prepared:
    """Clean both images and lay down the coordinates of the fit."""
    if problem.fixed_mask is None:
        fixed = clean(orthogonal(problem.fixed), None, settings.clip_percent)
    else:  # the mask first: resampling would carry in what lies outside
        fixed = upright(clean(problem.fixed, problem.fixed_mask, settings.clip_percent))
    moving = clean(problem.moving, problem.moving_mask, settings.clip_percent)
    spacing = working_spacing(fixed.grid, settings.max_voxels)
    return Prepared(fixed, moving, spacing, *_coordinates(fixed.grid, settings), device)


def _coordinates(grid: Grid, settings: Settings) -> tuple[Frame, Array]:
    """The frame of a field on a grid, and the grid's box in it."""
    if settings.representation.kind in ("spline", "velocity", "sinr"):
        frame = Frame.millimetres(grid)
    elif settings.representation.coordinates == "per-axis":
        frame = Frame.per_axis(grid)
    else:
        frame = Frame.isotropic(grid)
    corners = frame.to_unit(grid.corners())
    return frame, np.stack([corners.min(axis=0), corners.max(axis=0)])
