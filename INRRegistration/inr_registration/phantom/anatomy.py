"""A CT-like trunk as a continuous function of position."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Triple = tuple[float, float, float]

BODY = np.array([130.0, 88.0])
"""Half axes of the body's outline, mm, left-right and front-back."""
EDGE_MM = 0.9
"""Over about this length one tissue turns into the next, as in a scanner."""


@dataclass(frozen=True)
class Organ:
    """An ellipsoid: centre and half axes in LPS mm, value in HU."""

    centre: Triple
    axes: Triple
    value: float


ORGANS = (
    Organ((24, -22, 22), (40, 36, 40), 60),  # heart
    Organ((82, 32, -34), (26, 32, 38), 115),  # spleen
    Organ((50, -26, -40), (33, 28, 34), 15),  # stomach
    Organ((50, -44, -32), (14, 9, 16), -850),  # gas in it
    Organ((-56, 40, -72), (22, 20, 38), 150),  # kidneys
    Organ((58, 42, -78), (22, 20, 38), 150),
)


class Waves:
    """A smooth random function: a sum of sines, mean 0 and SD 1.

    Args:
        generator: Draws directions, wavelengths and phases.
        count: Number of sines.
        shortest: Shortest wavelength, mm.
        longest: Longest wavelength, mm.
    """

    def __init__(self, generator: np.random.Generator, count: int, shortest: float, longest: float) -> None:
        direction = generator.normal(size=(3, count))
        length = np.exp(generator.uniform(np.log(shortest), np.log(longest), count))
        self.frequency = (2 * np.pi * direction / np.linalg.norm(direction, axis=0) / length).astype(np.float32)
        self.phase = generator.uniform(0, 2 * np.pi, count).astype(np.float32)

    def __call__(self, points: Floats) -> Floats:
        """Value at (n, 3) points, (n,)."""
        return np.asarray(np.sin(points @ self.frequency + self.phase).sum(axis=1) * np.sqrt(2 / len(self.phase)), dtype=np.float32)


class Phantom:
    """The continuous image: Hounsfield units at any world point (LPS mm, the body around the origin).

    Args:
        seed: Of texture and vessels; the anatomy is always the same.
    """

    def __init__(self, seed: int = 0) -> None:
        generator = np.random.default_rng([seed, 1])
        self.texture = Waves(generator, 24, 7, 45)
        self.vessels = [(Waves(generator, 5, 32, 75), Waves(generator, 5, 32, 75)) for _ in range(3)]

    def depth(self, points: Floats) -> Floats:
        """Roughly how far (n, 3) points lie below the skin, mm, (n,); negative outside the body."""
        scale = (1 + 0.04 * np.sin(points[:, 2] / 38)).astype(np.float32)
        x, y = (np.abs(points[:, axis]) / np.float32(BODY[axis]) / scale for axis in (0, 1))
        return np.asarray((1 - (x**2.5 + y**2.5) ** 0.4) * BODY.min(), dtype=np.float32)

    def values(self, points: Floats) -> Floats:
        """Hounsfield units at (n, 3) points, (n,), without noise."""
        p = np.asarray(points, dtype=np.float32)
        depth = self.depth(p)
        near = depth > -5
        hu = np.full(len(p), -1000, dtype=np.float32)
        hu[near] = self._body(p[near], depth[near])
        return hu

    def _body(self, p: Floats, depth: Floats) -> Floats:
        texture, tree, dome = self.texture(p), self._tree(p), _above_diaphragm(p)
        hu = _layer(np.full(len(p), -1000, dtype=np.float32), depth, -100)
        hu = _layer(hu, depth - 11, 35 + 26 * texture + 60 * tree)
        lungs = np.maximum(_ellipsoid(p, (-58, 0, 30), (50, 62, 95)), _ellipsoid(p, (58, 0, 30), (48, 62, 95)))
        hu = _layer(hu, np.minimum(np.minimum(lungs, dome), depth - 26), -840 + 45 * texture + 650 * tree)
        liver = np.minimum(np.minimum(_ellipsoid(p, (-46, -6, -30), (74, 62, 62)), -dome - 3), depth - 24)
        hu = _layer(hu, liver, 105 + 14 * texture + 90 * tree)
        for organ in ORGANS:
            hu = _layer(hu, _ellipsoid(p, organ.centre, organ.axes), organ.value + 12 * texture)
        return _bones_and_aorta(hu, p, depth)

    def _tree(self, p: Floats) -> Floats:
        """Vessels, 0 to 1: bright along the curves on which two smooth functions both vanish."""
        tubes = [np.exp(-(first(p) ** 2 + second(p) ** 2) / (2 * 0.17**2)) for first, second in self.vessels]
        return np.asarray(np.maximum.reduce(tubes), dtype=np.float32)


def _above_diaphragm(p: Floats) -> Floats:
    """Height of (n, 3) points above the diaphragm with its two domes, mm, (n,)."""
    right = np.exp(-((p[:, 0] + 55) ** 2 + p[:, 1] ** 2) / (2 * 48**2))
    left = np.exp(-((p[:, 0] - 60) ** 2 + p[:, 1] ** 2) / (2 * 45**2))
    return np.asarray(p[:, 2] + 32 - 38 * right - 26 * left, dtype=np.float32)


def _ellipsoid(p: Floats, centre: Triple, axes: Triple) -> Floats:
    """Roughly how deep (n, 3) points lie in an ellipsoid, mm, (n,)."""
    radius = np.linalg.norm((p - np.asarray(centre, dtype=np.float32)) / np.asarray(axes, dtype=np.float32), axis=1)
    return np.asarray((1 - radius) * min(axes), dtype=np.float32)


def _layer(hu: Floats, depth: Floats, value: Floats | float) -> Floats:
    """Lay tissue of some value over what is there, where ``depth`` (mm) is positive, with a soft edge."""
    share = 1 / (1 + np.exp(np.clip(-depth * (2 / EDGE_MM), -30, 30)))
    return np.asarray(hu + share * (value - hu), dtype=np.float32)


def _bones_and_aorta(hu: Floats, p: Floats, depth: Floats) -> Floats:
    """Ribs along the chest wall, a spine of vertebrae and discs with its canal, and the aorta."""
    x, y, z = p.T
    wall = 4 - np.abs(depth - 20)
    rib = np.minimum(np.minimum(wall, 9 * (np.cos(2 * np.pi * (z - 0.3 * y) / 27) - 0.35)), z + 45)
    hu = _layer(hu, rib, 420)
    around = np.hypot(x, (y - 54) * 1.2)
    hu = _layer(hu, 19 - around, np.where(np.cos(2 * np.pi * z / 31) > -0.75, 300, 90).astype(np.float32))
    hu = _layer(hu, np.minimum(np.minimum(7 - np.abs(x), y - 66), 84 - y), 380)
    hu = _layer(hu, 6 - np.hypot(x, y - 73), 25)
    return _layer(hu, 10 - np.hypot(x - 16, y - 30), 190)
