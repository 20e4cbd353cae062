"""Classic DICOM slices: which belong together, which volume is read, and what is said or asked."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from dicom_files import AXIAL, CORONAL, STEP, TRUTH, at, one_slice, save, series
from pydicom.uid import MediaStorageDirectoryStorage

from INRRegistrationLib.cli.files import read_image, read_labels
from INRRegistrationLib.core.errors import InputError

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "stress" / "dicom_torchio_series"
AFFINE = np.array([[2, 0, 0, *at(0)[:1]], [0, 2, 0, at(0)[1]], [0, 0, STEP, at(0)[2]], [0, 0, 0, 1]])


def is_truth(path: Path, said: Callable[[str], Any] = pytest.fail, plus: int = 0, **choice: Any) -> None:
    volume = read_image(path, said, **choice)
    np.testing.assert_array_equal(volume.values, TRUTH + plus)
    np.testing.assert_allclose(volume.grid.affine, AFFINE, atol=1e-9)


def refused(path: Path, match: str, **choice: Any) -> None:
    with pytest.raises(InputError, match=match):
        read_image(path, lambda _: None, **choice)


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
    assert [f"{len(copied)} of the slices are copies" in sentence for sentence in said] == [True]


def test_a_series_exported_twice_under_other_uids_is_read_once(tmp_path: Path) -> None:
    series(tmp_path)
    series(tmp_path, prefix="again")
    is_truth(tmp_path, lambda _: None)


def test_slices_twice_with_other_content_and_nothing_to_tell_them_apart_are_refused(tmp_path: Path) -> None:
    series(tmp_path)
    one_slice(tmp_path / "other.dcm", 4, TRUTH[4] + 9)
    refused(tmp_path, "there several times, with different content")


APART: dict[str, Callable[[int], dict[str, Any]]] = {
    "time point": lambda n: {"TemporalPositionIdentifier": n + 1},
    "echo time 2": lambda n: {"EchoTime": 20 * (n + 1)},
    "b-value": lambda n: {"DiffusionBValue": 1000.0 * n},
    "acquisition": lambda n: {"AcquisitionNumber": n + 1},
    "type": lambda n: {"ImageType": ["ORIGINAL", "PRIMARY", "MPR"[n]]},
    "trigger time": lambda n: {"TriggerTime": 40.5 * n},
    "frame time": lambda n: {"FrameReferenceTime": 1000.0 * n},
    "acquisition time": lambda n: {"AcquisitionTime": f"10{n:02d}00"},
    "kernel": lambda n: {"ConvolutionKernel": f"B{n}0f"},
    "number": lambda _: {},
}


@pytest.mark.parametrize("name", APART)
def test_volumes_in_one_place_are_told_apart_and_the_user_is_asked(name: str, tmp_path: Path) -> None:
    for time in range(3):
        for n in range(8):
            number = {"InstanceNumber": 8 * time + n + 1}
            one_slice(tmp_path / f"{time}-{n}.dcm", n, TRUTH[n] + 100 * time, **number, **APART[name](time))
    refused(tmp_path, f"holds 3 volumes: 1: 8 slices 3.00 mm apart, {name}.*choose one with --frame N")
    for time in range(3):
        is_truth(tmp_path, plus=100 * time, frame=time + 1)
    refused(tmp_path, "there is no frame 4", frame=4)


def test_two_tags_may_be_needed(tmp_path: Path) -> None:
    for number, (time, echo) in enumerate((t, e) for t in range(2) for e in range(2)):
        series(tmp_path, prefix=f"v{number}-", values=TRUTH + number, TemporalPositionIdentifier=time + 1, EchoTime=10 * (echo + 1))
    for number in range(4):
        is_truth(tmp_path, plus=number, frame=number + 1)


def test_times_that_differ_from_slice_to_slice_are_counted_in_their_order(tmp_path: Path) -> None:
    for n in range(8):
        for time in range(3):
            one_slice(tmp_path / f"{time}-{n}.dcm", n, TRUTH[n] + 100 * time, TriggerTime=time * (30 + n), InstanceNumber=n)
    is_truth(tmp_path, plus=200, frame=3)


def test_a_volume_that_lacks_slices_at_the_end_is_a_volume_of_its_own(tmp_path: Path) -> None:
    series(tmp_path, prefix="a", TemporalPositionIdentifier=1)
    series(tmp_path, range(5), prefix="b", values=TRUTH + 7, TemporalPositionIdentifier=2)
    is_truth(tmp_path, frame=1)
    assert read_image(tmp_path, pytest.fail, frame=2).grid.size == (10, 12, 5)


def test_two_acquisitions_in_places_of_their_own_are_not_mixed(tmp_path: Path) -> None:
    series(tmp_path, prefix="a", AcquisitionNumber=1)
    for n in range(8):
        one_slice(tmp_path / f"b{n}.dcm", n + 1 / 3, TRUTH[n] + 50, AcquisitionNumber=2)
    is_truth(tmp_path, frame=1)
    np.testing.assert_array_equal(read_image(tmp_path, pytest.fail, frame=2).values, TRUTH + 50)


def test_a_localizer_in_the_series_is_left_out_and_said(tmp_path: Path) -> None:
    series(tmp_path)
    one_slice(tmp_path / "scout.dcm", 0, TRUTH[0], ImageOrientationPatient=CORONAL, ImagePositionPatient=[-20.0, 0, 40])
    one_slice(tmp_path / "large.dcm", 3, np.zeros((30, 40), np.int16))
    said: list[str] = []
    is_truth(tmp_path, said.append)
    assert ["2 slices of another orientation, size or place" in sentence for sentence in said] == [True]


def test_several_orientations_are_asked_for(tmp_path: Path) -> None:
    series(tmp_path)
    for n in range(8):
        one_slice(tmp_path / f"other{n}.dcm", 0, TRUTH[n], ImageOrientationPatient=CORONAL, ImagePositionPatient=[-20.0, 3.0 * n, 40])
    refused(tmp_path, "holds 2 volumes.*across 0.00 0.00 1.00.*across -?0.00 1.00 0.00")
    is_truth(tmp_path, frame=1)
    np.testing.assert_allclose(
        read_image(tmp_path, pytest.fail, frame=2).grid.affine[:3, :3], [[2, 0, 0], [0, 0, 3], [0, -2, 0]], atol=1e-9
    )


@pytest.mark.parametrize("missing", [[3], [1], [6], [3, 4], [2, 5]])
def test_missing_slices_are_filled_between_their_neighbours_and_said(missing: list[int], tmp_path: Path) -> None:
    series(tmp_path, [n for n in range(8) if n not in missing])
    said: list[str] = []
    volume = read_image(tmp_path, said.append)
    assert ["not evenly spaced" in sentence for sentence in said] == [True]
    np.testing.assert_allclose(volume.grid.affine, AFFINE, atol=1e-9)
    there = [n for n in range(8) if n not in missing]
    np.testing.assert_array_equal(volume.values[there], TRUTH[there])
    expected = np.apply_along_axis(lambda line: np.interp(missing, there, line), 0, TRUTH[there].astype(float))
    np.testing.assert_array_equal(volume.values[missing], np.rint(expected))
    assert volume.values.dtype == TRUTH.dtype


def test_uneven_distances_are_resampled_to_where_the_slices_lie(tmp_path: Path) -> None:
    heights = np.array([0.0, 2.5, 5, 7.5, 10, 15, 20, 25])
    ramp = np.broadcast_to((40 * heights)[:, None, None], TRUTH.shape).astype(np.int16)
    for n, height in enumerate(heights):
        one_slice(tmp_path / f"{n}.dcm", height / STEP, ramp[n])
    said: list[str] = []
    volume = read_image(tmp_path, said.append)
    assert "2.50 to 5.00 mm apart" in said[0]
    np.testing.assert_allclose(volume.grid.spacing, [2, 2, 2.5])
    z = volume.grid.all_points()[..., 2] - at(0)[2]
    np.testing.assert_allclose(volume.values, 40 * z, atol=0.5)


def test_labels_are_never_interpolated(tmp_path: Path) -> None:
    series(tmp_path, [0, 1, 3, 4, 5, 6, 7], values=np.where(TRUTH > 300, 7, 2).astype(np.int16))
    assert np.unique(read_labels(tmp_path, lambda _: None).values).tolist() == [2, 7]


def test_a_wide_gap_is_not_bridged(tmp_path: Path) -> None:
    series(tmp_path, [0, 1, 2, 6, 7])
    refused(tmp_path, "holds 2 volumes.*from 10.0 to 16.0 mm.*a gap beside it.*from 28.0 to 31.0 mm")


def test_slices_that_are_shifted_in_their_plane_are_refused(tmp_path: Path) -> None:
    for n in range(8):
        one_slice(tmp_path / f"{n}.dcm", n, TRUTH[n], ImagePositionPatient=[at(n)[0] + 15 * (n == 4), *at(n)[1:]])
    refused(tmp_path, "shifted against each other by up to 15.00 mm")


def test_slices_beside_each_other_are_no_stack(tmp_path: Path) -> None:
    for n in range(8):
        one_slice(tmp_path / f"{n}.dcm", n, TRUTH[n], ImagePositionPatient=[n * 25.0, 0, n * 1.0])
    refused(tmp_path, "beside each other")


def test_a_tilted_gantry_with_a_missing_slice_keeps_its_shear(tmp_path: Path) -> None:
    for n in [0, 1, 2, 4, 5, 6, 7]:
        one_slice(tmp_path / f"{n}.dcm", n, TRUTH[n], ImagePositionPatient=[0.0, 0.8 * n, 3.0 * n])
    volume = read_image(tmp_path, lambda _: None)
    np.testing.assert_allclose(volume.grid.affine[:3, 2], [0, 0.8, 3.0], atol=1e-9)
    np.testing.assert_array_equal(volume.values[[0, 1, 2, 4, 5, 6, 7]], TRUTH[[0, 1, 2, 4, 5, 6, 7]])


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


def test_a_film_of_one_slice_is_no_volume(tmp_path: Path) -> None:
    for n in range(8):
        one_slice(tmp_path / f"{n}.dcm", 0, TRUTH[n], TriggerTime=30 * n)
    refused(tmp_path, "single slices of one place")


@pytest.mark.parametrize("left_out", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"])
def test_slices_without_a_place_are_refused(left_out: str, tmp_path: Path) -> None:
    series(tmp_path, **{left_out: None})
    refused(tmp_path, "8 images .* do not say where they lie")


def test_one_slice_alone_is_refused_as_file_and_as_folder(tmp_path: Path) -> None:
    path = one_slice(tmp_path / "one.dcm", 0, TRUTH[0])
    for given in (path, tmp_path):
        refused(given, "single slice of 10 x 12 pixels")


def test_colours_are_refused(tmp_path: Path) -> None:
    for n in range(4):
        colours = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0, "Columns": 10}
        one_slice(tmp_path / f"{n}.dcm", n, np.zeros((12, 30), np.uint8), **colours)
    refused(tmp_path, "every voxel has 3 values")


def test_dicom_without_pixels_is_called_what_it_is(tmp_path: Path) -> None:
    none = dict.fromkeys(("Rows", "Columns", "PixelData", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"))
    path = save(tmp_path / "rt.dcm", TRUTH, SOPClassUID="1.2.840.10008.5.1.4.1.1.481.3", Modality="RTSTRUCT", **none)
    for given in (path, tmp_path):
        refused(given, "RT Structure Set Storage")


def test_a_file_that_is_cut_off_is_left_out_and_said_or_refused_alone(tmp_path: Path) -> None:
    series(tmp_path)
    path = tmp_path / "im003.dcm"
    path.write_bytes(path.read_bytes()[:-40])
    refused(path, "cut off|single slice")
    said: list[str] = []
    try:
        volume = read_image(tmp_path, said.append)
    except InputError:
        return
    assert any("damaged" in sentence for sentence in said)
    np.testing.assert_allclose(volume.grid.affine, AFFINE, atol=1e-9)


def test_directions_that_are_none_are_no_place(tmp_path: Path) -> None:
    series(tmp_path, ImageOrientationPatient=[*AXIAL[:3], *AXIAL[:3]])
    refused(tmp_path, "do not say where they lie")
