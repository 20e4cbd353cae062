"""Masks out of the scene: segments and label maps, in the world, on grids of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
import vtk
from scipy import ndimage
from vtk.util.numpy_support import vtk_to_numpy

from inr_registration.core.errors import InputError
from inr_registration.core.volume import Volume
from inr_registration.slicer.scene.frames import grid_from_ras, linear_matrix, to_array
from inr_registration.slicer.scene.placement import to_world
from inr_registration.slicer.scene.resample import on_grid, paste
from inr_registration.slicer.scene.volumes_in import hardened_mask, read_volume

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Index = tuple[int, int, int]
Moving = slicer.vtkMRMLVolumeNode | None

LABELMAP = "Binary labelmap"


def read_mask(node: slicer.vtkMRMLSegmentationNode | slicer.vtkMRMLLabelMapVolumeNode, segment: str = "", moving: Moving = None) -> Volume:
    """A mask in the world (LPS), positive inside, on a grid of its own.

    Args:
        node: A label map, of which every label but 0 counts, or a segmentation.
        segment: ID of one segment; empty for all of them together.
        moving: See ``placement.to_world``.

    Raises:
        InputError: There is no such segment, or nothing is inside.
    """
    if not node.IsA("vtkMRMLSegmentationNode"):
        volume = read_volume(node, moving)
        mask = Volume(volume.defined() & np.not_equal(volume.values, 0), volume.grid, volume.name)
    else:
        chosen = [segment] if segment else segment_ids(node)
        if not chosen:
            raise InputError(f"{node.GetName()}: this segmentation has no segment; draw one, or choose no mask")
        layers = Layers()
        parts = [read_segment(node, name, moving, layers) for name in chosen]
        mask = parts[0] if len(parts) == 1 else _union([part for part in parts if part.values.size > 1] or parts[:1], node.GetName())
    if not mask.values.any():
        raise InputError(f"{mask.name}: this mask is empty; draw something, or choose another mask or none")
    return mask


def segment_ids(node: slicer.vtkMRMLSegmentationNode) -> list[str]:
    """The IDs of all segments, in their order."""
    segmentation = node.GetSegmentation()
    return [segmentation.GetNthSegmentID(n) for n in range(segmentation.GetNumberOfSegments())]


class Layers:
    """The images in which segments lie together, each looked through once however many segments are read from it."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Any, npt.NDArray[np.generic], list[Any]]] = {}

    def crop(self, image: slicer.vtkOrientedImageData, value: int) -> tuple[Mask, Index] | None:
        """Where an image holds a value: a mask (k, j, i), and its first voxel (i, j, k) in the image. None where it is not there."""
        key = image.GetAddressAsString("")
        if key not in self._seen:
            array = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])
            whole = array if array.dtype.kind in "iu" else array.astype(np.int32)
            self._seen[key] = image, array, ndimage.find_objects(whole)
        _, array, boxes = self._seen[key]
        box = boxes[value - 1] if 0 < value <= len(boxes) else None
        if box is None:
            return None
        return array[box] == value, (box[2].start, box[1].start, box[0].start)


def read_segment(node: slicer.vtkMRMLSegmentationNode, segment: str, moving: Moving = None, layers: Layers | None = None) -> Volume:
    """One segment in the world (LPS) as a boolean volume on a grid of its own; a single voxel that is not set where it is empty.

    Args:
        node: Stays as it is: what it does not hold as a label map is converted in a copy.
        segment: Its ID.
        moving: See ``placement.to_world``.
        layers: Where several segments of a node are read one after the other, the same for all of them.

    Raises:
        InputError: There is no such segment, or it cannot be turned into voxels.
    """
    found = node.GetSegmentation().GetSegment(segment)
    if found is None:
        names = ", ".join(node.GetSegmentation().GetSegment(name).GetName() for name in segment_ids(node)) or "none"
        raise InputError(f"{node.GetName()}: there is no segment with the ID '{segment}' (there are: {names}); choose the segment again")
    name = f"{node.GetName()}: {found.GetName()}"
    cropped = _voxels(node, segment, name, Layers() if layers is None else layers)
    if cropped is None:
        return Volume(np.zeros((1, 1, 1), dtype=bool), grid_from_ras((1, 1, 1), np.eye(4)), name)
    values, affine = cropped
    transform = to_world(node, moving)
    matrix = linear_matrix(transform)
    if matrix is None:
        mask = hardened_mask(values, affine, transform, name)
        return Volume(mask.values > 0, mask.grid, name)
    return Volume(values, grid_from_ras(values.shape[::-1], matrix @ affine), name)


def _voxels(node: slicer.vtkMRMLSegmentationNode, segment: str, name: str, layers: Layers) -> tuple[Mask, Array] | None:
    """The voxels (k, j, i) of one segment and their affine to the node's RAS mm; None where there are none."""
    if node.GetSegmentation().ContainsRepresentation(LABELMAP):
        found = node.GetSegmentation().GetSegment(segment)
        image, value = found.GetRepresentation(LABELMAP), found.GetLabelValue()
    else:
        image = slicer.vtkOrientedImageData()
        if not slicer.vtkSlicerSegmentationsModuleLogic.GetSegmentBinaryLabelmapRepresentation(node, segment, image, False):
            raise InputError(f"{name}: this segment cannot be turned into voxels; create its binary labelmap in the module Segmentations")
        value = int(image.GetScalarRange()[1])
    if image is None or image.GetPointData().GetScalars() is None or image.GetNumberOfPoints() == 0:
        return None
    cropped = layers.crop(image, value)
    if cropped is None:
        return None
    mask, first = cropped
    affine = to_array(_image_to_world(image))
    affine[:3, 3] += affine[:3, :3] @ (np.array(image.GetExtent()[::2]) + first)  # its indices need not start at 0
    return mask, affine


def _image_to_world(image: slicer.vtkOrientedImageData) -> vtk.vtkMatrix4x4:
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    return matrix


def _union(parts: list[Volume], name: str) -> Volume:
    """All of the masks together, on a grid in the directions of the first one that covers them all."""
    frame = parts[0].grid
    corners = np.concatenate([frame.to_index(part.grid.corners()) for part in parts])
    low, high = np.floor(corners.min(axis=0) + 0.5), np.ceil(corners.max(axis=0) - 0.5)
    i, j, k = (int(n) for n in high - low + 1)
    grid = frame.cropped(low, (i, j, k))
    out = np.zeros(grid.shape, dtype=bool)
    for part in parts:
        paste(out, *on_grid(part, grid))
    return Volume(out, grid, name)
