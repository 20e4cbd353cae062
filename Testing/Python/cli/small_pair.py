"""Small generated pairs, and the command line as a subprocess: for the tests of this folder."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt

import inr_registration
from inr_registration.core import Grid

ROOT = Path(inr_registration.__file__).parents[1]
LPS_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def command(*words: object) -> list[str]:
    """The command line with these words."""
    return [sys.executable, "-m", "inr_registration", *map(str, words)]


def environment() -> dict[str, str]:
    """This process's environment, in which the tested package is found."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}


def run_cli(*words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``inr-register`` with these words to its end."""
    return subprocess.run(command(*words), capture_output=True, text=True, env=environment(), cwd=cwd, timeout=300)


def a_grid(turn_degrees: float = 20.0, spacing: tuple[float, float, float] = (3.0, 3.0, 4.0), flip: bool = False) -> Grid:
    """An oblique anisotropic grid of 26 x 24 x 18 voxels around the origin."""
    angle = np.deg2rad(turn_degrees)
    axes = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    if flip:
        axes[:, 0] *= -1
    size = (26, 24, 18)
    return Grid.from_geometry(size, spacing, -axes @ ((np.array(size) - 1) / 2 * spacing), axes)


def blobs(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A smooth random-looking image at (..., 3) world points, 0 to about 1000."""
    generator = np.random.default_rng(5)
    centres, widths = generator.uniform(-28, 28, (30, 3)), generator.uniform(4, 11, 30)
    heights = generator.uniform(150, 700, 30)
    total = np.zeros(points.shape[:-1])
    for centre, width, height in zip(centres, widths, heights, strict=True):
        total += height * np.exp(-((points - centre) ** 2).sum(axis=-1) / (2 * width**2))
    return total


def true_map(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The known warp of the small pair: a shift and a smooth wave of about 4 mm."""
    wave = np.sin(points / 16)
    return points + np.array([2.0, -1.5, 1.0]) + 2.0 * np.roll(wave, 1, axis=-1)


def write_nifti(path: Path, values: npt.NDArray[np.generic], grid: Grid) -> Path:
    """Write with nibabel, independently of the code under test."""
    image = nibabel.Nifti1Image(np.ascontiguousarray(values.transpose(2, 1, 0)), LPS_RAS @ grid.affine)
    nibabel.save(image, path)
    return path


@dataclass(frozen=True)
class SmallPair:
    """Files of a small pair: images, labels and landmarks."""

    folder: Path

    def __getattr__(self, name: str) -> Path:
        endings = {"fixed": "nii.gz", "moving": "nii.gz", "fixed_labels": "nii.gz", "moving_labels": "nii.gz"}
        return self.folder / f"{name}.{endings.get(name, 'csv')}"


def write_small_pair(folder: Path) -> SmallPair:
    """Make the pair in a folder."""
    pair = SmallPair(folder)
    fixed, moving = a_grid(), a_grid(-8, (3.4, 3.2, 3.6), flip=True)
    seen = {"fixed": blobs(true_map(fixed.all_points().astype(float))), "moving": blobs(moving.all_points().astype(float))}
    for name, grid in (("fixed", fixed), ("moving", moving)):
        write_nifti(getattr(pair, name), seen[name].astype(np.float32), grid)
        write_nifti(getattr(pair, f"{name}_labels"), (seen[name] / 350).astype(np.int16), grid)
    points = np.random.default_rng(6).uniform(-22, 22, (40, 3))
    for name, rows in (("fixed", points), ("moving", true_map(points))):
        header = "x_lps_mm,y_lps_mm,z_lps_mm"
        np.savetxt(getattr(pair, f"{name}_landmarks"), rows, delimiter=",", header=header, comments="", fmt="%.9f")
    return pair


@dataclass(frozen=True)
class Registered:
    """A finished run of the command line."""

    pair: SmallPair
    output: Path
    process: subprocess.CompletedProcess[str]
