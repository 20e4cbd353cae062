"""DICOM segmentations as label maps, mosaics as volumes, dose and nuclear medicine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_files import AFFINE, AXIAL, PLACES, STEP, TRUTH, at, is_truth, item, mosaic, refused, save, segmentation, series
from pydicom.uid import NuclearMedicineImageStorage, RTDoseStorage

from inr_registration.core import Volume
from inr_registration.io import read_image, read_labels


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


def test_a_label_map_segmentation_holds_its_labels_as_pixels(tmp_path: Path) -> None:
    frames = [(0, n, np.where(TRUTH[n] > 300, 5 * n, 0).astype(np.uint8)) for n in (2, 3, 5)]
    kind = {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.66.7", "SegmentationType": "LABELMAP", "MaximumFractionalValue": None}
    volume = read_labels(segmentation(tmp_path / "l.dcm", frames, highest=1, **kind), pytest.fail)
    for _, n, labels in [*frames, (0, 4, np.zeros((12, 10)))]:
        np.testing.assert_array_equal(labels_at(volume, n), labels)
