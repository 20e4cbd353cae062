"""What one case of odd input is: files and the same as arrays, and what has to come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt

from inr_registration.core import Grid, Problem, Volume

Array = npt.NDArray[Any]

RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
SHIFT = np.array([3.0, -2.0, 1.5])
"""What the true map of the ordinary pair adds to a fixed point, LPS mm."""
SIZE = (24, 22, 20)
RIGHT = 1 / 3
"""A result is right where the mean error is below this share of the fixed image's shortest voxel side."""


@dataclass(frozen=True)
class Picture:
    """Values and where they lie, without any check.

    Args:
        values: (k, j, i), or more axes for what is no volume.
        affine: (4, 4) index to LPS mm.
    """

    values: Array
    affine: Array

    def volume(self, name: str) -> Volume:
        return Volume(self.values, Grid(self.values.shape[::-1], self.affine), name)  # type: ignore[arg-type]

    def write(self, path: Path) -> Path:
        """Write as NIfTI with nibabel, independently of the code under test."""
        values = self.values.astype(np.float32) if self.values.dtype == np.float16 else self.values  # NIfTI has no such type
        affine = self.affine * np.outer(np.diag(RAS), np.ones(4))
        image = nibabel.Nifti1Image(values.T, affine, dtype=values.dtype)
        nibabel.save(image, path)
        return path


def affine_of(spacing: float = 3.0, size: tuple[int, int, int] = SIZE) -> Array:
    """Axes along the world's, the centre of the image at its origin."""
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = -(np.array(size) - 1) / 2 * spacing
    return affine


def blobs(points: Array) -> Array:
    """A smooth random-looking image at (..., 3) LPS points, 0 to about 1000, which fades from 30 mm on."""
    generator = np.random.default_rng(5)
    total = np.zeros(points.shape[:-1])
    for _ in range(25):
        centre, width, height = generator.uniform(-20, 20, 3), generator.uniform(4, 9), generator.uniform(150, 600)
        total += height * np.exp(-((points - centre) ** 2).sum(axis=-1) / (2 * width**2))
    return total


def seen_on(affine: Array, size: tuple[int, int, int] = SIZE, shift: Array | float = 0.0) -> Picture:
    """The blobs on a grid, float32; with a shift, as somebody sees them who stands there."""
    points = Grid(size, affine).all_points().astype(np.float64)
    return Picture(blobs(points + shift).astype(np.float32), affine)


FIXED = seen_on(affine_of(), shift=SHIFT)
MOVING = seen_on(affine_of())


@dataclass(frozen=True)
class Case:
    """One odd input.

    Args:
        name: For the table.
        refused: What the one message must say, alternatives between bars; empty where the result must be right.
        fixed: Image, where it can be written down as such.
        moving: Likewise.
        more: Further images by the name of their field in ``Problem``.
        words: Makes further files in a folder; returns the words of the command line after the output. It may give other images.
        images: Makes both images in another way than ``Picture.write``.
        turn: What the true map multiplies a fixed point by, before the shift.
        shift: What the true map adds to a fixed point; None where there is no true map, and any usable result will do.
        settings: What is changed in the preset.
        python: What the message of the Python call must say, where that differs; "-" where it has no such case.
        heavy: Not among the quick tests.
    """

    name: str
    refused: str = ""
    fixed: Picture = FIXED
    moving: Picture = MOVING
    more: dict[str, Any] = field(default_factory=dict)
    words: Callable[[Path], list[Any]] | None = None
    images: Callable[[Path], tuple[Path, Path]] | None = None
    turn: Array = field(default_factory=lambda: np.eye(3))
    shift: Array | None = field(default_factory=lambda: SHIFT)
    settings: dict[str, Any] = field(default_factory=dict)
    python: str = ""
    heavy: bool = False

    @property
    def in_python(self) -> bool:
        """Whether there is something to hand to ``register``: what is only in files cannot be."""
        return self.images is None and self.words is None and self.python != "-"

    @property
    def bound_mm(self) -> float:
        """Mean error up to which a result is right."""
        return RIGHT * float(np.linalg.norm(self.fixed.affine[:3, :3], axis=0).min())

    def files(self, folder: Path) -> list[Any]:
        """Write everything; the words of the command line but for the output."""
        if self.images is not None:
            paths = self.images(folder)
        else:
            paths = self.fixed.write(folder / "fixed.nii.gz"), self.moving.write(folder / "moving.nii.gz")
        words: list[Any] = [*paths]
        for name, picture in self.more.items():
            words += [f"--{name.replace('_', '-')}", picture.write(folder / f"{name}.nii.gz")]
        return words + (self.words(folder) if self.words is not None else [])

    def problem(self) -> Problem:
        """The same as arrays."""
        more = {name: picture.volume(name) for name, picture in self.more.items()}
        return Problem(self.fixed.volume("fixed"), self.moving.volume("moving"), **more)


def points() -> Array:
    """Points in the middle of the fixed image, at which a result is judged, (60, 3) LPS mm."""
    return np.random.default_rng(2).uniform(-14, 14, (60, 3))


def error_mm(phi: Callable[[Array], Array], case: Case) -> float:
    """Mean distance of a map from the true one of a case that has one, mm."""
    return float(np.linalg.norm(phi(points()) - points() @ case.turn.T - case.shift, axis=1).mean())
