"""A bent tube whose contraction travels along it, and a body that may be shifted by a breath: two images with the map between them.

Both images show one continuous function, so that nothing is interpolated. The moving image shows the tube narrow in two places.
The fixed image shows it narrow a little further on, because it is seen through the true map: away from or towards the
centreline, by as much as the walls differ, less and less away from the middle, and then by the breath.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from inr_registration.core import Grid, Problem, Volume

Array = npt.NDArray[np.float64]

LUMEN = 8.0
"""Inner radius where the tube is relaxed, mm."""
WALL = 2.5
CORE, REACH = 4.0, 18.0
"""The contraction is felt in full up to the first distance from the centreline, mm, and not at all from the second one on."""
DEPTH = 0.4
"""Share by which the narrowest place is narrower."""
WAVES = 2
CLICKS = 25
FARTHEST = 1e-3


@dataclass(frozen=True)
class Peristalsis:
    """An S-shaped tube, about 150 mm long, in an image around the world's origin.

    Args:
        spacing: Of both images, mm.
        lag: By how much the contraction of the fixed image is ahead, radians of its wave.
        breath: (3,) mm by which everything is shifted besides, fixed to moving.
        texture: Contrast of the texture in all of the body over that of the tube's wall.
        noise: Standard deviation over the contrast of the tube's wall.
        margin: Of the images around the tube, mm. Of a network's coordinates, which span the image, a wide one leaves less to the tube.
        seed: Of texture and noise.
    """

    spacing: float = 2.5
    lag: float = np.pi / 2
    breath: tuple[float, float, float] = (0.0, 0.0, 0.0)
    texture: float = 0.3
    noise: float = 0.02
    margin: float = 0.0
    seed: int = 0

    def curve(self, share: npt.ArrayLike) -> Array:
        """Points of the centreline, (n, 3) LPS mm, for n shares of the way along it."""
        s = np.asarray(share, dtype=np.float64)
        return np.stack([15 * np.sin(2 * np.pi * s), 130 * (s - 0.5), 4 * np.cos(2 * np.pi * s)], axis=-1)

    @property
    def centreline(self) -> Array:
        """Points on the centreline as a user would place them, (n, 3) LPS mm."""
        return self.curve(np.linspace(0, 1, CLICKS))

    def truth(self, points: npt.ArrayLike) -> Array:
        """Where (n, 3) points of the fixed image are in the moving image, LPS mm."""
        p = np.asarray(points, dtype=np.float64)
        share, foot = self._nearest(p)
        out = p - foot
        fade = np.clip((REACH - np.linalg.norm(out, axis=1)) / (REACH - CORE), 0, 1)
        fade = fade * fade * (3 - 2 * fade)
        factor = (self._width(share, 0.0) / self._width(share, self.lag)) ** fade
        return np.asarray(foot + factor[:, None] * out + np.asarray(self.breath))

    def inside(self, points: npt.ArrayLike, radius: float = REACH) -> npt.NDArray[np.bool_]:
        """Whether (n, 3) points lie nearer to the centreline than a radius."""
        p = np.asarray(points, dtype=np.float64)
        return np.asarray(np.linalg.norm(p - self._nearest(p)[1], axis=1) < radius)

    def problem(self, masked: bool = True) -> Problem:
        """Both images and the centreline; the mask is what the contraction reaches, as published."""
        size = tuple(round((length + 2 * self.margin) / self.spacing) for length in (76, 160, 54))
        half = (np.array(size) - 1) / 2 * self.spacing
        grid = Grid.from_geometry((size[0], size[1], size[2]), (self.spacing,) * 3, -half, np.eye(3))
        points = grid.all_points().reshape(-1, 3).astype(np.float64)
        generator = np.random.default_rng([self.seed, 1])
        seen = [self._image(self.truth(points)), self._image(points)]
        fixed, moving = (self._volume(values + self.noise * generator.normal(size=len(values)), grid) for values in seen)
        mask = Volume(self.inside(points).reshape(grid.shape).astype(np.uint8), grid, "tube") if masked else None
        return Problem(fixed, moving, fixed_mask=mask, centrelines=(self.centreline,))

    def _image(self, points: Array) -> Array:
        """Intensities of the moving image: dark lumen, bright wall, and a texture that looks the same nowhere twice."""
        body = points - np.asarray(self.breath)
        share, foot = self._nearest(body)
        radius = np.linalg.norm(body - foot, axis=1)
        narrow = self._width(share, 0.0)
        lumen = 1 / (1 + np.exp(2 * (radius - LUMEN * narrow)))
        tube = 1 / (1 + np.exp(2 * (radius - (LUMEN + WALL) * narrow)))
        return 1 + tube - 1.7 * lumen + self.texture * self._texture(body)

    def _texture(self, points: Array) -> Array:
        """A sum of waves 9 to 25 mm long, of unit variance."""
        generator = np.random.default_rng([self.seed, 0])
        direction = generator.normal(size=(24, 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        waves = 2 * np.pi / generator.uniform(9, 25, 24)[:, None] * direction
        return np.asarray(np.sin(points @ waves.T + generator.uniform(0, 2 * np.pi, 24)).sum(axis=1) / np.sqrt(12))

    def _width(self, share: Array, ahead: float) -> Array:
        """Width of the tube over that of the relaxed tube."""
        return np.asarray(1 - DEPTH * (0.5 - 0.5 * np.cos(2 * np.pi * WAVES * share - ahead)) ** 2)

    def _nearest(self, points: Array) -> tuple[Array, Array]:
        """Share along the centreline and position of its point nearest to each of (n, 3) points.

        The nearest of many samples, moved along the tangent there; beyond its ends the curve goes straight on.
        """
        dense = np.linspace(0, 1, 4001)
        samples = self.curve(dense)
        nearest = cKDTree(samples).query(points)[1]
        slope = (self.curve(dense + FARTHEST) - self.curve(dense - FARTHEST)) / (2 * FARTHEST)
        step = points - samples[nearest]
        along = (step * slope[nearest]).sum(axis=1) / (slope[nearest] ** 2).sum(axis=1)
        share = dense[nearest] + along
        return share, samples[nearest] + along[:, None] * slope[nearest]

    def _volume(self, values: Array, grid: Grid) -> Volume:
        return Volume((1000 * values).reshape(grid.shape).astype(np.float32), grid, "peristalsis")
