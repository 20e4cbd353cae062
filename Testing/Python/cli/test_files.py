"""Reading images: the affine is nibabel's, whatever the file."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from small_pair import LPS_RAS, a_grid, write_nifti

from inr_registration.core import Grid, InputError, Volume
from inr_registration.io import read_image, read_labels, write_image

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "stress"
VALUES = np.random.default_rng(0).normal(size=(5, 7, 6)).astype(np.float32)


def grids() -> dict[str, Grid]:
    sheared = a_grid().affine.copy()
    sheared[:3, 2] += 0.3 * sheared[:3, 1]
    affines = {"oblique": a_grid().affine, "flipped": a_grid(25, flip=True).affine, "sheared": sheared}
    return {name: Grid((6, 7, 5), affine) for name, affine in affines.items()}


def test_nifti_keeps_its_affine_and_its_values(tmp_path: Path) -> None:
    for name, grid in grids().items():
        path = write_nifti(tmp_path / f"{name}.nii.gz", VALUES, grid)
        volume = read_image(path, pytest.fail)
        np.testing.assert_allclose(volume.grid.affine, LPS_RAS @ nibabel.load(path).affine, atol=1e-4, err_msg=name)
        np.testing.assert_array_equal(volume.values, VALUES)
        assert volume.name == f"{name}.nii.gz"


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".nrrd", ".mha"])
def test_what_was_written_is_read_again(tmp_path: Path, ending: str) -> None:
    for name, grid in grids().items():
        if name == "sheared" and ending == ".mha":
            continue
        write_image(tmp_path / f"{name}{ending}", Volume(VALUES, grid))
        again = read_image(tmp_path / f"{name}{ending}", pytest.fail)
        assert again.grid.is_same(grid), (name, ending)
        np.testing.assert_array_equal(again.values, VALUES)


def test_one_frame_of_four_dimensions_is_a_volume_and_big_endian_is_read(tmp_path: Path) -> None:
    values = VALUES.transpose(2, 1, 0)[..., None].astype(">f4")
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4), nibabel.Nifti1Header(endianness=">")), tmp_path / "one.nii")
    volume = read_image(tmp_path / "one.nii", pytest.fail)
    np.testing.assert_array_equal(volume.values, VALUES)
    assert volume.values.dtype.isnative


def test_nifti_2_is_read(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti2Image(VALUES.transpose(2, 1, 0), np.diag([2.0, 3.0, 4.0, 1.0])), tmp_path / "two.nii.gz")
    volume = read_image(tmp_path / "two.nii.gz", pytest.fail)
    np.testing.assert_array_equal(volume.values, VALUES)
    np.testing.assert_allclose(volume.grid.spacing, [2, 3, 4])


def test_integers_of_64_bits_become_floats_as_image_and_stay_as_labels(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.arange(120).reshape(4, 5, 6), np.eye(4), dtype=np.int64)
    nibabel.save(image, tmp_path / "long.nii.gz")
    assert read_image(tmp_path / "long.nii.gz", pytest.fail).values.dtype == np.float64
    assert read_labels(tmp_path / "long.nii.gz", pytest.fail).values.dtype == np.int64


def test_labels_must_be_whole(tmp_path: Path) -> None:
    write_nifti(tmp_path / "half.nii.gz", np.full((5, 7, 6), 1.5, np.float32), a_grid())
    with pytest.raises(InputError, match=r"half.nii.gz: labels must be whole numbers, found 1.5"):
        read_labels(tmp_path / "half.nii.gz", pytest.fail)


def write_dicom(folder: Path, uid: str, count: int, step: tuple[float, float, float]) -> None:
    """A series of 8 x 9 pixels; ``step`` from slice to slice in LPS mm."""
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for n in range(count):
        image = sitk.GetImageFromArray(np.full((1, 9, 8), 100 + n, np.int16))
        image.SetSpacing((2.0, 2.0, 1.0))
        position = "\\".join(f"{n * s:g}" for s in step)
        tags = {"0008|0060": "CT", "0020|000e": uid, "0020|000d": "1.2.3", "0020|0013": str(n), "0020|0032": position}
        for key, value in {**tags, "0020|0037": "1\\0\\0\\0\\1\\0", "0008|0018": f"{uid}.{n}"}.items():
            image.SetMetaData(key, value)
        writer.SetFileName(str(folder / f"{uid}-{n}.dcm"))
        writer.Execute(image)


def test_the_longest_dicom_series_of_a_folder_is_read_and_said(tmp_path: Path) -> None:
    write_dicom(tmp_path, "1.2.3.4", 5, (0, 0, 3.0))
    write_dicom(tmp_path, "1.2.3.5", 7, (0, 0, 2.5))
    said: list[str] = []
    volume = read_image(tmp_path, said.append)
    assert volume.grid.size == (8, 9, 7)
    assert volume.values[:, 0, 0].tolist() == [100, 101, 102, 103, 104, 105, 106]
    np.testing.assert_allclose(volume.grid.spacing, [2, 2, 2.5])
    assert len(said) == 1
    assert "2 series found" in said[0]


def test_a_tilted_gantry_gives_a_sheared_grid(tmp_path: Path) -> None:
    write_dicom(tmp_path, "1.2.3.4", 6, (0, 0.8, 3.0))
    volume = read_image(tmp_path, lambda _: None)
    assert volume.grid.is_sheared
    np.testing.assert_allclose(volume.grid.affine[:3, 2], [0, 0.8, 3.0])


@pytest.mark.parametrize(("unit", "mm"), [("meter", 1000.0), ("micron", 0.001)])
def test_a_nifti_file_in_another_unit_has_the_same_place_sheared_or_not(unit: str, mm: float, tmp_path: Path) -> None:
    for name, grid in grids().items():
        affine = LPS_RAS @ grid.affine
        affine[:3] /= mm
        image = nibabel.Nifti1Image(VALUES.transpose(2, 1, 0), affine)
        image.header.set_xyzt_units(unit)
        nibabel.save(image, tmp_path / f"{name}.nii")
        np.testing.assert_allclose(read_image(tmp_path / f"{name}.nii", pytest.fail).grid.affine, grid.affine, atol=1e-4, err_msg=name)


UNITS = {
    "nrrd in mm": ("nrrd", b"endian:", b'space units: "mm" "mm" "mm"\nendian:', ""),
    "nrrd in cm": ("nrrd", b"endian:", b'space units: "cm" "cm" "cm"\nendian:', "cm"),
    "nrrd in micrometres": ("nrrd", b"endian:", b'space units: "um" "um" "um"\nendian:', "um"),
    "MetaImage in mm": ("mha", b"ElementType", b"DistanceUnits = mm\nElementType", ""),
    "MetaImage in micrometres": ("mha", b"ElementType", b"DistanceUnits = um\nElementType", "um"),
    "MetaImage in cm": ("mha", b"ElementType", b"DistanceUnits = cm\nElementType", "cm"),
}


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_that_itk_does_not_heed_is_refused_and_not_taken_for_mm(name: str, tmp_path: Path) -> None:
    ending, old, new, refused = UNITS[name]
    path = tmp_path / f"image.{ending}"
    sitk.WriteImage(sitk.GetImageFromArray(VALUES), str(path))
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    if not refused:
        assert read_image(path, pytest.fail).grid.size == (6, 7, 5)
        return
    with pytest.raises(InputError, match=f"^image.{ending}: the header gives lengths in '{refused}'"):
        read_image(path, pytest.fail)


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared test images are not on this machine")
@pytest.mark.parametrize("name", ["bigendian_int16.nii", "nan_background.nii.gz", "oblique_ct_pitch.nii.gz", "dicom_torchio_series"])
def test_awkward_real_files_are_read(name: str) -> None:
    volume = read_image(DATA / name, lambda _: None)
    assert min(volume.grid.size) > 4
    if not (DATA / name).is_dir():
        np.testing.assert_allclose(volume.grid.affine, LPS_RAS @ nibabel.load(DATA / name).affine, atol=1e-3)
