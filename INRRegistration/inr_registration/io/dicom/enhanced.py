"""Enhanced multi-frame objects: what is said of all frames and of each, in functional groups."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace

from pydicom.dataset import Dataset

from inr_registration.io.dicom import values
from inr_registration.io.dicom.frame import Frame
from inr_registration.io.dicom.tags import ACROSS, tags_of, times_of

Macro = Callable[[str], Dataset | None]
MACROS = (
    "FrameContentSequence",
    "MREchoSequence",
    "MRDiffusionSequence",
    "MRImageFrameTypeSequence",
    "CTImageFrameTypeSequence",
    "PETFrameTypeSequence",
    "MRTimingAndRelatedParametersSequence",
    "MRModifierSequence",
    "CardiacSynchronizationSequence",
    "RespiratorySynchronizationSequence",
    "TemporalPositionSequence",
    "CTXRayDetailsSequence",
    "CTReconstructionSequence",
)
"""Groups with elements of ``tags.TAGS``."""


def enhanced_frames(data: Dataset, base: Frame) -> list[Frame]:
    """The frames of a file with functional groups, in the order of the file.

    Args:
        data: Its header.
        base: What the top of the header says.
    """
    shared = values.item(data, "SharedFunctionalGroupsSequence")
    groups = list(values.get(data, "PerFrameFunctionalGroupsSequence") or [])
    varying = _varying(data)
    macros = [_macros(groups[n] if n < len(groups) else None, shared) for n in range(base.count)]
    frames = [_frame(base, index, macro, varying) for index, macro in enumerate(macros)]
    real = [values.mapping(macro("RealWorldValueMappingSequence")) for macro in macros]
    if len(set(real)) == 1 or any(values.scale(macro("PixelValueTransformationSequence")) for macro in macros):
        return frames
    return [replace(frame, scale=own or frame.scale) for frame, own in zip(frames, real, strict=True)]


def _macros(own: Dataset | None, shared: Dataset | None) -> Macro:
    """Gives the first item of a functional group: the frame's own, else that of all frames."""

    def macro(name: str) -> Dataset | None:
        inside = values.item(own, name)
        return values.item(shared, name) if inside is None else inside

    return macro


def _frame(base: Frame, index: int, macro: Macro, varying: list[int]) -> Frame:
    place, turn = macro("PlanePositionSequence"), macro("PlaneOrientationSequence")
    position, axes = values.position(place), values.axes(turn)
    if position is None:  # ultrasound volumes have a frame of reference of their own
        position = values.position(macro("PlanePositionVolumeSequence"), "ImagePositionVolume")
        axes = axes if position is None else values.axes(macro("PlaneOrientationVolumeSequence"), "ImageOrientationVolume")
    spacing = values.spacing(macro("PixelMeasuresSequence"))
    content = [macro(name) for name in MACROS]
    gradient = values.item(macro("MRDiffusionSequence"), "DiffusionGradientDirectionSequence")
    return replace(
        base,
        index=index,
        position=base.position if position is None and base.count == 1 else position,
        axes=base.axes if axes is None else axes,
        spacing=base.spacing if spacing is None else spacing,
        scale=values.scale(macro("PixelValueTransformationSequence")) or base.scale,
        segment=values.whole(macro("SegmentIdentificationSequence"), "ReferencedSegmentNumber", 0),
        tags={**base.tags, **_index(content[0], varying), **tags_of(*content, gradient), **_file(base)},
        times={**base.times, **times_of(*content)},
    )


def _file(base: Frame) -> dict[str, Hashable]:
    """Frames of different files belong to different volumes where nothing else tells them apart."""
    return {"SOPInstanceUID": base.uid} if base.count > 1 else {}


def _varying(data: Dataset) -> list[int]:
    """Which dimensions do not run across the slices of one volume."""
    dimensions = values.get(data, "DimensionIndexSequence") or []
    return [n for n, entry in enumerate(dimensions) if values.get(entry, "DimensionIndexPointer") not in ACROSS]


def _index(content: Dataset | None, varying: list[int]) -> dict[str, Hashable]:
    found = values.numbers(content, "DimensionIndexValues")
    if found is None or not varying or len(found) <= max(varying):
        return {}
    return {"DimensionIndex": tuple(float(found[n]) for n in varying)}
