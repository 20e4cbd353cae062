"""Segmentations of 3D Slicer (``.seg.nrrd``) with several layers, or from before Slicer 4.11: one label map of all segments."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from inr_registration.core.errors import InputError
from inr_registration.core.grid import Grid
from inr_registration.io.room import check_room
from inr_registration.io.units import RAS_TO_LPS

LEGACY = "Segmentation_Extent"
"""Slicer before 4.11 wrote the place of its crop here, and one frame for each segment."""


@dataclass(frozen=True)
class Segment:
    """One segment: its name, the layer (frame or component) that holds it, and its value there; None for all that is not 0."""

    name: str
    layer: int
    value: int | None


def is_layered(reader: sitk.ImageFileReader) -> bool:
    """Whether this is a segmentation that plain reading would take wrongly."""
    return reader.HasMetaDataKey(LEGACY) or (reader.HasMetaDataKey("Segment0_ID") and reader.GetNumberOfComponents() > 1)


def read_segmentation(reader: sitk.ImageFileReader, say: Callable[[str], None]) -> tuple[npt.NDArray[np.generic], Grid]:
    """Labels (k, j, i), and their grid, LPS mm, as Slicer places them.

    Where segments have different values in the file, these are their labels; else they are numbered by their order.

    Args:
        reader: That has read its header; its voxels are known to be there.
        say: Told the labels where they are numbered anew, and where segments overlap.

    Raises:
        InputError: The segments cannot be told apart.
    """
    legacy = reader.HasMetaDataKey(LEGACY)
    size = reader.GetSize()
    layers = (size[3] if len(size) > 3 else 1) if legacy else reader.GetNumberOfComponents()
    check_room(size[:3], 2 + layers * sitk.Image([1, 1, 1], reader.GetPixelID()).GetSizeOfPixelComponent())
    segments = _segments(reader, layers, legacy)
    image = reader.Execute()
    found = sitk.GetArrayFromImage(image)
    stack = found.reshape(layers, *found.shape[-3:]) if legacy else np.moveaxis(found.reshape(*found.shape[:3], layers), -1, 0)
    numbers = _numbers(segments)
    if numbers != [segment.value for segment in segments]:
        named = ", ".join(f"{number} {segment.name}" for number, segment in zip(numbers, segments, strict=True))
        say(f"its segments get labels by their order: {named}")
    return _joined(stack, segments, numbers, say), _grid(image, reader, legacy)


def _segments(reader: sitk.ImageFileReader, layers: int, legacy: bool) -> list[Segment]:
    def text(number: int, what: str) -> str:
        key = f"Segment{number}_{what}"
        return str(reader.GetMetaData(key)) if reader.HasMetaDataKey(key) else ""

    found = []
    for number in sorted(int(key[7:-3]) for key in reader.GetMetaDataKeys() if re.fullmatch(r"Segment\d+_ID", key)):
        layer, value = (_whole(text(number, what)) for what in ("Layer", "LabelValue"))
        name = text(number, "Name") or text(number, "ID")
        layer, value = number if layer is None else layer, 1 if value is None else value
        found.append(Segment(name, number, None) if legacy else Segment(name, layer, value))
    found = found or [Segment(f"segment {number + 1}", number, None) for number in range(layers)]
    wrong = [segment.name for segment in found if not 0 <= segment.layer < layers]
    if wrong:
        raise InputError(
            f"its header places the segment {wrong[0]} in a layer that is not there ({layers} layers); save it again in Slicer"
        )
    return found


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"-?\d+", text.strip()) else None


def _numbers(segments: list[Segment]) -> list[int]:
    values = [segment.value for segment in segments]
    if None not in values and 0 not in values and len(set(values)) == len(values):
        return [value for value in values if value is not None]
    return list(range(1, len(segments) + 1))


def _joined(
    stack: npt.NDArray[np.generic], segments: list[Segment], numbers: list[int], say: Callable[[str], None]
) -> npt.NDArray[np.int32]:
    """One label for each voxel; of segments that overlap the later one counts."""
    labels = np.zeros(stack.shape[1:], dtype=np.int32)
    shared = 0
    for segment, number in zip(segments, numbers, strict=True):
        layer = stack[segment.layer]
        inside = layer != 0 if segment.value is None else layer == segment.value
        shared += int(np.count_nonzero(labels[inside]))
        labels[inside] = number
    if shared:
        say(f"segments overlap in {shared} voxels, which count for the later one only; a label map holds one label per voxel")
    return labels


def _grid(image: sitk.Image, reader: sitk.ImageFileReader, legacy: bool) -> Grid:
    n = image.GetDimension()
    size = image.GetSize()
    direction = np.reshape(image.GetDirection(), (n, n))[:3, :3]
    grid = Grid.from_geometry((size[0], size[1], size[2]), image.GetSpacing()[:3], image.GetOrigin()[:3], direction)
    if not legacy:
        return grid
    extent = reader.GetMetaData(LEGACY).split()
    if len(extent) != 6 or not all(re.fullmatch(r"-?\d+", word) for word in extent):
        raise InputError(f"its header gives the extent '{' '.join(extent)[:60]}', six whole numbers are needed; save it again in Slicer")
    affine = RAS_TO_LPS @ grid.affine  # Slicer took what the file says for RAS
    shifted = affine.copy()
    shifted[:3, 3] += affine[:3, :3] @ np.array([float(word) for word in extent[::2]])
    return Grid(grid.size, shifted)
