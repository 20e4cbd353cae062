"""What tells apart volumes that lie in one place: times, echoes, b-values and the like."""

from __future__ import annotations

from collections.abc import Hashable

from pydicom.dataset import Dataset

from inr_registration.io.dicom import values

TAGS: dict[str, tuple[str, str]] = {
    "FrameOfReferenceUID": ("frame of reference", ""),
    "TemporalPositionIdentifier": ("time point", ""),
    "TemporalPositionIndex": ("time point", ""),
    "EchoTime": ("echo time", " ms"),
    "EffectiveEchoTime": ("echo time", " ms"),
    "EchoNumbers": ("echo", ""),
    "DiffusionBValue": ("b-value", " s/mm2"),
    "DiffusionGradientOrientation": ("gradient", ""),
    "ComplexImageComponent": ("component", ""),
    "FrameType": ("type", ""),
    "ImageType": ("type", ""),
    "InversionTime": ("inversion time", " ms"),
    "FlipAngle": ("flip angle", " degrees"),
    "NominalPercentageOfCardiacPhase": ("cardiac phase", " %"),
    "NominalCardiacTriggerDelayTime": ("trigger delay", " ms"),
    "NominalRespiratoryTriggerDelayTime": ("respiratory delay", " ms"),
    "TimeSlotVector": ("time slot", ""),
    "EnergyWindowVector": ("energy window", ""),
    "FrameReferenceTime": ("frame time", " ms"),
    "TemporalPositionTimeOffset": ("time", " s"),
    "ConvolutionKernel": ("kernel", ""),
    "KVP": ("tube voltage", " kV"),
    "AcquisitionNumber": ("acquisition", ""),
    "TriggerTime": ("trigger time", " ms"),
    "StackID": ("stack", ""),
    "DimensionIndex": ("dimension index", ""),
    "AcquisitionTime": ("acquisition time", ""),
    "SOPInstanceUID": ("file", ""),
}
"""Keyword -> its name for the user and its unit, those first that say most. The last is for files of
many frames only."""

HIDDEN = ("FrameOfReferenceUID", "AcquisitionTime", "SOPInstanceUID", "DiffusionGradientOrientation", "DimensionIndex")
"""Told as a counting number: their values say who or when, or are long."""
TIMES = ("TriggerTime", "FrameReferenceTime", "AcquisitionDateTime", "AcquisitionTime", "ContentTime")
ACROSS = (0x00200032, 0x00209057, 0x0040A124)
"""Dimension pointers along which the slices of one volume differ: position, place in the stack, a UID."""


def tags_of(*groups: Dataset | None) -> dict[str, Hashable]:
    """The values of ``TAGS`` that these headers give, the first that has one counting."""
    found: dict[str, Hashable] = {}
    for keyword in TAGS.keys() - {"SOPInstanceUID"}:
        for data in groups:
            value = values.get(data, keyword)
            if value is not None:
                found[keyword] = _plain(value)
                break
    return found


def times_of(*groups: Dataset | None) -> dict[str, float]:
    """Numbers that grow with time, by keyword."""
    found = {}
    for keyword in TIMES:
        for data in groups:
            value = values.number(data, keyword) if keyword in ("TriggerTime", "FrameReferenceTime") else values.seconds(data, keyword)
            if value is not None:
                found[keyword] = value
                break
    return found


def words_of(keyword: str, value: Hashable, rank: int) -> str:
    """For the user: 'echo time 20 ms'."""
    name, unit = TAGS[keyword]
    shown = rank if keyword in HIDDEN else "not given" if value is None else _short(value)
    return f"{name} {shown}{unit if value is not None else ''}"


def _short(value: Hashable) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return "/".join(map(_short, value)) if isinstance(value, tuple) else str(value)[:40]


def _plain(value: object) -> Hashable:
    """A number where it is one, else text; several values as a tuple."""
    if isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
        try:
            return float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())
    return tuple(_plain(part) for part in value)
