"""Slices from the header of one file: which kind of object it is, and what each kind says about its slices."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from inr_registration.io.dicom import values
from inr_registration.io.dicom.enhanced import enhanced_frames
from inr_registration.io.dicom.frame import Floats, Frame
from inr_registration.io.dicom.mosaic import is_mosaic, mosaic_frames
from inr_registration.io.dicom.tags import tags_of, times_of

MOST_FRAMES = 1_000_000
DOSE = "1.2.840.10008.5.1.4.1.1.481.2"
NUCLEAR = "1.2.840.10008.5.1.4.1.1.20"


def frames_of(data: Dataset, path: Path) -> list[Frame]:
    """The slices of one file with pixels.

    Args:
        data: Its header.
        path: Where it lies.
    """
    base = _base(data, path)
    if values.get(data, "PerFrameFunctionalGroupsSequence") is not None:
        return enhanced_frames(data, base)
    if is_mosaic(data):
        return mosaic_frames(data, base)
    if base.count == 1:
        return [_by_detector(data, base)]
    places = _dose_places(data, base) if values.text(data, "SOPClassUID") == DOSE else _nuclear_places(data, base)
    if places is None:
        return [replace(base, index=n, position=None) for n in range(base.count)]
    return places


def _base(data: Dataset, path: Path) -> Frame:
    """What the top of the header says, as one slice."""
    slope = values.number(data, "DoseGridScaling")
    return Frame(
        path=path,
        uid=values.text(data, "SOPInstanceUID"),
        index=0,
        count=min(max(values.whole(data, "NumberOfFrames", 1), 1), MOST_FRAMES),
        size=(values.whole(data, "Columns", 0), values.whole(data, "Rows", 0)),
        position=values.position(data),
        axes=values.axes(data),
        spacing=values.spacing(data),
        scale=values.scale(data) or ((slope, 0.0) if slope is not None else (1.0, 0.0)),
        bits=(values.whole(data, "BitsStored", 16), values.whole(data, "PixelRepresentation", 0) == 1),
        colours=values.whole(data, "SamplesPerPixel", 1),
        syntax=values.text(getattr(data, "file_meta", None), "TransferSyntaxUID"),
        number=values.whole(data, "InstanceNumber", 0),
        tags=tags_of(data),
        times=times_of(data),
    )


def _dose_places(data: Dataset, base: Frame) -> list[Frame] | None:
    """RT dose: offsets from the first plane, or places along the patient's axis where the first one is not 0."""
    offsets = values.numbers(data, "GridFrameOffsetVector", base.count)
    if offsets is None or not base.placed:
        return None
    along = base.normal if offsets[0] == 0 else np.array([0.0, 0.0, 1.0])
    return [_at(base, n, (offset - offsets[0]) * along) for n, offset in enumerate(offsets)]


def _nuclear_places(data: Dataset, base: Frame) -> list[Frame] | None:
    """Reconstructed tomograms of nuclear medicine: one detector says where the first slice lies."""
    kind = values.get(data, "ImageType")
    step = values.number(data, "SpacingBetweenSlices")
    if values.text(data, "SOPClassUID") != NUCLEAR or kind is None or "RECON" not in str(kind) or not step:
        return None
    base = _by_detector(data, base)
    order = values.numbers(data, "SliceVector", base.count)
    if not base.placed or order is None:
        return None
    frames = [_at(base, n, (slice_ - 1) * abs(step) * base.normal) for n, slice_ in enumerate(order)]
    vectors = {name: values.numbers(data, name, base.count) for name in ("TimeSlotVector", "EnergyWindowVector")}
    given = {name: vector for name, vector in vectors.items() if vector is not None}
    return [replace(f, tags={**f.tags, **{name: float(vector[n]) for name, vector in given.items()}}) for n, f in enumerate(frames)]


def _by_detector(data: Dataset, base: Frame) -> Frame:
    """In nuclear medicine, place and orientation are said of the detector."""
    detector = values.item(data, "DetectorInformationSequence")
    place, axes = values.position(detector), values.axes(detector)
    return replace(base, position=base.position if place is None else place, axes=base.axes if axes is None else axes)


def _at(base: Frame, index: int, shift: Floats) -> Frame:
    assert base.position is not None
    return replace(base, index=index, position=base.position + shift)
