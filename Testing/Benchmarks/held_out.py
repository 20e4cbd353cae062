"""Pairs besides those of the main tables, from public collections, in the layout of ``pairs.py``; names tell the organ.

    python Testing/Benchmarks/held_out.py OUTPUT [--ibsr FOLDER] [--hippocampus FOLDER] [--liver FOLDER] [--fetal FOLDER]
    python Testing/Benchmarks/peers.py OUTPUT --presets auto --peers greedy "SimpleITK Demons"

Nothing is downloaded. The folders are clones of these repositories on GitHub, or hold the same files:

- ibsr: abdel-habib/IBSR18-brain-tissue-segmentation. T1 brains of different people, three tissues; cropped to the brain and 10 voxels.
- hippocampus: udacity/nd320-c3-3d-imaging-starter. Crops of 35 mm (Medical Segmentation Decathlon), two labels.
- liver: visva89/pTVreg. 4D MRI of free breathing, exhalation fixed, with landmarks in and outside the liver. Cycle 1_10 of patient 18 is
  left out: no method brings its landmarks together, so that they seem to be of another image.
- fetal: LucasFidon/trustworthy-ai-fetal-brain-segmentation, its folder of the spina bifida atlas. Brains at two ages, eight labels.

Mind their licences: some forbid passing the images on.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

IBSR = (("01", "03"), ("04", "05"), ("11", "12"), ("13", "06"))
HIPPOCAMPUS = (
    ("007", "008"), ("011", "014"), ("015", "017"), ("019", "020"), ("023", "024"),
    ("025", "026"), ("033", "034"), ("035", "036"), ("037", "038"), ("039", "040"),
)  # fmt: skip
LIVER = (("18", "cyc_3_10"), ("23", "cyc_1_4"), ("23", "cyc_5_4"), ("26", "cyc_1_6"), ("26", "cyc_4_7"))
FETAL = (
    ("27", "23"), ("28", "33"), ("22", "24"), ("31", "26"), ("24", "28"), ("34", "29"), ("21", "23"),
    ("25", "23"), ("25", "29"), ("26", "22"), ("29", "32"), ("30", "34"), ("32", "28"), ("33", "27"),
)  # fmt: skip
MARGIN = 10
"""Voxels kept around a brain."""

Labelled = tuple[sitk.Image, sitk.Image]
Points = npt.NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    for name in ("ibsr", "hippocampus", "liver", "fetal"):
        parser.add_argument(f"--{name}", type=Path)
    arguments = parser.parse_args()
    labelled = (
        (arguments.ibsr, "brain_ibsr", IBSR, brain),
        (arguments.hippocampus, "hippo", HIPPOCAMPUS, crop),
        (arguments.fetal, "fetal", FETAL, atlas),
    )
    for folder, name, chosen, read in labelled:
        for fixed, moving in chosen if folder else ():
            save_labelled(arguments.output / f"{name}_{fixed}_{moving}", read(folder, fixed), read(folder, moving))
    for patient, cycle in LIVER if arguments.liver else ():
        save_breath(arguments.output / f"liver4d_{patient}_{cycle}", next(arguments.liver.rglob(f"dataset{patient}")), cycle)


def brain(folder: Path, number: str) -> Labelled:
    """A brain of the IBSR, one frame, without the empty space around it."""
    path = next(path for path in sorted(folder.rglob(f"IBSR_{number}.nii.gz")) if "preprocessed" not in str(path))
    image, labels = (one_frame(sitk.ReadImage(str(p))) for p in (path, path.with_name(f"IBSR_{number}_seg.nii.gz")))
    shown = np.argwhere(sitk.GetArrayFromImage(image) > 0)[:, ::-1]
    low, high = np.maximum(shown.min(axis=0) - MARGIN, 0), np.minimum(shown.max(axis=0) + MARGIN + 1, image.GetSize())
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return image[box], labels[box]


def one_frame(image: sitk.Image) -> sitk.Image:
    return image[:, :, :, 0] if image.GetDimension() == 4 else image


def crop(folder: Path, number: str) -> Labelled:
    """A crop around a hippocampus; the labels lie on the voxels of the image."""
    path = next(folder.rglob(f"images/hippocampus_{number}.nii.gz"))
    image, labels = sitk.ReadImage(str(path)), sitk.ReadImage(str(path.parent.parent / "labels" / path.name))
    labels.CopyInformation(image)
    return image, labels


def atlas(folder: Path, week: str) -> Labelled:
    """A fetal brain at an age in weeks."""
    path = min(folder.rglob(f"GA{week}_*image.nii.gz"))
    return sitk.ReadImage(str(path)), sitk.ReadImage(str(path).replace("_image", "_labels"))


def save_labelled(folder: Path, fixed: Labelled, moving: Labelled) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for side, (image, labels) in (("fixed", fixed), ("moving", moving)):
        sitk.WriteImage(image, str(folder / f"{side}.nii.gz"))
        sitk.WriteImage(sitk.Cast(labels, sitk.sitkUInt8), str(folder / f"{side}_labels.nii.gz"))


def save_breath(folder: Path, patient: Path, cycle: str) -> None:
    """Exhalation and a frame of one patient, with the landmarks of the liver first."""
    folder.mkdir(parents=True, exist_ok=True)
    for side, image, points in (("fixed", "exhMaster_unmasked", "exhMaster"), ("moving", cycle, cycle)):
        sitk.WriteImage(sitk.ReadImage(str(patient / f"{image}.force_direction.mha")), str(folder / f"{side}.nii.gz"))
        landmarks = np.concatenate([vtk_points(patient / f"{points}LM{where}.vtk") for where in ("liver", "outside")])
        np.savetxt(folder / f"{side}_landmarks.csv", landmarks, "%.6f", ",", header="x_lps_mm,y_lps_mm,z_lps_mm", comments="")


def vtk_points(path: Path) -> Points:
    """The points of a legacy VTK file in text form, (n, 3) as they are written."""
    found = re.search(r"POINTS\s+(\d+)\s+\w+\s+(.*)", path.read_text(encoding="utf-8", errors="replace"), re.DOTALL)
    assert found is not None, f"{path}: no points in it"
    numbers = re.findall(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?", found[2])[: 3 * int(found[1])]
    return np.array(numbers, float).reshape(-1, 3)


if __name__ == "__main__":
    main()
