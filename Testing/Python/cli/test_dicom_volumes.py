"""Slices of one DICOM series: which make a volume, which volume is read, and what is said or asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicom_files import AFFINE, AXIAL, CORONAL, STEP, TRUTH, at, is_truth, one_slice, refused, series

from inr_registration.io import read_image, read_labels

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


def test_stretches_that_overlap_are_volumes_of_their_own(tmp_path: Path) -> None:
    stretches = {1: range(4), 2: range(2, 6), 3: range(5, 8)}
    for number, places in stretches.items():
        series(tmp_path, places, prefix=f"{number}-", values=TRUTH + number, AcquisitionNumber=number)
    refused(tmp_path, "holds 3 volumes: 1: 4 slices.*acquisition 1; 2: 4 slices.*; 3: 3 slices.*acquisition 3")
    for number, places in stretches.items():
        np.testing.assert_array_equal(read_image(tmp_path, pytest.fail, frame=number).values, TRUTH[list(places)] + number)


def test_two_acquisitions_in_places_of_their_own_are_not_mixed(tmp_path: Path) -> None:
    series(tmp_path, prefix="a", AcquisitionNumber=1)
    for n in range(8):
        one_slice(tmp_path / f"b{n}.dcm", n + 1 / 3, TRUTH[n] + 50, AcquisitionNumber=2)
    is_truth(tmp_path, frame=1)
    np.testing.assert_array_equal(read_image(tmp_path, pytest.fail, frame=2).values, TRUTH + 50)


def test_a_slice_that_was_taken_again_is_no_rival_of_the_volume(tmp_path: Path) -> None:
    series(tmp_path, AcquisitionNumber=1)
    one_slice(tmp_path / "again.dcm", 4, TRUTH[4] + 9, AcquisitionNumber=2)
    said: list[str] = []
    is_truth(tmp_path, said.append)
    assert ["1 of its images" in sentence for sentence in said] == [True]


def test_a_localizer_in_the_series_is_left_out_and_said(tmp_path: Path) -> None:
    series(tmp_path)
    one_slice(tmp_path / "scout.dcm", 0, TRUTH[0], ImageOrientationPatient=CORONAL, ImagePositionPatient=[-20.0, 0, 40])
    one_slice(tmp_path / "large.dcm", 3, np.zeros((30, 40), np.int16))
    said: list[str] = []
    is_truth(tmp_path, said.append)
    assert ["2 of its images have another orientation, size or place" in sentence for sentence in said] == [True]


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


def test_rounded_positions_add_no_slice(tmp_path: Path) -> None:
    for n in range(8):
        one_slice(tmp_path / f"{n}.dcm", n, TRUTH[n], ImagePositionPatient=[0.0, 0, round(0.625 * n, 1)])
    said: list[str] = []
    volume = read_image(tmp_path, said.append)
    assert "not evenly spaced (0.60 to 0.70 mm apart); 8 slices were resampled to 8 slices" in said[0]
    assert volume.grid.size == (10, 12, 8)
    assert np.abs(volume.values - TRUTH.astype(float)).max() < 0.2 * np.abs(np.diff(TRUTH.astype(float), axis=0)).max()


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


def test_a_film_of_one_slice_is_no_volume(tmp_path: Path) -> None:
    for n in range(8):
        one_slice(tmp_path / f"{n}.dcm", 0, TRUTH[n], TriggerTime=30 * n)
    refused(tmp_path, "single slices of one place")


@pytest.mark.parametrize("left_out", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"])
def test_slices_without_a_place_are_refused(left_out: str, tmp_path: Path) -> None:
    series(tmp_path, **{left_out: None})
    refused(tmp_path, "8 images .* do not say where they lie")


def test_directions_that_are_none_are_no_place(tmp_path: Path) -> None:
    series(tmp_path, ImageOrientationPatient=[*AXIAL[:3], *AXIAL[:3]])
    refused(tmp_path, "do not say where they lie")
