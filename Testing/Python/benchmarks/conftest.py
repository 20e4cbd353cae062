"""A small pair in files, laid out as the benchmarks want it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK

Array = npt.NDArray[np.float64]

BENCHMARKS = Path(__file__).parents[2] / "Benchmarks"
SIZE, SPACING = (26, 25, 24), 2.0


def wave(points: Array) -> Array:
    """Where (n, 3) fixed points lie in the moving image, LPS mm: up to 4 mm away."""
    return points + 4 * np.sin(points[:, ::-1] / 12)


def brightness(points: Array) -> Array:
    """Of the moving image at (n, 3) points: blobs."""
    centres = np.random.default_rng(5).uniform(-20, 20, (25, 3))
    return 1000 * np.exp(-((points[:, None] - centres) ** 2).sum(axis=2) / 60).sum(axis=1)


@pytest.fixture
def pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one pair, ``wavy``, with landmarks; the scripts can be imported."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    folder = tmp_path / "wavy"
    folder.mkdir()
    origin = [-SPACING * (n - 1) / 2 for n in SIZE]
    k, j, i = np.meshgrid(*(np.arange(n) for n in SIZE[::-1]), indexing="ij")
    voxels = np.stack([i, j, k], axis=-1).reshape(-1, 3) * SPACING + origin
    landmarks = np.random.default_rng(3).uniform(-12, 12, (20, 3))
    for side, values, points in (("fixed", brightness(wave(voxels)), landmarks), ("moving", brightness(voxels), wave(landmarks))):
        image = SimpleITK.GetImageFromArray(values.reshape(SIZE[::-1]).astype(np.float32))
        image.SetSpacing([SPACING] * 3)
        image.SetOrigin(origin)
        SimpleITK.WriteImage(image, str(folder / f"{side}.nii.gz"))
        np.savetxt(folder / f"{side}_landmarks.csv", points, delimiter=",", header="x_lps_mm,y_lps_mm,z_lps_mm", comments="")
    return tmp_path
