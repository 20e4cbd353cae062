"""Names of images to be written: as they are given, or refused before any work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from inr_registration.core import Grid, InputError, Volume
from inr_registration.io import check_image_name, read_image, write_image

ODD = [
    "x.NII.GZ", "x.Nii", "x.NRRD", "x.MHA", "x.img.nii.gz", "x.hdr.nii.gz", "x.nii.nii.gz", "x.nii.gz.nii", "x.img.nii", "x.nia.nii",
    "x.nii.gz.nrrd", "x.nrrd.nii.gz", "x.mha.nii", "x.img.mha", ".nii.gz", "x.v1.2.nii.gz", "x y.nii", "ö動.nii.gz", "x..nii",
    "x.gz.nii.gz",
    "x.nii.mhd", "x.img.nhdr", "x.y.mhd", "ö.nhdr",
]  # fmt: skip
SHEARED = np.array([[1, 0.3, 0, 0], [0, 1, 0, 0], [0, 0, 2, 5], [0, 0, 0, 1.0]])


@pytest.mark.parametrize("affine", [np.diag([1, 2, 3, 1.0]), SHEARED], ids=["straight", "sheared"])
@pytest.mark.parametrize("name", ODD)
def test_an_odd_name_is_written_just_so_or_refused_before(name: str, affine: np.ndarray, tmp_path: Path) -> None:
    volume = Volume(np.random.default_rng(0).random((5, 6, 7), np.float32), Grid((7, 6, 5), affine), "v")
    try:
        check_image_name(tmp_path / name)
    except InputError as error:
        assert name.lower().endswith((".mhd", ".nhdr"))
        assert "two files" in str(error)  # noqa: PT017
        return
    if affine is SHEARED and name.lower().endswith((".mha", ".mhd")):
        return  # these formats hold no shear, whatever the name
    write_image(tmp_path / name, volume)
    assert name in [file.name for file in tmp_path.iterdir()]
    assert len(list(tmp_path.iterdir())) == (2 if name.endswith((".mhd", ".nhdr")) else 1)
    read = read_image(tmp_path / name, lambda _: None)
    np.testing.assert_array_equal(read.values, volume.values)
    np.testing.assert_allclose(read.grid.affine, affine, atol=1e-5)


@pytest.mark.parametrize("name", ["x.png", "x", "x.nii.bz2", "x.mgz", "nii", "x.gz", "x\udc80.nii.gz"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="cannot write an image"):
        check_image_name(Path(name))


def test_a_plain_name_is_written_by_itk_itself(tmp_path: Path) -> None:
    volume = Volume(np.arange(24, dtype=np.int16).reshape(2, 3, 4), Grid((4, 3, 2), np.eye(4)), "v")
    write_image(tmp_path / "x.nrrd", volume)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "x.nrrd"))), volume.values)
