"""Copies of image pairs with another contrast in the moving image, or with thick slices.

    python Testing/Benchmarks/harder.py OUTPUT PAIR [PAIR ...] [--slices 9]
    python Testing/Benchmarks/peers.py OUTPUT --presets auto

``PAIR`` is a folder in the layout of ``pairs.py``. Each gives ``OUTPUT/contrast_NAME``, whose moving intensities are turned round, with
a tissue that stands out from both its neighbours and 3 % of noise, so that no curve through the intensities brings them back; what is
dark stays dark. With ``--slices``, also ``OUTPUT/slices_NAME``: both images blurred across and read at slices of about so many mm.
Landmarks stay, labels are read at the slices.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

DARK = 0.05
"""Share of the range up to which a voxel is surround."""
STANDS_OUT, WIDTH, HEIGHT = 0.35, 0.1, 0.3
"""The intensity, as a share of the range, around which a tissue becomes brighter than both its neighbours."""
NOISE = 0.03
FWHM = 2.355
"""Full width at half maximum of a Gaussian, in standard deviations."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("pairs", nargs="+", type=Path)
    parser.add_argument("--slices", type=float, help="distance of slices, mm")
    arguments = parser.parse_args()
    for pair in arguments.pairs:
        with_other_contrast(copied(pair, arguments.output / f"contrast_{pair.name}"))
        if arguments.slices:
            with_thick_slices(copied(pair, arguments.output / f"slices_{pair.name}"), arguments.slices)


def copied(pair: Path, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    return Path(shutil.copytree(pair, folder))


def with_other_contrast(pair: Path) -> None:
    """Rewrite the moving image of a folder, and say in its description that the pair is of two modalities."""
    file = pair / "moving.nii.gz"
    image = sitk.ReadImage(str(file), sitk.sitkFloat32)
    changed = sitk.GetImageFromArray(1000 * other_contrast(sitk.GetArrayFromImage(image)).astype(np.float32))
    changed.CopyInformation(image)
    sitk.WriteImage(changed, str(file))
    about = pair / "meta.json"
    known = json.loads(about.read_text(encoding="utf-8")) if about.exists() else {}
    about.write_text(json.dumps({**known, "modality": "multi-modal: the moving contrast was turned round"}), encoding="utf-8")


def other_contrast(values: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Intensities of any unit, turned round; about 0 to 1."""
    low, high = np.percentile(values, [1, 99.5])
    share = np.clip((values - low) / (high - low), 0, 1)
    turned = 0.25 + 0.75 * (1 - share) ** 1.5 + HEIGHT * np.exp(-(((share - STANDS_OUT) / WIDTH) ** 2))
    noise = np.random.default_rng(0).normal(0, NOISE, share.shape)
    return np.asarray(np.where(share > DARK, turned, share) + noise)


def with_thick_slices(pair: Path, distance: float) -> None:
    """Rewrite images and labels of a folder with slices that far apart along their third axis, as closely as whole voxels allow."""
    for file in (pair / f"{side}{kind}.nii.gz" for side in ("fixed", "moving") for kind in ("", "_labels")):
        if file.exists():
            image = sitk.ReadImage(str(file))
            step = max(round(distance / image.GetSpacing()[2]), 1)
            if "labels" not in file.name:
                across = step * image.GetSpacing()[2] / FWHM
                image = sitk.DiscreteGaussian(image, [0.0, 0.0, across**2], 6 * step)
            sitk.WriteImage(image[:, :, step // 2 :: step], str(file))


if __name__ == "__main__":
    main()
