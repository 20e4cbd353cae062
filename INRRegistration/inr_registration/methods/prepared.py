"""What every stage starts from: clean images, the field's frame, the levels of the pyramid."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import torch

from inr_registration.core.catalogue import FIELD_KINDS
from inr_registration.core.grid import Grid
from inr_registration.core.problem import Problem
from inr_registration.core.settings import Settings, Stage
from inr_registration.fields.asked import Asked, field_for
from inr_registration.fields.kinds import Field
from inr_registration.images.affine_level import AffineLevel
from inr_registration.images.cleaning import CleanImage, clean, upright
from inr_registration.images.contrast import Contrast, compare
from inr_registration.images.crop import crop_box, cropped
from inr_registration.images.padding import unpadded
from inr_registration.images.pyramid import ROUNDING, THINNEST, level, orthogonal, working_spacing
from inr_registration.images.shading import Shading, find
from inr_registration.methods.data import StageData
from inr_registration.numerics.frame import Frame
from inr_registration.numerics.knots import Knots
from inr_registration.numerics.sampling import Image

Array = npt.NDArray[np.float64]

CROP_MARGIN = 4
"""Voxels of each level kept around where the fixed image counts, for windows that reach beyond."""
AFFINE_VOXELS = (8_000, 100_000)
"""About how many voxels the levels of the linear pre-alignment have."""
MONO_MODAL = {"local_ncc": 1.0, "mse": 5.0}
MONO_MODAL_POINTS = {"ncc": 1.0}
"""Where points are drawn: windows would take so many voxels each that few places were seen in an iteration."""
MULTI_MODAL = {"mind": 5.0, "local_ncc": 0.5}
MULTI_MODAL_POINTS = {"local_ncc": 1.0}
MOST_FEATURES = 4_000_000
"""Voxels of a level from which on features, 24 numbers a voxel, are left out where the terms were chosen by ``auto``."""

LevelPair = tuple[Image, torch.Tensor, Image, torch.Tensor]
HALF = 0.501
"""Share of a voxel of a level that must count; a voxel half of which counts does not, however its half was rounded."""
COARSE = 1.9
"""Levels at this many times the finest spacing and more are kept: an eighth of the voxels and less."""


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
        gain: What makes moving intensities like fixed ones: times, plus.
        choices: What was decided about the images, in words.
        start: Facts on the pre-alignment: ``agreement`` of the images where the fit starts (1 at best, 0 as with an image without any
            structure), ``turned`` degrees against the headers; empty where there was none.
        coarse: Levels by spacing, as far as they were made; `replace` starts anew, for other images.
        compared: Contrasts by the map under which they were seen.
    """

    fixed: CleanImage
    moving: CleanImage
    spacing: float
    frame: Frame
    box: Array
    device: torch.device
    similarity: dict[str, float] = field(default_factory=dict)
    gain: tuple[float, float] = (1.0, 0.0)
    choices: tuple[str, ...] = ()
    start: dict[str, float] = field(default_factory=dict)
    coarse: dict[float, LevelPair] = field(default_factory=dict, init=False)
    compared: dict[bytes, Contrast] = field(default_factory=dict, init=False)

    def level_pair(self, spacing: float) -> LevelPair:
        """Fixed and moving image and their weights at one spacing; coarse ones are made once, they are small."""
        if spacing < COARSE * self.spacing:
            return self._level_pair(spacing)
        if spacing not in self.coarse:
            self.coarse[spacing] = self._level_pair(spacing)
        return self.coarse[spacing]

    def _level_pair(self, spacing: float) -> LevelPair:
        images = []
        for image in (self.fixed, self.moving):
            own = max(spacing, float(image.grid.spacing.min()))
            values = level(image.raw, image.grid, own, self.device, scale=image.scale)
            weight = level(image.counted, image.grid, own, self.device, smooth=False).values
            images.append((values, (weight > HALF).float()))
        (fixed, fixed_weight), (moving, moving_weight) = images
        return fixed, fixed_weight[0], moving, moving_weight

    def affine_levels(self) -> list[AffineLevel]:
        """Two coarse levels for the linear pre-alignment, the fixed image cropped to where it counts."""
        sides = np.asarray(self.fixed.grid.size) * self.fixed.grid.spacing
        spacings = [max((float(sides.prod()) / voxels) ** (1 / 3), self.spacing) for voxels in AFFINE_VOXELS]
        levels, reach = [], float(np.linalg.norm(sides)) / 4
        for spacing in spacings:
            fixed, weight, moving, moving_weight = self.level_pair(spacing)
            box = crop_box((weight > 0).cpu().numpy(), CROP_MARGIN)
            levels.append(AffineLevel(cropped(fixed, box), weight[box].contiguous(), moving, moving_weight, reach))
        return levels

    def usable_stages(self, settings: Settings) -> list[Stage]:
        """The stages whose level is not too thin to fit; the finest always is."""
        thickness = (np.asarray(self.fixed.grid.size) * self.fixed.grid.spacing).min()
        kept = [stage for stage in settings.stages if round(thickness / (stage.shrink * self.spacing), ROUNDING) >= THINNEST]
        return kept or list(settings.stages[-1:])

    def cost(self, stage: Stage) -> float:
        """Roughly how long a stage takes, in points evaluated."""
        volume = float(np.prod(np.asarray(self.fixed.grid.size) * self.fixed.grid.spacing))
        return stage.iterations * (stage.points or volume / (stage.shrink * self.spacing) ** 3 + 5000)

    def field_for(self, stage: Stage, settings: Settings, before: Field | None, generator: torch.Generator) -> Field:
        """The field of a stage: a network goes on as it is, a lattice is refined to the stage's control points."""
        step = stage.shrink * self.spacing * stage.control_spacing
        low, high = (tuple(row) for row in self.box)
        asked = Asked(settings.representation, Knots.covering(low, high, step), self.box, before, generator)
        made: Field = field_for(asked).to(self.device)
        return made

    def stage_data(self, stage: Stage, settings: Settings, affine: Array) -> StageData:
        """Both images at the stage's spacing, the fixed one cropped to where it counts."""
        fixed, weight, moving, moving_weight = self.level_pair(stage.shrink * self.spacing)
        box = crop_box((weight > 0).cpu().numpy(), CROP_MARGIN)
        gain, offset = self.gain
        moving = replace(moving, values=moving.values * gain + offset)
        seen = cropped(fixed, box)
        similarity = self.similarity
        if similarity == MULTI_MODAL and "auto" in settings.similarity and seen.values.numel() > MOST_FEATURES:
            similarity = MULTI_MODAL_POINTS
        return StageData(
            seen, weight[box].contiguous(), moving, moving_weight, self.frame, affine,
            similarity, settings.local_ncc_radius, settings.outside_weight,
        )  # fmt: skip

    def shading(self, affine: Array, least: float) -> Shading | None:
        """A smooth factor between the images under a (4, 4) fixed to moving world map; None where there is none of at least this size."""
        if self.fixed.scale is None or self.moving.scale is None or not self.contrast(affine).similar:
            return None
        return find(self.affine_levels()[0], (self.fixed.scale, self.moving.scale), affine, least)

    def take_away(self, shading: Shading, settings: Settings) -> None:
        """Correct the moving image by a smooth factor."""
        self.moving = shading.removed(self.moving, settings.clip_percent)
        self.coarse.clear()
        self.compared.clear()

    def swapped(self, settings: Settings) -> Prepared:
        """The same pair with the roles exchanged, for the map from the moving to the fixed image; the similarity stays."""
        fixed = upright(self.moving)
        spacing = max(self.spacing, working_spacing(fixed.grid, settings.max_voxels))
        frame, box = _coordinates(fixed.grid, settings)
        gain = 1 / self.gain[0], -self.gain[1] / self.gain[0]
        return replace(self, fixed=fixed, moving=self.fixed, spacing=spacing, frame=frame, box=box, gain=gain)

    def forget_images(self) -> None:
        """Let go of the intensities, once nothing is to be fitted any more; where they count and the geometry stay known."""
        self.fixed, self.moving = (image.without_values() for image in (self.fixed, self.moving))
        self.coarse.clear()

    def contrast(self, affine: Array) -> Contrast:
        """How the intensities of both images relate under a (4, 4) fixed to moving world map; looked at once for each map."""
        key = np.asarray(affine, np.float64).tobytes()
        if key not in self.compared:
            thinnest = float((np.asarray(self.fixed.grid.size) * self.fixed.grid.spacing).min())
            seen = compare(*self.level_pair(max(2 * self.spacing, min(2.0, thinnest / 16))), affine)
            self.compared[key] = seen if seen.measured else compare(*self.level_pair(self.spacing), affine)  # a small mask
        return self.compared[key]

    def choose_similarity(self, settings: Settings, affine: Array) -> list[str]:
        """Fix the similarity terms; ``auto`` looks at how aligned intensities relate. Returns what was chosen."""
        if not {"auto", "mse"} & set(settings.similarity):
            self.similarity = dict(settings.similarity)
            return []
        seen = self.contrast(affine)
        self.gain = seen.gain
        if "auto" not in settings.similarity:
            self.similarity = dict(settings.similarity)
            return [f"moving intensities matched to the fixed ones: times {self.gain[0]:.3g}, plus {self.gain[1]:.3g} of the fixed range"]
        sampled = any(stage.points > 0 for stage in settings.stages[-1:])
        if seen.same and sampled:
            self.similarity, name = MONO_MODAL_POINTS, "correlation"
        elif seen.same:
            self.similarity, name = MONO_MODAL, "local correlation with squared differences"
        elif sampled:
            self.similarity, name = MULTI_MODAL_POINTS, "local correlation"
        else:
            self.similarity, name = MULTI_MODAL, "local correlation with self-similarity (MIND)"
        why = "may differ" if not seen.measured else "agree" if seen.same else "differ"
        return [f"similarity: {name}, since the contrasts {why} {seen.words}"]


