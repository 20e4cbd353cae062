"""Formats beside NIfTI, NRRD and MetaImage: read by nibabel, or named for what they are."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import h5py
import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from inr_registration.core import InputError
from inr_registration.io import read_image, read_labels

FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])
TRUTH = np.random.default_rng(0).integers(0, 500, (9, 8, 7)).astype(np.int16)
AFFINE = np.array([[-1.9, 0.3, 0, 30], [0.3, 1.9, 0, -20], [0, 0, 3.0, 7], [0, 0, 0, 1]])


def ignore(_: str) -> None:
    """A note is of no interest."""


@pytest.mark.parametrize("ending", [".mgz", ".mgh", ".MGZ"])
def test_images_of_freesurfer_lie_where_nibabel_has_them(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"brain{ending}"
    nibabel.save(nibabel.MGHImage(TRUTH, AFFINE), path)
    read = read_image(path, pytest.fail)
    np.testing.assert_array_equal(read.values, TRUTH.transpose(2, 1, 0))
    np.testing.assert_allclose(read.grid.affine, FLIP @ AFFINE, atol=1e-4)


def test_an_image_of_freesurfer_without_a_place_is_said(tmp_path: Path) -> None:
    path, said = tmp_path / "a.mgh", []
    nibabel.save(nibabel.MGHImage(TRUTH, AFFINE), path)
    content = bytearray(path.read_bytes())
    struct.pack_into(">h", content, 28, 0)
    path.write_bytes(bytes(content))
    read_image(path, said.append)
    assert "no place in the patient" in said[0]


@pytest.mark.parametrize("name", ["a.mgz", "a.mgh", "a.mnc", "a.nii.bz2", "a.nii.zst"])
@pytest.mark.parametrize("end", [0.5, 0.97])
def test_those_that_were_cut_are_refused(name: str, end: float, tmp_path: Path) -> None:
    path = tmp_path / name
    if name.endswith(".mnc"):
        sitk.WriteImage(sitk.GetImageFromArray(TRUTH), str(path))
    else:
        nibabel.save((nibabel.MGHImage if ".mg" in name else nibabel.Nifti1Image)(TRUTH, AFFINE), path)
    voxels = 60 if name == "a.mgh" else 0  # what follows the voxels of such a file is not needed
    path.write_bytes(path.read_bytes()[: int(end * (path.stat().st_size - voxels))])
    with pytest.raises(InputError, match="cannot be read"):
        read_image(path, ignore)


@pytest.mark.parametrize(("name", "missing"), [("a.PAR", "a.REC"), ("a+orig.HEAD", "a+orig.BRIK")])
def test_a_header_without_its_voxels_is_refused(name: str, missing: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError, match="empty"):
        read_image(tmp_path / name, ignore)
    (tmp_path / name).write_bytes(b"# CLINICAL TRYOUT\n")
    with pytest.raises(InputError, match="cannot be read as"):
        read_image(tmp_path / name, ignore)
    assert not (tmp_path / missing).exists()


AFNI = """
type = integer-attribute
name = DATASET_RANK
count = 2
3 1 0 0 0 0 0 0

type = integer-attribute
name = DATASET_DIMENSIONS
count = 3
9 8 7 0 0

type = integer-attribute
name = BRICK_TYPES
count = 1
1

type = float-attribute
name = BRICK_FLOAT_FACS
count = 1
0

type = integer-attribute
name = ORIENT_SPECIFIC
count = 3
1 2 4

type = float-attribute
name = ORIGIN
count = 3
-30 20 7

type = float-attribute
name = DELTA
count = 3
2 -2 3

type = float-attribute
name = IJK_TO_DICOM_REAL
count = 12
2 0 0 -30 0 -2 0 20 0 0 3 7

type = string-attribute
name = BYTEORDER_STRING
count = 10
'LSB_FIRST~

type = string-attribute
name = TYPESTRING
count = 15
'3DIM_HEAD_ANAT~

type = integer-attribute
name = SCENE_DATA
count = 3
0 2 0

