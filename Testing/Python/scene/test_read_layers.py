"""Segmentations with many segments, and the views of a pair."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer
from scipy import ndimage
from worlds import add_volume, grid_around, volume_on

from inr_registration.slicer.scene import Layers, read_segment, segment_ids, show_pair


def test_many_segments_of_one_layer_are_looked_for_once_and_each_is_found(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole-body segmentation has a hundred segments in one image; to look through it for each of them takes seconds."""
    labels = np.zeros((20, 24, 28), dtype=np.int16)
    for n in range(12):
        labels[n : n + 2, 2 * n : 2 * n + 2, n : n + 3 + n % 3] = n + 1
    affine = np.array([[-1.0, 0, 0, 5], [0, -2, 0, 7], [0, 0, 3, -4], [0, 0, 0, 1]])
    source = slicer.util.addVolumeFromArray(labels, affine, "labels", "vtkMRMLLabelMapVolumeNode")
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "organs")
    slicer.vtkSlicerSegmentationsModuleLogic.ImportLabelmapToSegmentationNode(source, node)
    assert node.GetSegmentation().GetNumberOfLayers() == 1
    looks: list[int] = []
    find = ndimage.find_objects
    monkeypatch.setattr(ndimage, "find_objects", lambda array: looks.append(1) or find(array))
    layers = Layers()
    for number, segment in enumerate(segment_ids(node), start=1):
        mask = read_segment(node, segment, layers=layers)
        inside = mask.grid.to_world(np.argwhere(mask.values)[:, ::-1]) * [-1, -1, 1]
        wanted = np.argwhere(labels == number)[:, ::-1] @ affine[:3, :3].T + affine[:3, 3]
        assert np.allclose(inside, wanted)
    assert looks == [1]


def test_showing_a_pair_leaves_the_label_layer_alone(scene: Any) -> None:
    pair = [add_volume(volume_on(grid_around(np.eye(3))), name) for name in ("one", "two")]
    labels = add_volume(volume_on(grid_around(np.eye(3)), dtype=np.int16), "labels", "vtkMRMLLabelMapVolumeNode")
    composite = scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")
    composite.SetLabelVolumeID(labels.GetID())
    show_pair(scene, *pair)
    assert composite.GetBackgroundVolumeID() == pair[0].GetID()
    assert composite.GetForegroundVolumeID() == pair[1].GetID()
    assert composite.GetLabelVolumeID() == labels.GetID()