def prepare(problem: Problem, settings: Settings, device: torch.device) -> Prepared:
    """Clean both images and lay down the coordinates of the fit."""
    with ThreadPoolExecutor(1) as beside:  # numpy mostly lets go of Python's lock
        coming = beside.submit(_moving, problem, settings)
        given, mask = unpadded(problem.fixed), problem.fixed_mask
        if mask is None:
            fixed = clean(orthogonal(given.volume), None, settings.clip_percent, given.value is not None)
        else:  # the mask first: resampling would carry in what lies outside
            fixed = upright(clean(given.volume, mask, settings.clip_percent))
        moving, about_moving = coming.result()
    spacing = working_spacing(fixed.grid, settings.max_voxels)
    return Prepared(fixed, moving, spacing, *_coordinates(fixed.grid, settings), device, choices=(*given.said, *about_moving))


def _moving(problem: Problem, settings: Settings) -> tuple[CleanImage, list[str]]:
    """The clean moving image, and what was decided about it."""
    given = unpadded(problem.moving)
    return clean(given.volume, problem.moving_mask, settings.clip_percent, given.value is not None), given.said


def _coordinates(grid: Grid, settings: Settings) -> tuple[Frame, Array]:
    """The frame of a field on a grid, and the grid's box in it."""
    if FIELD_KINDS[settings.representation.kind].lattice:
        frame = Frame.millimetres(grid)
    elif settings.representation.coordinates == "per-axis":
        frame = Frame.per_axis(grid)
    else:
        frame = Frame.isotropic(grid)
    corners = frame.to_unit(grid.corners())
    return frame, np.stack([corners.min(axis=0), corners.max(axis=0)])
