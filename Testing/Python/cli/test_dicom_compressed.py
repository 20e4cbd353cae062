"""Compressed DICOM pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from dicom_files import SHUFFLED, TRUTH, enhanced, group, item, one_slice, refused, series
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

from inr_registration.io import read_image


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
