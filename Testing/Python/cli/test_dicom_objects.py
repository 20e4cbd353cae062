"""Multi-frame DICOM objects: frames in their places, each with its slope, parted by time, echo and the like."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from dicom_files import AFFINE, AXIAL, CORONAL, PLACES, SHUFFLED, TRUTH, enhanced, group, is_truth, item, refused, save, shared
from pydicom.uid import NuclearMedicineImageStorage, ParametricMapStorage

from inr_registration.io import read_image


def groups(places: Sequence[int] = PLACES, **macros: Any) -> list[pydicom.Dataset]:
    return [group(n, **macros) for n in places]


@pytest.mark.parametrize("order", [PLACES, PLACES[::-1], SHUFFLED])
def test_frames_are_sorted_by_place(order: Sequence[int], tmp_path: Path) -> None:
    path = enhanced(tmp_path / "e.dcm", TRUTH[list(order)], groups(order))
    is_truth(path)
    is_truth(tmp_path)
    assert read_image(path, pytest.fail).values.dtype == TRUTH.dtype


def test_a_sound_enhanced_file_is_what_itk_reads(tmp_path: Path) -> None:
    transformed = item(RescaleSlope="0.5", RescaleIntercept="-3", RescaleType="US")
    path = enhanced(tmp_path / "e.dcm", TRUTH, groups(PixelValueTransformationSequence=transformed))
    volume, expected = read_image(path, pytest.fail), sitk.ReadImage(str(path))
    found = sitk.GetArrayFromImage(expected)
    assert volume.values.dtype == found.dtype
    np.testing.assert_array_equal(volume.values, found)
    np.testing.assert_allclose(volume.grid.affine[:3, 3], expected.GetOrigin())
    np.testing.assert_allclose(volume.grid.spacing, expected.GetSpacing())


@pytest.mark.parametrize("slopes", [[1.0, 0.5, 0.25], [2, 3, 4], [0.001, 1, 1000]])
def test_each_frame_keeps_its_own_slope(slopes: list[float], tmp_path: Path) -> None:
    own = [
        group(n, PixelValueTransformationSequence=item(RescaleSlope=str(slopes[n % 3]), RescaleIntercept=str(n), RescaleType="US"))
        for n in SHUFFLED
    ]
    path = enhanced(tmp_path / "e.dcm", TRUTH[list(SHUFFLED)], own)
    expected = TRUTH * np.array([slopes[n % 3] for n in PLACES])[:, None, None] + np.arange(8)[:, None, None]
    np.testing.assert_allclose(read_image(path, pytest.fail).values, expected, rtol=1e-12)


APART: dict[str, Callable[[int], dict[str, Any]]] = {
    "time point 1": lambda t: {"FrameContentSequence": item(TemporalPositionIndex=t + 1, StackID="1")},
    "echo time 10 ms": lambda t: {"MREchoSequence": item(EffectiveEchoTime=10.0 * (t + 1))},
    "b-value 0": lambda t: {"MRDiffusionSequence": item(DiffusionBValue=500.0 * t)},
    "component MAGNITUDE": lambda t: {"MRImageFrameTypeSequence": item(ComplexImageComponent=["MAGNITUDE", "PHASE", "REAL"][t])},
    "trigger delay 0 ms": lambda t: {"CardiacSynchronizationSequence": item(NominalCardiacTriggerDelayTime=100.0 * t)},
    "number 1 of its place": lambda _: {},
}


@pytest.mark.parametrize("name", APART)
@pytest.mark.parametrize("alternating", [False, True])
def test_volumes_in_one_file_are_told_apart(name: str, alternating: bool, tmp_path: Path) -> None:
    order = [(t, n) for n in PLACES for t in range(3)] if alternating else [(t, n) for t in range(3) for n in PLACES]
    values = np.stack([TRUTH[n] + 100 * t for t, n in order])
    path = enhanced(tmp_path / "e.dcm", values, [group(n, **APART[name](t)) for t, n in order])
    refused(path, f"holds 3 volumes: 1: 8 slices 3.00 mm apart, {name}")
    for t in sorted(range(3)):
        is_truth(path, plus=100 * t, frame=t + 1)


def test_dimension_indices_tell_volumes_apart(tmp_path: Path) -> None:
    dimensions = [item(DimensionIndexPointer=0x00189180), item(DimensionIndexPointer=0x00209057)]
    order = [(t, n) for n in PLACES for t in (1, 0)]
    own = [group(n, FrameContentSequence=item(DimensionIndexValues=[t + 1, n + 1])) for t, n in order]
    values = np.stack([TRUTH[n] + 100 * t for t, n in order])
    path = enhanced(tmp_path / "e.dcm", values, own, DimensionIndexSequence=dimensions)
    is_truth(path, plus=100, frame=2)


def test_a_folder_of_enhanced_files_gives_one_volume_a_file(tmp_path: Path) -> None:
    for time in range(2):
        enhanced(tmp_path / f"{time}.dcm", TRUTH + time, groups(), SOPInstanceUID=f"1.2.{time + 1}")
    refused(tmp_path, "holds 2 volumes")
    is_truth(tmp_path, plus=1, frame=2)
    is_truth(tmp_path / "0.dcm")


def test_a_volume_in_two_files_is_put_together(tmp_path: Path) -> None:
    enhanced(tmp_path / "a.dcm", TRUTH[:5], groups(range(5)))
    enhanced(tmp_path / "b.dcm", TRUTH[5:], groups(range(5, 8)))
    is_truth(tmp_path)


def test_frames_in_one_position_of_a_copied_file_are_left_out(tmp_path: Path) -> None:
    enhanced(tmp_path / "a.dcm", TRUTH, groups())
    shutil.copy(tmp_path / "a.dcm", tmp_path / "b.dcm")
    is_truth(tmp_path, lambda _: None)


def test_missing_frames_are_filled_and_said(tmp_path: Path) -> None:
    path = enhanced(tmp_path / "e.dcm", np.delete(TRUTH, 4, axis=0), groups([0, 1, 2, 3, 5, 6, 7]))
    said: list[str] = []
    volume = read_image(path, said.append)
    assert "not evenly spaced" in said[0]
    np.testing.assert_allclose(volume.grid.affine, AFFINE, atol=1e-9)


FILMS: dict[str, dict[str, Any]] = {
    "angiography": {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.12.1", "Modality": "XA", "FrameTime": 33.0},
    "ultrasound": {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.3.1", "Modality": "US", "FrameTime": 40.0, "PixelSpacing": [0.3, 0.3]},
    "a capture": {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7.3", "Modality": "OT"},
    "projections": {"SOPClassUID": NuclearMedicineImageStorage, "Modality": "NM", "ImageType": ["ORIGINAL", "PRIMARY", "TOMO"]},
    "MR without places": {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4", "Modality": "MR", "PixelSpacing": [2.0, 2.0]},
}


@pytest.mark.parametrize("name", FILMS)
def test_a_film_is_no_volume(name: str, tmp_path: Path) -> None:
    path = save(tmp_path / "f.dcm", TRUTH.astype(np.uint16), NumberOfFrames=8, **FILMS[name])
    refused(path, r"8 images \(.*\) do not say where they lie")
    refused(tmp_path, r"8 images \(.*\) do not say where they lie")


def test_a_cut_multi_frame_file_is_refused(tmp_path: Path) -> None:
    path = enhanced(tmp_path / "e.dcm", TRUTH, groups(), SharedFunctionalGroupsSequence=[shared()])
    path.write_bytes(path.read_bytes()[:-300])
    refused(path, "cut off")


def test_scales_to_the_real_world_count_where_they_differ_and_there_are_no_others(tmp_path: Path) -> None:
    own = [group(n, RealWorldValueMappingSequence=item(RealWorldValueSlope=0.5 * (n + 1), RealWorldValueIntercept=1.0)) for n in PLACES]
    expected = TRUTH * (0.5 * np.arange(1, 9))[:, None, None] + 1
    np.testing.assert_allclose(read_image(enhanced(tmp_path / "e.dcm", TRUTH, own), pytest.fail).values, expected)


def test_a_parametric_map_keeps_its_fractions(tmp_path: Path) -> None:
    none = dict.fromkeys(("PixelData", "BitsStored", "HighBit", "PixelRepresentation"))
    values = (TRUTH / 7).astype(np.float32)
    kind = {"SOPClassUID": ParametricMapStorage, "FloatPixelData": values.tobytes()}
    volume = read_image(enhanced(tmp_path / "p.dcm", values, groups(), **kind, **none), pytest.fail)
    np.testing.assert_array_equal(volume.values, values)


def test_stacks_of_two_orientations_in_one_file_are_asked_for(tmp_path: Path) -> None:
    across = [item(ImagePositionPatient=[-20.0, 3.0 * n, 40.0]) for n in PLACES]
    own = [group(n, PlaneOrientationSequence=item(ImageOrientationPatient=AXIAL)) for n in PLACES]
    for place in across:
        orientation = [item(ImageOrientationPatient=CORONAL)]
        own.append(item(PlanePositionSequence=[place], PlaneOrientationSequence=orientation))
    path = enhanced(tmp_path / "e.dcm", np.concatenate([TRUTH, TRUTH]), own)
    refused(path, "holds 2 volumes.*across")
    is_truth(path, frame=1)
