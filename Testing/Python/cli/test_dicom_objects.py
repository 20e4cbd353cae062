"""Multi-frame DICOM objects, segmentations, mosaics, dose, nuclear medicine, and compressed pixels."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from dicom_files import (
    AXIAL,
    STEP,
    TRUTH,
    at,
    enhanced,
    group,
    item,
    mosaic,
    one_slice,
    save,
    segmentation,
    series,
    shared,
)
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import DeflatedExplicitVRLittleEndian, NuclearMedicineImageStorage, RLELossless, RTDoseStorage
from test_dicom_volumes import AFFINE, is_truth, refused

from INRRegistrationLib.cli.files import read_image, read_labels
from INRRegistrationLib.core.volume import Volume

PLACES = range(8)
SHUFFLED = (3, 0, 7, 5, 1, 2, 6, 4)


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


@pytest.mark.parametrize("first", [0.0, 10.0])
def test_a_dose_lies_where_its_offsets_say(first: float, tmp_path: Path) -> None:
    place = {"ImagePositionPatient": at(0), "ImageOrientationPatient": AXIAL, "PixelSpacing": [2.0, 2.0]}
    offsets = [first + STEP * n for n in PLACES]
    more = {"GridFrameOffsetVector": offsets, "DoseGridScaling": "0.25", "FrameIncrementPointer": 0x3004000C, "NumberOfFrames": 8}
    path = save(tmp_path / "d.dcm", TRUTH.astype(np.uint16), SOPClassUID=RTDoseStorage, Modality="RTDOSE", **place, **more)
    volume = read_image(path, pytest.fail)
    np.testing.assert_allclose(volume.values, TRUTH * 0.25)
    np.testing.assert_allclose(volume.grid.affine, AFFINE, atol=1e-9)


def test_a_reconstructed_tomogram_of_nuclear_medicine_is_a_volume(tmp_path: Path) -> None:
    detector = item(ImagePositionPatient=at(0), ImageOrientationPatient=AXIAL)
    kind = {"ImageType": ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"], "SpacingBetweenSlices": STEP, "PixelSpacing": [2.0, 2.0]}
    more = {"DetectorInformationSequence": [detector], "SliceVector": [n + 1 for n in PLACES], "NumberOfFrames": 8}
    path = save(tmp_path / "n.dcm", TRUTH.astype(np.uint16), SOPClassUID=NuclearMedicineImageStorage, Modality="NM", **kind, **more)
    is_truth(path)


@pytest.mark.parametrize("down", [False, True])
def test_a_mosaic_is_the_volume_of_its_tiles(down: bool, tmp_path: Path) -> None:
    is_truth(mosaic(tmp_path / "m.dcm", TRUTH, down))


def test_mosaics_of_several_times_are_asked_for(tmp_path: Path) -> None:
    for time in range(3):
        mosaic(tmp_path / f"{time}.dcm", TRUTH + time, AcquisitionNumber=time + 1)
    refused(tmp_path, "holds 3 volumes.*acquisition 1")
    is_truth(tmp_path, plus=2, frame=3)


def test_a_mosaic_without_its_private_header_is_refused(tmp_path: Path) -> None:
    path = mosaic(tmp_path / "m.dcm", TRUTH)
    data = pydicom.dcmread(path)
    data.remove_private_tags()
    data.save_as(path)
    refused(path, "Siemens mosaic.*private header")
    refused(tmp_path, "Siemens mosaic.*private header")


LIVER, SPLEEN = [(1, n, TRUTH[n] > 500) for n in (4, 2, 3)], [(2, n, TRUTH[n] % 3 == 0) for n in (6, 7)]


def labels_at(volume: Volume, n: int) -> np.ndarray:
    """The labels in the plane of slice ``n`` of the truth."""
    k = (at(n)[2] - volume.grid.origin[2]) / volume.grid.spacing[2]
    assert k == pytest.approx(round(k))
    return volume.values[round(k)]


def test_a_segmentation_is_a_label_map_of_its_segments(tmp_path: Path) -> None:
    volume = read_labels(segmentation(tmp_path / "s.dcm", [*SPLEEN, *LIVER]), pytest.fail)
    assert volume.values.dtype == np.uint8
    np.testing.assert_allclose(volume.grid.spacing, [2, 2, 3])
    np.testing.assert_allclose(volume.grid.origin, at(2))
    assert volume.grid.size == (10, 12, 6)
    for segment, n, mask in [*LIVER, *SPLEEN, (0, 5, np.ones((12, 10), bool))]:
        np.testing.assert_array_equal(labels_at(volume, n), np.where(mask, segment, 0))


def test_one_segment_can_be_read_alone(tmp_path: Path) -> None:
    path = segmentation(tmp_path / "s.dcm", [*SPLEEN, *LIVER])
    assert np.unique(read_labels(path, pytest.fail, frame=2).values).tolist() == [0, 2]
    refused(path, "no segment 5.*there are 1, 2", frame=5)


def test_a_segmentation_of_one_slice_has_a_thickness(tmp_path: Path) -> None:
    volume = read_labels(segmentation(tmp_path / "s.dcm", LIVER[:1]), pytest.fail)
    assert volume.grid.size == (10, 12, 3)
    np.testing.assert_array_equal(labels_at(volume, 4), LIVER[0][2].astype(np.uint8))
    assert not labels_at(volume, 3).any()
    assert not labels_at(volume, 5).any()


def test_overlapping_segments_and_probabilities_are_told(tmp_path: Path) -> None:
    said: list[str] = []
    volume = read_labels(segmentation(tmp_path / "o.dcm", [*LIVER, (3, 2, TRUTH[2] > 550)]), said.append)
    assert [f"overlap in {np.count_nonzero(TRUTH[2] > 550)} voxels" in sentence for sentence in said] == [True]
    np.testing.assert_array_equal(labels_at(volume, 2), np.where(TRUTH[2] > 550, 3, TRUTH[2] > 500))
    chance = (TRUTH[4] % 201).astype(np.uint8)
    volume = read_labels(segmentation(tmp_path / "p.dcm", [(1, 4, chance)], highest=200), said.append)
    assert "probabilities" in said[1]
    np.testing.assert_array_equal(labels_at(volume, 4), chance >= 100)


def test_labels_come_from_the_segmentation_and_intensities_from_the_images_of_a_folder(tmp_path: Path) -> None:
    segmentation(tmp_path / "s.dcm", [*SPLEEN, *LIVER])
    series(tmp_path)
    is_truth(tmp_path, lambda _: None)
    assert np.unique(read_labels(tmp_path, lambda _: None).values).tolist() == [0, 1, 2]


def itk_compressed(path: Path, kind: str) -> None:
    """Write a slice anew, compressed by ITK."""
    writer = sitk.ImageFileWriter()
    writer.SetImageIO("GDCMImageIO")
    writer.KeepOriginalImageUIDOn()
    writer.UseCompressionOn()
    writer.SetCompressor(kind)
    writer.SetFileName(str(path))
    writer.Execute(sitk.ReadImage(str(path)))


@pytest.mark.parametrize("kind", ["JPEG2000", "JPEG", "RLE", "deflated"])
@pytest.mark.parametrize("slope", [1, 0.5])
def test_compressed_slices_are_read(kind: str, slope: float, tmp_path: Path) -> None:
    series(tmp_path, RescaleSlope=slope)
    for path in sorted(tmp_path.iterdir()):
        if kind in ("JPEG", "JPEG2000"):
            itk_compressed(path, kind)
        else:
            recompressed(path, kind)
    assert len({pydicom.dcmread(path).file_meta.TransferSyntaxUID for path in tmp_path.iterdir()} - {"1.2.840.10008.1.2.1"}) == 1
    volume = read_image(tmp_path, pytest.fail)
    np.testing.assert_array_equal(volume.values, TRUTH * slope)


def recompressed(path: Path, kind: str) -> None:
    data = pydicom.dcmread(path)
    if kind == "RLE":
        data.compress(RLELossless)
    else:
        data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data.save_as(path)


@pytest.mark.parametrize("kind", ["JPEG2000", "JPEG", "RLE", "deflated"])
def test_compressed_frames_are_read_each_with_its_slope(kind: str, tmp_path: Path) -> None:
    own = [
        group(n, PixelValueTransformationSequence=item(RescaleSlope=str(1 + n / 2), RescaleIntercept="0", RescaleType="US"))
        for n in SHUFFLED
    ]
    path = enhanced(tmp_path / "e.dcm", TRUTH[list(SHUFFLED)], own)
    if kind in ("JPEG", "JPEG2000"):
        data, frames = pydicom.dcmread(path), []
        for n in SHUFFLED:
            itk_compressed(one_slice(tmp_path / "one" / "one.dcm", n, TRUTH[n]), kind)
            packed = pydicom.dcmread(tmp_path / "one" / "one.dcm")
            frames += list(generate_frames(packed.PixelData, number_of_frames=1))
        data.file_meta.TransferSyntaxUID = packed.file_meta.TransferSyntaxUID
        data.PixelData = encapsulate(frames)
        data["PixelData"].is_undefined_length = True
        data.save_as(path)
    else:
        recompressed(path, kind)
    np.testing.assert_allclose(read_image(path, pytest.fail).values, TRUTH * (1 + np.arange(8) / 2)[:, None, None])


def test_pixels_that_cannot_be_decoded_are_refused_by_the_name_of_their_compression(tmp_path: Path) -> None:
    series(tmp_path)
    for path in tmp_path.iterdir():
        data = pydicom.dcmread(path)
        data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.201"
        data.PixelData = encapsulate([b"\xff\x4f\xff\x51" + bytes(60)])
        data["PixelData"].is_undefined_length = True
        data.save_as(path)
    refused(tmp_path, r"compressed \(High-Throughput JPEG 2000.*export them uncompressed")


def test_a_cut_multi_frame_file_is_refused(tmp_path: Path) -> None:
    path = enhanced(tmp_path / "e.dcm", TRUTH, groups(), SharedFunctionalGroupsSequence=[shared()])
    path.write_bytes(path.read_bytes()[:-300])
    refused(path, "cut off")
