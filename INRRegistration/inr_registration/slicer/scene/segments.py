"""Folding and compression as a segmentation of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import slicer

from inr_registration.core.grid import Grid
from inr_registration.slicer.scene.frames import ras_affine, to_matrix
from inr_registration.slicer.scene.volumes_out import image_of

LABELMAP, SURFACE = "Binary labelmap", "Closed surface"
FOLDING, COMPRESSED = "folding", "compressed"
"""Segment IDs."""
LOOKS = {  # segment ID: (label value, name, colour), visible at first
    FOLDING: (1, "Folding: det J at or below 0", (1.0, 0.0, 1.0), True),
    COMPRESSED: (2, "Compressed: det J above 0 and below {threshold:g}", (1.0, 0.75, 0.2), False),
}


def write_segments(
    node: slicer.vtkMRMLSegmentationNode, labels: npt.NDArray[np.uint8], first: tuple[int, int, int], grid: Grid, threshold: float
) -> None:
    """Replace a segmentation's segments by those of folding and compression; which of them are shown, and how, stays.

    Args:
        node: The segmentation; it loses its parent transform.
        labels: (k, j, i): 1 folding, 2 compressed. May have no voxel: then both segments are empty.
        first: Voxel (i, j, k) of the grid at which the labels start.
        grid: The fixed grid in the world.
        threshold: Below which a voxel counts as compressed.
    """
    image = _oriented(labels if labels.size else np.zeros((1, 1, 1), np.uint8), first, grid)
    segments = []
    for name, (value, title, colour, _) in LOOKS.items():
        segment = slicer.vtkSegment()
        segment.SetName(title.format(threshold=threshold))
        segment.SetColor(*colour)
        segment.AddRepresentation(LABELMAP, image)
        segment.SetLabelValue(value)
        segments.append((name, segment))
    node.SetAndObserveTransformNodeID(None)
    _show_first_time(node, _replace(node, segments))


def hold_segments(node: slicer.vtkMRMLSegmentationNode) -> Callable[[], Any]:
    """What puts the present segments back."""
    segmentation = node.GetSegmentation()
    names = [segmentation.GetNthSegmentID(n) for n in range(segmentation.GetNumberOfSegments())]
    held = [(name, segmentation.GetSegment(name)) for name in names]
    return lambda: _replace(node, held)


def _oriented(labels: npt.NDArray[np.uint8], first: tuple[int, int, int], grid: Grid) -> slicer.vtkOrientedImageData:
    image = slicer.vtkOrientedImageData()
    image.ShallowCopy(image_of(labels))
    i, j, k = first
    image.SetExtent(i, i + labels.shape[2] - 1, j, j + labels.shape[1] - 1, k, k + labels.shape[0] - 1)
    image.SetImageToWorldMatrix(to_matrix(ras_affine(grid)))
    return image


def _replace(node: slicer.vtkMRMLSegmentationNode, segments: list[tuple[str, slicer.vtkSegment]]) -> list[str]:
    """Exchange the segments; those that were there before are shown as they were.

    Returns:
        IDs of the segments that were not there before.
    """
    segmentation, display = node.GetSegmentation(), node.GetDisplayNode()
    shown = {} if display is None else {name: _shown(display, name) for name, _ in segments if segmentation.GetSegment(name)}
    solid = segmentation.ContainsRepresentation(SURFACE)  # for the 3D views
    changing = node.StartModify()
    segmentation.RemoveAllSegments()
    segmentation.SetSourceRepresentationName(LABELMAP)
    for name, segment in segments:
        segmentation.AddSegment(segment, name)
    if solid:
        node.CreateClosedSurfaceRepresentation()
    for name, (visible, *opacities) in shown.items():
        display.SetSegmentVisibility(name, visible)
        for setter, opacity in zip(OPACITIES, opacities, strict=True):
            getattr(display, f"Set{setter}")(name, opacity)
    node.EndModify(changing)
    return [name for name, _ in segments if name not in shown]


OPACITIES = ("SegmentOpacity2DFill", "SegmentOpacity2DOutline", "SegmentOpacity3D")


def _shown(display: slicer.vtkMRMLSegmentationDisplayNode, name: str) -> tuple[Any, ...]:
    return (display.GetSegmentVisibility(name), *(getattr(display, f"Get{getter}")(name) for getter in OPACITIES))


def _show_first_time(node: slicer.vtkMRMLSegmentationNode, names: list[str]) -> None:
    if not names:
        return
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
    for name in names:
        node.GetDisplayNode().SetSegmentVisibility(name, LOOKS[name][3])
