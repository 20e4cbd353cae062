"""Classic DICOM series: which files are read, which series is meant, and what cannot be one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from dicom_files import AFFINE, TRUTH, is_truth, one_slice, refused, save, series
from pydicom.uid import MediaStorageDirectoryStorage

from inr_registration.core import InputError
from inr_registration.io import read_image

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "stress" / "dicom_torchio_series"


def by_itk(folder: Path) -> sitk.Image:
    """The series as ITK's own reader gives it."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


SOUND: dict[str, dict[str, Any]] = {
    "signed": {},
    "unsigned": {"values": TRUTH.astype(np.uint16)},
    "8 bits": {"values": (TRUTH // 8).astype(np.uint8)},
    "slope and intercept": {"RescaleSlope": 2, "RescaleIntercept": -1024},
    "a fraction as slope": {"RescaleSlope": 0.37, "RescaleIntercept": 1.5},
    "12 bits": {"values": TRUTH.astype(np.uint16), "BitsStored": 12, "HighBit": 11, "RescaleIntercept": -1024},
    "negative directions": {"ImageOrientationPatient": [-1.0, 0, 0, 0, -1, 0]},
    "oblique in the plane": {"ImageOrientationPatient": [0.8, 0.6, 0, -0.6, 0.8, 0]},
    "pixels that are not square": {"PixelSpacing": [1.5, 2.25]},
}


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_series_is_what_itk_reads(name: str, tmp_path: Path) -> None:
    series(tmp_path, **SOUND[name])
    volume, expected = read_image(tmp_path, pytest.fail), by_itk(tmp_path)
    found = sitk.GetArrayFromImage(expected)
    assert volume.values.dtype == found.dtype
    np.testing.assert_array_equal(volume.values, found)
    np.testing.assert_array_equal(volume.grid.origin, expected.GetOrigin())
    np.testing.assert_allclose(volume.grid.spacing, expected.GetSpacing(), rtol=1e-12)
    np.testing.assert_allclose(volume.grid.direction.ravel(), expected.GetDirection(), atol=1e-12)


@pytest.mark.parametrize("digits", [5, 8])
def test_rounded_oblique_directions_are_taken_as_itk_takes_them_to_the_last_bit(digits: int, tmp_path: Path) -> None:
    turn = np.linalg.qr(np.random.default_rng(digits).normal(size=(3, 3)))[0]
    turn[:, 2] = np.cross(turn[:, 0], turn[:, 1])
    rounded = [round(float(x), digits) for x in turn[:, :2].T.ravel()]
    for n in range(8):
        place = [round(float(x), 4) for x in 3.1 * n * turn[:, 2]]
        one_slice(tmp_path / f"{n}.dcm", n, TRUTH[n], ImageOrientationPatient=rounded, ImagePositionPatient=place)
    expected = by_itk(tmp_path)
    seen = np.reshape(expected.GetDirection(), (3, 3)) * expected.GetSpacing()
    np.testing.assert_array_equal(read_image(tmp_path, pytest.fail).grid.affine[:3, :2], seen[:, :2])


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared test images are not on this machine")
def test_a_real_series_is_what_itk_reads() -> None:
    volume, expected = read_image(DATA, pytest.fail), by_itk(DATA)
    np.testing.assert_array_equal(volume.values, sitk.GetArrayFromImage(expected))
    np.testing.assert_allclose(volume.grid.origin, expected.GetOrigin(), atol=1e-12)
    np.testing.assert_allclose(volume.grid.spacing, expected.GetSpacing(), rtol=1e-6)


def test_slices_are_sorted_by_place_whatever_their_names_and_numbers_say(tmp_path: Path) -> None:
    for n in range(8):
        one_slice(tmp_path / f"{7 - n}.dcm", n, TRUTH[n], InstanceNumber=(n * 5) % 8)
    is_truth(tmp_path)


def test_files_need_no_ending_and_other_files_do_not_matter(tmp_path: Path) -> None:
    for n in range(8):
        one_slice(tmp_path / f"slice{n}", n, TRUTH[n])
    (tmp_path / "notes.txt").write_text("what was seen")
    (tmp_path / "picture.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(300))
    is_truth(tmp_path)


def test_folders_inside_are_searched_where_the_folder_itself_holds_none(tmp_path: Path) -> None:
    series(tmp_path / "patient" / "study" / "series")
    is_truth(tmp_path)


def test_a_dicomdir_stands_for_the_files_beside_and_below_it(tmp_path: Path) -> None:
    series(tmp_path / "IMAGES" / "S1")
    nothing = dict.fromkeys(("Rows", "Columns", "PixelData", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"))
    index = save(tmp_path / "DICOMDIR", TRUTH, SOPClassUID=MediaStorageDirectoryStorage, **nothing)
    is_truth(tmp_path)
    is_truth(index)


@pytest.mark.parametrize("copied", [[5], [0, 7], range(8)])
def test_copies_of_files_are_left_out(copied: list[int], tmp_path: Path) -> None:
    series(tmp_path)
    for n in copied:
        shutil.copy(tmp_path / f"im{n:03d}.dcm", tmp_path / f"copy{n}.dcm")
    said: list[str] = []
    is_truth(tmp_path, said.append)
    assert [f"{len(copied)} of its images are copies" in sentence for sentence in said] == [True]


def test_a_series_exported_twice_under_other_uids_is_read_once(tmp_path: Path) -> None:
    series(tmp_path)
    series(tmp_path, prefix="again")
    said: list[str] = []
    is_truth(tmp_path, said.append)
    assert ["8 of its images are copies" in sentence for sentence in said] == [True]


def test_slices_twice_with_other_content_and_nothing_to_tell_them_apart_are_refused(tmp_path: Path) -> None:
    series(tmp_path)
    one_slice(tmp_path / "other.dcm", 4, TRUTH[4] + 9)
    refused(tmp_path, "there several times, with different content")


@pytest.mark.parametrize("slopes", [[1, 0.002, 0.03], [0.01, 0.002, 1], [1, 2, 3], [1.0, -1.0, 1.0]])
def test_each_slice_keeps_its_own_slope(slopes: list[float], tmp_path: Path) -> None:
    for n in range(8):
        one_slice(tmp_path / f"{n}.dcm", n, TRUTH[n], RescaleSlope=slopes[n % 3], RescaleIntercept=n)
    expected = TRUTH * np.array([slopes[n % 3] for n in range(8)])[:, None, None] + np.arange(8)[:, None, None]
    np.testing.assert_allclose(read_image(tmp_path, pytest.fail).values, expected, rtol=1e-12)


def test_the_series_of_two_patients_are_not_chosen_from_by_length(tmp_path: Path) -> None:
    series(tmp_path, prefix="a", PatientID="Smith")
    series(tmp_path, range(5), prefix="b", SeriesInstanceUID="1.2.9", PatientID="Jones")
    with pytest.raises(InputError, match=r"2 series of different patients.*patient 1.*patient 2.*choose one with --series") as error:
        read_image(tmp_path, pytest.fail)
    assert "Smith" not in str(error.value)
    is_truth(tmp_path, series=2)


def test_patients_in_one_series_are_parted(tmp_path: Path) -> None:
    series(tmp_path, prefix="a", PatientID="A")
    series(tmp_path, prefix="b", values=TRUTH + 3, PatientID="B")
    refused(tmp_path, "different patients")
    is_truth(tmp_path, plus=3, series=2)


def test_series_of_one_length_are_asked_for_by_number_or_uid(tmp_path: Path) -> None:
    series(tmp_path, prefix="a", SeriesDescription="T1")
    series(tmp_path, prefix="b", values=TRUTH + 1, SeriesInstanceUID="1.2.9", SeriesNumber=2, SeriesDescription="T2")
    refused(tmp_path, r"there are 2 series here: 1: CT 'T1'.*8 slices; 2: CT 'T2'.*choose one with --series")
    is_truth(tmp_path, series=1)
    is_truth(tmp_path, plus=1, series="1.2.9")
    refused(tmp_path, "there is no series '3'", series=3)


def test_what_a_series_is_called_is_in_no_note(tmp_path: Path) -> None:
    series(tmp_path, prefix="a", SeriesDescription="Zelda")
    series(tmp_path, range(3), prefix="b", SeriesInstanceUID="1.2.9", SeriesDescription="Zelda", PatientName="Zelda")
    said: list[str] = []
    is_truth(tmp_path, said.append)
    assert len(said) == 1
    assert "Zelda" not in said[0]


def test_one_slice_alone_is_refused_as_file_and_as_folder(tmp_path: Path) -> None:
    path = one_slice(tmp_path / "one.dcm", 0, TRUTH[0])
    for given in (path, tmp_path):
        refused(given, "single slice of 10 x 12 pixels")


def test_colours_are_refused(tmp_path: Path) -> None:
    for n in range(4):
        colours = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0, "Columns": 10}
        one_slice(tmp_path / f"{n}.dcm", n, np.zeros((12, 30), np.uint8), **colours)
    refused(tmp_path, "every voxel has 3 values")


def test_a_page_in_colours_among_the_slices_is_left_out_and_said(tmp_path: Path) -> None:
    series(tmp_path)
    colours = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0, "Columns": 10}
    save(tmp_path / "page.dcm", np.zeros((12, 30), np.uint8), **colours)
    said: list[str] = []
    is_truth(tmp_path, said.append)
    assert ["1 of its images" in sentence for sentence in said] == [True]


def test_dicom_without_pixels_is_called_what_it_is(tmp_path: Path) -> None:
    none = dict.fromkeys(("Rows", "Columns", "PixelData", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"))
    path = save(tmp_path / "rt.dcm", TRUTH, SOPClassUID="1.2.840.10008.5.1.4.1.1.481.3", Modality="RTSTRUCT", **none)
    for given in (path, tmp_path):
        refused(given, "RT Structure Set Storage")


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_series_with_a_slice_that_is_cut_off_is_refused(cut: int, tmp_path: Path) -> None:
    path = series(tmp_path) / "im003.dcm"
    path.write_bytes(path.read_bytes()[:-cut])
    refused(tmp_path, "im003.dcm: its pixels cannot be read")


def test_a_slice_whose_header_is_damaged_is_left_out_and_said(tmp_path: Path) -> None:
    path = series(tmp_path) / "im003.dcm"
    path.write_bytes(path.read_bytes()[:140] + b"\xff" * 400)
    said: list[str] = []
    volume = read_image(tmp_path, said.append)
    assert ["1 files that cannot be read as DICOM" in said[0], "not evenly spaced" in said[1]] == [True, True]
    np.testing.assert_allclose(volume.grid.affine, AFFINE, atol=1e-9)


def test_slices_that_may_not_be_read_are_not_missed_in_silence(tmp_path: Path) -> None:
    series(tmp_path)
    (tmp_path / "im007.dcm").chmod(0)
    if os.access(tmp_path / "im007.dcm", os.R_OK):
        pytest.skip("whoever may read everything is refused nothing")
    said: list[str] = []
    assert read_image(tmp_path, said.append).grid.size == (10, 12, 7)
    assert "1 files that cannot be read as DICOM were left out (you may not read it" in said[0]
