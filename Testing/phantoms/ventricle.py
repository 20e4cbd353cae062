"""A beating left ventricle whose motion and strains are known in closed form.

The wall lies between two half-ellipsoids around the same axis, open at the base. In cylindrical coordinates around that
axis, with z in mm from the apex, a point (r, theta, z) of the relaxed heart goes to

    r'^2 = r^2 / S - C(z) (1 - exp(-(r^2 / q(z))^2)),   theta' = theta + T (1 - z / L),   z' = S z,

with the longitudinal stretch S and the twist T. Where the exponential has died out, as in nearly all of the wall, its volume
is kept exactly: S * d(r'^2)/d(r^2) = 1. C(z), the area that the cavity loses, shrinks towards the apex as the cavity does;
q(z) goes with it, so that no place folds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inr_registration.core import Grid, Problem, Volume

Array = npt.NDArray[np.float64]

EDGE_MM = 1.0
"""Half-width of the transition between tissues."""
BISECTIONS = 40


@dataclass(frozen=True)
class Ventricle:
    """The heart in its relaxed state and how it contracts.

    Args:
        length: Of the axis from the outer apex to the base, mm.
        outer: Radius of the outer surface at the base, mm.
        inner: Radius of the cavity at the base, mm.
        thickness: Of the wall at the apex, mm.
        stretch: Longitudinal, below 1.
        emptying: Area that the cavity loses at the base, mm^2.
        twist: Of the apex against the base, radians.
        axis: (2, 3) apex and base, LPS mm.
        seed: Of the texture.
    """

    length: float = 80.0
    outer: float = 33.0
    inner: float = 22.0
    thickness: float = 10.0
    stretch: float = 0.86
    emptying: float = 270.0
    twist: float = 0.2
    axis: tuple[tuple[float, float, float], tuple[float, float, float]] = ((22.0, -18.0, -25.0), (-18.3, 15.3, 35.6))
    seed: int = 0

    @property
    def ends(self) -> Array:
        """Apex and base, (2, 3) LPS mm, exactly ``length`` apart."""
        apex, base = np.array(self.axis)
        return np.array([apex, apex + self.length * (base - apex) / np.linalg.norm(base - apex)])

    def basis(self) -> Array:
        """Two directions across the axis and the axis itself, columns of a rotation."""
        up = (self.ends[1] - self.ends[0]) / self.length
        across = np.cross(up, [0.0, 0.0, 1.0] if abs(up[2]) < 0.9 else [1.0, 0.0, 0.0])
        across /= np.linalg.norm(across)
        return np.column_stack([across, np.cross(up, across), up])

    def cylindrical(self, points: npt.ArrayLike) -> Array:
        """r (mm), theta (radians) and z (mm from the apex) of (..., 3) world points."""
        x, y, z = np.moveaxis((np.asarray(points, float) - self.ends[0]) @ self.basis(), -1, 0)
        return np.stack([np.hypot(x, y), np.arctan2(y, x), z], axis=-1)

    def world(self, cylindrical: Array) -> Array:
        """World points (..., 3) of cylindrical coordinates (..., 3)."""
        r, theta, z = np.moveaxis(cylindrical, -1, 0)
        return np.asarray(np.stack([r * np.cos(theta), r * np.sin(theta), z], axis=-1) @ self.basis().T + self.ends[0])

    def _loss(self, z: Array) -> tuple[Array, Array]:
        """C(z) and its derivative: the cavity's cross-section, rounded off to a small remainder beyond the apex."""
        sharpness, depth = 12.0, 1 - self.thickness / self.length
        t = (1 - z / self.length) / depth
        rounded = np.logaddexp(0.0, sharpness * (1 - t**2)) / sharpness
        slope = 2 * t / (depth * self.length) / (1 + np.exp(-sharpness * (1 - t**2)))
        return self.emptying * (0.05 + 0.95 * rounded), self.emptying * 0.95 * slope

    def _squared(self, r: Array, z: Array) -> tuple[Array, Array, Array]:
        """r'^2 and its derivatives by r and z, with q(z) = 0.94 C(z)."""
        loss, slope = self._loss(z)
        w = (r**2 / (0.94 * loss)) ** 2
        gone = np.exp(-w)
        by_r = 2 * r / self.stretch - loss * gone * 4 * r**3 / (0.94 * loss) ** 2
        by_z = -slope * (1 - gone) + loss * gone * 2 * w * slope / loss
        return r**2 / self.stretch - loss * (1 - gone), by_r, by_z

    def contract(self, points: npt.ArrayLike) -> Array:
        """Where (..., 3) world points of the relaxed heart are in the contracted one: the true map."""
        r, theta, z = np.moveaxis(self.cylindrical(points), -1, 0)
        moved = [np.sqrt(self._squared(r, z)[0]), theta + self.twist * (1 - z / self.length), self.stretch * z]
        return self.world(np.stack(moved, axis=-1))

    def relax(self, points: npt.ArrayLike) -> Array:
        """The inverse of ``contract``, by bisection of the radius, which is monotone."""
        radius, theta, shortened = np.moveaxis(self.cylindrical(points), -1, 0)
        z = shortened / self.stretch
        low, high = np.zeros_like(radius), radius + np.sqrt(2 * self._loss(z)[0])
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            below = self._squared(middle, z)[0] < radius**2
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return self.world(np.stack([(low + high) / 2, theta - self.twist * (1 - z / self.length), z], axis=-1))

    def deformation(self, points: npt.ArrayLike) -> Array:
        """The gradient of ``contract`` at (n, 3) points off the axis: rows radial, circumferential and longitudinal in the
        contracted heart, columns the same in the relaxed one, (n, 3, 3)."""
        r, _, z = self.cylindrical(points).T
        squared, by_r, by_z = self._squared(r, z)
        moved, zero = np.sqrt(squared), np.zeros_like(r)
        rows = [
            [by_r / (2 * moved), zero, by_z / (2 * moved)],
            [zero, moved / r, -moved * self.twist / self.length],
            [zero, zero, zero + self.stretch],
        ]
        return np.moveaxis(np.array(rows), -1, 0)

    def strains(self, points: npt.ArrayLike) -> dict[str, Array]:
        """True Green-Lagrange strains at (n, 3) points off the axis, without unit."""
        f = self.deformation(points)
        green = (np.swapaxes(f, 1, 2) @ f - np.eye(3)) / 2
        return {name: green[:, d, d] for d, name in enumerate(("radial", "circumferential", "longitudinal"))}

    def depths(self, points: npt.ArrayLike) -> tuple[Array, Array, Array]:
        """How far inside the outer surface, inside the cavity, and below the base (..., 3) points are, about mm."""
        r, _, z = np.moveaxis(self.cylindrical(points), -1, 0)
        outside = np.hypot(r / self.outer, (self.length - z) / self.length)
        cavity = np.hypot(r / self.inner, (self.length - z) / (self.length - self.thickness))
        return (1 - outside) * self.outer, (1 - cavity) * self.inner, self.length - z

    def intensity(self, points: Array) -> Array:
        """What the relaxed heart looks like: bright blood, darker muscle, and a texture that moves with the tissue."""
        body, cavity, below = (0.5 + 0.5 * np.tanh(depth / EDGE_MM) for depth in self.depths(points))
        muscle = body * below
        blood = muscle * cavity
        return 300 + 250 * self.texture(points) * (1 - 0.7 * blood) - 150 * muscle + 500 * blood

    def texture(self, points: Array) -> Array:
        """A sum of 60 waves of 12 to 30 mm in all directions, of standard deviation 1/3."""
        generator = np.random.default_rng(self.seed)
        directions = generator.normal(size=(60, 3))
        directions *= (2 * np.pi / generator.uniform(12, 30, 60) / np.linalg.norm(directions, axis=1))[:, None]
        phases = generator.uniform(0, 2 * np.pi, 60)
        total = np.zeros(points.shape[:-1])
        for direction, phase in zip(directions, phases, strict=True):
            total += np.sin(points @ direction + phase)
        return total * np.sqrt(2 / 60) / 3

    def wall(self, points: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Whether (..., 3) points lie in the muscle of the relaxed heart."""
        body, cavity, below = self.depths(points)
        return np.asarray((body > 0) & (cavity < 0) & (below > 0))

    def grid(self, in_plane: float = 1.5, slices: float = 6.0, margin: float = 12.0) -> Grid:
        """Short-axis slices across the axis, of these spacings (mm), around the heart."""
        turn = self.basis()
        across, along = 2 * (self.outer + margin), self.length + 2 * margin
        size = (int(across / in_plane), int(across / in_plane), int(along / slices))
        steps = np.array([in_plane, in_plane, slices])
        middle = self.ends.mean(axis=0)
        return Grid.from_geometry(size, steps, middle - turn @ ((np.array(size) - 1) / 2 * steps), turn)

    def problem(self, grid: Grid, noise: float = 0.0) -> Problem:
        """The relaxed heart as fixed and the contracted one as moving image, with the muscle's segmentation.

        Args:
            grid: Of both images.
            noise: Standard deviation; the muscle is about 150 above and the blood 650 above zero.
        """
        points = grid.all_points().astype(np.float64)
        generator = np.random.default_rng(self.seed + 1000)
        images = []
        for name, material in (("relaxed", points), ("contracted", self.relax(points))):
            values = self.intensity(material) + noise * generator.normal(size=grid.shape)
            images.append(Volume(values.astype(np.float32), grid, name))
        muscle = Volume(self.wall(points).astype(np.uint8), grid, "muscle")
        return Problem(images[0], images[1], ventricle=muscle)
