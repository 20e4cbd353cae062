"""Where a NIfTI file places its voxels: as ITK does where ITK can, and said where the header leaves it open."""

from __future__ import annotations

import struct
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from inr_registration.io import read_image

FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])
TRUTH = np.random.default_rng(0).normal(size=(9, 8, 7)).astype(np.float32)
PLAIN = np.diag([-2.0, 2.0, 3.0, 1.0])
PLAIN[:3, 3] = [30, -40, 5]


def turned(degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.block([[np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]), np.zeros((3, 1))], [0, 0, 0, 1]])


def sheared() -> np.ndarray:
    affine = PLAIN.copy()
    affine[0, 1] = 0.8
    return affine


def saved(path: Path, qform: np.ndarray | None, qcode: int, sform: np.ndarray | None, scode: int) -> Path:
    image = nibabel.Nifti1Image(TRUTH, None)
    image.header.set_zooms((2, 2, 3))
    image.set_qform(qform, qcode)
    image.set_sform(sform, scode)
    nibabel.save(image, path)
    return path


def read(path: Path) -> tuple[np.ndarray, list[str]]:
    said: list[str] = []
    return read_image(path, said.append).grid.affine, said


def itk(path: Path) -> np.ndarray:
    image = sitk.ReadImage(str(path))
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return affine


ENDINGS = [".nii", ".nii.gz"]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(("qcode", "scode"), [(1, 1), (1, 2), (2, 1), (1, 4), (4, 1), (1, 0), (0, 1), (0, 4), (3, 3)])
def test_forms_that_agree_are_read_without_a_word(qcode: int, scode: int, ending: str, tmp_path: Path) -> None:
    path = saved(tmp_path / f"a{ending}", PLAIN if qcode else None, qcode, PLAIN if scode else None, scode)
    affine, said = read(path)
    np.testing.assert_allclose(affine, FLIP @ PLAIN, atol=1e-4)
    np.testing.assert_allclose(affine, itk(path), atol=1e-5)
    assert said == []


@pytest.mark.parametrize(("qcode", "scode"), [(1, 1), (1, 2), (2, 1), (1, 4), (4, 1), (2, 4)])
@pytest.mark.parametrize("sform", [turned(17) @ PLAIN, turned(0) @ PLAIN + np.eye(4, k=3) * 5, np.diag([-1.0, 1, 1, 1]) @ PLAIN])
def test_forms_that_disagree_are_taken_as_itk_does_and_said(qcode: int, scode: int, sform: np.ndarray, tmp_path: Path) -> None:
    path = saved(tmp_path / "a.nii", PLAIN, qcode, sform, scode)
    affine, said = read(path)
    np.testing.assert_allclose(affine, itk(path), atol=1e-5)
    taken = "qform" if np.abs(affine - FLIP @ PLAIN).max() < 1e-3 else "sform"
    assert any(f"the {taken} is taken" in sentence for sentence in said)


@pytest.mark.parametrize("scode", [1, 2, 4])
def test_a_rigid_form_beside_a_sheared_one_is_taken_as_itk_does_and_said(scode: int, tmp_path: Path) -> None:
    path = saved(tmp_path / "a.nii", PLAIN, 1, sheared(), scode)
    affine, said = read(path)
    np.testing.assert_allclose(affine, itk(path), atol=1e-5)
    np.testing.assert_allclose(affine, FLIP @ PLAIN, atol=1e-4)
    assert any("the qform is taken" in sentence for sentence in said)


def test_a_sheared_form_alone_is_kept(tmp_path: Path) -> None:
    affine, _ = read(saved(tmp_path / "a.nii", None, 0, sheared(), 1))
    np.testing.assert_allclose(affine, FLIP @ sheared(), atol=1e-4)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.hdr", "a.img"])
def test_a_header_without_orientation_is_said(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if path.suffix in (".hdr", ".img"):
        nibabel.save(nibabel.AnalyzeImage(TRUTH, PLAIN), path)
    else:
        saved(path, None, 0, None, 0)
    affine, said = read(path)
    np.testing.assert_allclose(affine, itk(path), atol=1e-5)
    assert len(said) == 1
    assert "no orientation" in said[0]
    assert "left and right may be exchanged" in said[0]


def test_nifti_in_two_files_is_told_from_analyze(tmp_path: Path) -> None:
    image = nibabel.Nifti1Pair(TRUTH, None)
    image.set_qform(PLAIN, 1)
    image.set_sform(turned(17) @ PLAIN, 4)
    nibabel.save(image, tmp_path / "a.hdr")
    for name in ("a.hdr", "a.img"):
        affine, said = read(tmp_path / name)
        np.testing.assert_allclose(affine, itk(tmp_path / name), atol=1e-5)
        assert len(said) == 1
        assert "form is taken" in said[0]
    image.set_sform(PLAIN, 1)
    nibabel.save(image, tmp_path / "b.hdr")
    assert read(tmp_path / "b.hdr")[1] == []


def test_voxel_sizes_that_differ_are_said(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.nii", None, 0, PLAIN, 1)
    content = bytearray(path.read_bytes())
    struct.pack_into("<3f", content, 80, 1.0, 1.0, 1.0)
    path.write_bytes(bytes(content))
    affine, said = read(path)
    np.testing.assert_allclose(affine, itk(path), atol=1e-5)
    assert any("two voxel sizes (pixdim says 1 x 1 x 1, the sform 2 x 2 x 3)" in sentence for sentence in said)


def test_a_negative_voxel_size_is_said_where_it_moves_the_image(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.nii", PLAIN, 1, None, 0)
    content = bytearray(path.read_bytes())
    struct.pack_into("<f", content, 80, -2.0)
    path.write_bytes(bytes(content))
    affine, said = read(path)
    np.testing.assert_allclose(affine, itk(path), atol=1e-5)
    moved = np.abs(affine - FLIP @ nibabel.load(path).affine).max() > 1
    assert moved == any("mm from where" in sentence for sentence in said)


@pytest.mark.parametrize("ending", [".nii.bz2", ".nii.zst"])
def test_other_packings_give_the_same_image(ending: str, tmp_path: Path) -> None:
    plain = saved(tmp_path / "a.nii", PLAIN, 1, turned(9) @ PLAIN, 4)
    packed = tmp_path / f"a{ending}"
    nibabel.save(nibabel.load(plain), packed)
    one, other = (read_image(path, lambda _: None) for path in (plain, packed))
    np.testing.assert_array_equal(one.values, other.values)
    np.testing.assert_array_equal(one.grid.affine, other.grid.affine)