type = string-attribute
name = TEMPLATE_SPACE
count = 5
'ORIG~
"""


@pytest.mark.parametrize("ending", [".HEAD", ".BRIK"])
def test_images_of_afni_are_in_the_frame_of_dicom(ending: str, tmp_path: Path) -> None:
    (tmp_path / "a+orig.HEAD").write_text(AFNI)
    (tmp_path / "a+orig.BRIK").write_bytes(TRUTH.astype("<i2").tobytes(order="F"))
    read = read_image(tmp_path / f"a+orig{ending}", pytest.fail)
    np.testing.assert_array_equal(read.values, TRUTH.T)
    np.testing.assert_allclose(read.grid.affine, [[2, 0, 0, -30], [0, -2, 0, 20], [0, 0, 3, 7], [0, 0, 0, 1]])
    (tmp_path / "a+orig.BRIK").write_bytes(TRUTH.tobytes()[:-100])
    with pytest.raises(InputError, match="cannot be read as AFNI"):
        read_image(tmp_path / f"a+orig{ending}", ignore)
    (tmp_path / "a+orig.BRIK").unlink()
    with pytest.raises(InputError, match=r"not beside it|no such file"):
        read_image(tmp_path / f"a+orig{ending}", ignore)


@pytest.mark.parametrize("origin", [(0, 0, 0), (10, -20, 33)])
@pytest.mark.parametrize("degrees", [0, 25])
def test_minc_images_are_in_ras(origin: tuple[float, ...], degrees: float, tmp_path: Path) -> None:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    image = sitk.GetImageFromArray(TRUTH.astype(np.float32))
    image.SetSpacing((2, 2, 3))
    image.SetOrigin(origin)
    image.SetDirection((c, -s, 0, s, c, 0, 0, 0, 1))
    path = tmp_path / "a.mnc"
    sitk.WriteImage(image, str(path))
    read = read_image(path, ignore)
    np.testing.assert_allclose(read.values, TRUTH, rtol=1e-6)
    zyx = FLIP @ nibabel.load(path).affine  # voxels of the file in the order z, y, x
    for index in np.ndindex(2, 2, 2):
        k, j, i = np.array(index) * (8, 7, 6)
        np.testing.assert_allclose(read.grid.to_world([i, j, k]), (zyx @ [k, j, i, 1])[:3], atol=1e-4)


def test_labels_in_minc_are_whole_again(tmp_path: Path) -> None:
    path, labels = tmp_path / "labels.mnc", (TRUTH % 7).astype(np.uint8)
    sitk.WriteImage(sitk.GetImageFromArray(labels * 36), str(path))
    with h5py.File(path, "r+") as file:
        image = file["minc-2.0/image/0"]
        image["image"].attrs["valid_range"] = [0.0, 252.0]
        image["image-max"][...] = 7 * (1 + 1e-12)  # 36 of 252 is a seventh of it, but for rounding
        image["image-min"][...] = 0
    assert (nibabel.load(path).get_fdata() % 1).any()
    np.testing.assert_array_equal(read_labels(path, ignore).values, labels)


FOREIGN = {
    "a.mif": (b"mrtrix image\ndim: 3,3,3\n", "an MRtrix image"),
    "field.npz": (b"PK\x03\x04" + bytes(50), "a NumPy array"),
    "field.npy": (b"\x93NUMPY\x01\x00" + bytes(50), "a NumPy array"),
    "a.nrrd.xz": (b"\xfd7zXZ\x00" + bytes(50), "packed with xz"),
    "a.nii.7z": (b"7z\xbc\xaf" + bytes(50), "a 7-Zip archive"),
    "a.zip": (b"PK\x03\x04" + bytes(50), "archive"),
    "scene.mrb": (b"PK\x03\x04" + bytes(50), "a scene of 3D Slicer"),
    "scene.mrml": (b"<MRML version='Slicer'>", "a scene of 3D Slicer"),
    "lh.stl": (b"solid brain\n", "a surface"),
    "mesh.vtk": (b"# vtk DataFile Version 3.0\nt\nASCII\nDATASET POLYDATA\nPOINTS 1 float\n0 0 0\n", "VTK polydata, not an image"),
    "a.tfm": (b"#Insight Transform File V1.0\n", "an ITK transform"),
    "flirt.mat": (b"1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n", "4 x 4 matrix"),
    "TransformParameters.0.txt": (b'(Transform "EulerTransform")\n(NumberOfParameters 6)\n', "elastix"),
    "points.fcsv": (b"# Markups fiducial file version = 4.11\n", "a list of points"),
    "a.bval": (b"0 1000 1000\n", "a text beside an image"),
    "pointer.nii.gz": (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
    "really.nii": (b"NRRD0004\ntype: short\n", "an NRRD file; give it the ending .nrrd"),
    "unpacked.nii": (gzip.compress(bytes(348)), "packed with gzip; add .gz to its name"),
    "packed.nii.gz": (b"BZh91AY&SY" + bytes(40), "packed with bzip2"),
    "fibres.tck": (b"mrtrix tracks\n", "a list of fibres"),
    "image.czi": (bytes(100), "a microscope's file"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_not_read_is_named_and_not_called_damaged(name: str, tmp_path: Path) -> None:
    content, words = FOREIGN[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as refused:
        read_image(tmp_path / name, ignore)
    assert words in str(refused.value)
    assert "damaged" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.tif", "neither slice distance nor place nor orientation"),
        ("a.vtk", "gives no orientation (a VTK file holds none)"),
        ("a.gipl", "gives no orientation (a GIPL file holds none)"),
        ("a.mrc", "in ångström and are taken as mm"),
    ],
)
def test_formats_without_a_place_in_the_patient_are_said(name: str, words: str, tmp_path: Path) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(TRUTH), str(tmp_path / name))
    said: list[str] = []
    read_image(tmp_path / name, said.append)
    assert len(said) == 1
    assert words in said[0]


def test_the_slice_distance_that_imagej_has_noted_is_told(tmp_path: Path) -> None:
    first, *others = [Image.fromarray(page.astype(np.uint16)) for page in TRUTH]
    first.save(tmp_path / "a.tif", save_all=True, append_images=others, description="ImageJ=1.53\nimages=9\nspacing=2.5\nunit=micron")
    said: list[str] = []
    read_image(tmp_path / "a.tif", said.append)
    assert "ImageJ has noted a slice distance of 2.5 micron" in said[0]


def test_labels_under_a_name_in_mixed_letters_are_read(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image((TRUTH % 5).astype(np.float32), AFFINE)
    nibabel.save(image, tmp_path / "a.nii")
    (tmp_path / "a.nii").rename(tmp_path / "labels.Nii")
    np.testing.assert_array_equal(read_labels(tmp_path / "labels.Nii", ignore).values, (TRUTH % 5).T)


NRRD = "NRRD0004\ntype: short\ndimension: 3\nsizes: 7 8 9\nencoding: raw\nendian: little\n{}\n"
META = "ObjectType = Image\nNDims = 3\n{}DimSize = 7 8 9\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
LEFT_OPEN = [
    ("a.nrrd", NRRD.format(""), 2),
    ("a.nrrd", NRRD.format("spacings: 1 2 3\n"), 1),
    ("a.nrrd", NRRD.format("space dimension: 3\nspace directions: (1,0,0) (0,1,0) (0,0,2)\n"), 1),
    ("a.nrrd", NRRD.format("space: LPS\nspace directions: (1,0,0) (0,1,0) (0,0,2)\n"), 0),
    ("a.mha", META.format(""), 2),
    ("a.mha", META.format("ElementSpacing = 1 1 2\n"), 1),
    ("a.mha", META.format("ElementSpacing = 1 1 2\nTransformMatrix = 1 0 0 0 1 0 0 0 1\n"), 0),
]


@pytest.mark.parametrize(("name", "header", "notes"), LEFT_OPEN)
def test_headers_that_leave_the_place_open_are_said(name: str, header: str, notes: int, tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / name).write_bytes(header.encode() + TRUTH.tobytes())
    np.testing.assert_array_equal(read_image(tmp_path / name, said.append).values, TRUTH)
    assert len(said) == notes


def scaled(path: Path, slope: float, offset: float) -> Path:
    image = nibabel.Nifti1Image((TRUTH % 5).astype(np.uint8), AFFINE)
    image.header.set_slope_inter(slope, offset)
    nibabel.save(image, path)
    content = bytearray(path.read_bytes())
    struct.pack_into("<2f", content, 112, slope, offset)
    path.write_bytes(bytes(content))
    return path


@pytest.mark.parametrize(("slope", "offset"), [(2, 0), (1, 3), (1 / 3 * 3, 1)])
def test_labels_with_a_whole_slope_are_scaled_and_it_is_said(slope: float, offset: float, tmp_path: Path) -> None:
    said: list[str] = []
    labels = read_labels(scaled(tmp_path / "a.nii", slope, offset), said.append)
    np.testing.assert_array_equal(labels.values, (TRUTH % 5).transpose(2, 1, 0) * slope + offset)
    assert any("labels too" in sentence for sentence in said)


def test_labels_that_a_slope_makes_nearly_whole_are_whole(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image((TRUTH % 2 * 255).astype(np.uint8), AFFINE)
    path = tmp_path / "a.nii"
    nibabel.save(image, path)
    content = bytearray(path.read_bytes())
    struct.pack_into("<2f", content, 112, 1 / 255, 0)
    path.write_bytes(bytes(content))
    np.testing.assert_array_equal(read_labels(path, ignore).values, (TRUTH % 2).transpose(2, 1, 0))


def test_labels_that_a_slope_makes_fractions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"found \d\.\d; the header scales its values by 0\.3 and adds 0; remove that"):
        read_labels(scaled(tmp_path / "a.nii", 0.3, 0), ignore)
