"""A smooth factor between the intensities of two images, as the coils of MR leave it: found, and taken away."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from inr_registration.core.grid import Grid
from inr_registration.images.affine_level import AffineLevel
from inr_registration.images.cleaning import CleanImage, rescaled
from inr_registration.images.features import parallel
from inr_registration.numerics.sampling import Image

Array = npt.NDArray[np.float64]
Range = tuple[float, float]

SHOWN = 0.08
"""Share of the intensity range from which on a voxel shows something whose ratio means anything."""
NEGATIVE = 0.02
"""Share of the range by which intensities may lie below 0, for noise and ringing."""
FEWEST = 500
"""Voxels without which nothing can be said."""
BLUR_SHARE = 0.08
"""Standard deviation, as a share of the image's longest side, of the means whose ratio is taken: shading is smooth, anatomy is not."""
ROUNDS, KEPT = 4, 2.5
"""Of the fit, each without the places that are off by more than so many standard deviations: where something moved."""
LEAST_FACTOR, LEAST_LEFT = 1.6, 1.1
"""From side to side; less disturbs little, and may be anatomy. And what is taken away besides, once one was found."""
MOST_ROUNDS = 4
"""The means of a steep factor hide a part of it, and it may have led the alignment astray: both are looked for again."""
EXPLAINED = 0.5
"""Share of the variation of the ratio that a smooth factor must explain to be believed."""


@dataclass(frozen=True)
class Shading:
    """A factor whose logarithm is a polynomial of second order over the fixed image.

    Args:
        terms: (10,) of the polynomial.
        middle: (3,) fixed world, LPS mm, where its coordinates are 0.
        half: (3,) mm at which they are 1.
        range: Lowest and highest logarithm seen in the images: beyond, nothing is known.
        back: (4, 4) moving to fixed world.
    """

    terms: list[float]
    middle: list[float]
    half: list[float]
    range: list[float]
    back: list[list[float]]

    @property
    def ratio(self) -> float:
        """Largest over smallest factor."""
        return float(np.exp(self.range[1] - self.range[0]))

    def removed(self, image: CleanImage, clip_percent: float) -> CleanImage:
        """The moving image times the factor, scaled anew."""
        raw = np.empty(image.grid.shape, np.float32)
        back = np.asarray(self.back)
        for k in range(len(raw)):
            points = image.grid.part((slice(k, k + 1), slice(None), slice(None))).all_points()[0].astype(np.float64)
            log = _basis((points @ back[:3, :3].T + back[:3, 3] - self.middle) / self.half) @ np.asarray(self.terms)
            raw[k] = np.asarray(image.raw[k], np.float32) * np.exp(np.clip(log, self.range[0], self.range[1]))
        return rescaled(replace(image, raw=raw), clip_percent)

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Shading:
        """From what ``vars`` gives."""
        return cls(**plain)


def said(ratio: float) -> str:
    """What to tell of a factor that is so many times as large in one place as in another."""
    return (
        f"the brightness of the images differs by a smooth factor of {ratio:.1f} from place to place (bias field): "
        "the moving image was corrected for the fit; correct the images beforehand for the best result"
    )


def find(level: AffineLevel, ranges: tuple[Range, Range], affine: Array, least: float) -> Shading | None:
    """The smooth factor that the moving intensities lack; None where there is none to speak of.

    Args:
        level: Both images, scaled to [0, 1].
        ranges: The intensities that are 0 and 1, of the fixed and of the moving image.
        affine: (4, 4), fixed to moving world.
        least: Largest over smallest factor from which on it is believed.
    """
    fixed, moving = level.fixed, level.moving
    if any(low < -NEGATIVE * (high - low) for low, high in ranges):
        return None  # not amounts of a signal, as those of MR are
    seen_from = Grid(fixed.grid.size, affine @ fixed.grid.affine)
    there, weight = parallel(moving, seen_from), parallel(Image(level.moving_weight, moving.grid), seen_from)
    inside = moving.grid.contains(seen_from.all_points(), 0) & (weight.values[0] > 0).cpu().numpy()
    counted = inside & (level.fixed_weight > 0).cpu().numpy()
    scaled = (values.cpu().double().numpy() for values in (fixed.values[0], there.values[0]))
    a, b = (low + values * (high - low) for values, (low, high) in zip(scaled, ranges, strict=True))
    sides = np.asarray(fixed.grid.size) * fixed.grid.spacing
    sigma = BLUR_SHARE * float(sides.max()) / fixed.grid.spacing[::-1]
    mean_a, mean_b, share = (ndimage.gaussian_filter(v * counted, sigma, mode="constant") for v in (a, b, 1.0))
    shown = counted & (share > 0.05) & (mean_a > SHOWN * ranges[0][1] * share) & (mean_b > 0)
    if shown.sum() < FEWEST:
        return None
    middle = fixed.grid.to_world((np.asarray(fixed.grid.size) - 1) / 2)
    points = fixed.grid.all_points()[shown].astype(np.float64)
    half = np.maximum(np.abs(points - middle).max(axis=0), 1e-12)
    basis, log = _basis((points - middle) / half), np.log(mean_a[shown] / mean_b[shown])
    terms, explained = _fitted(basis, log)
    smooth = basis @ terms
    low, high = np.percentile(smooth, [1, 99]).tolist()
    if np.exp(high - low) < least or explained < EXPLAINED:
        return None
    return Shading(terms.tolist(), middle.tolist(), half.tolist(), [low, high], np.linalg.inv(affine).tolist())


def _basis(unit: Array) -> Array:
    """(..., 10): 1, x, y, z and their products."""
    x, y, z = np.moveaxis(unit, -1, 0)
    return np.stack([np.ones_like(x), x, y, z, x * x, y * y, z * z, x * y, x * z, y * z], axis=-1)


def _fitted(basis: Array, log: Array) -> tuple[Array, float]:
    """Least squares without outliers, and the share of the variation that it explains."""
    kept = np.ones(len(log), bool)
    terms: Array = np.zeros(basis.shape[1])
    for _ in range(ROUNDS):
        terms = np.asarray(np.linalg.lstsq(basis[kept], log[kept], rcond=None)[0])
        off = log - basis @ terms
        kept = np.abs(off) <= KEPT * max(float(off[kept].std()), 1e-9)
    return terms, 1 - float(off[kept].var()) / max(float(log[kept].var()), 1e-12)
