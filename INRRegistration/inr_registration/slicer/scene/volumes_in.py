"""Images out of the scene, in the world."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from inr_registration.core.errors import InputError
from inr_registration.core.volume import Volume
from inr_registration.slicer.scene.frames import grid_from_ras, ijk_to_ras, linear_matrix, to_matrix
from inr_registration.slicer.scene.placement import to_world
from inr_registration.slicer.scene.volumes_out import image_of

Array = npt.NDArray[np.float64]

KEPT = ("uint8", "int8", "uint16", "int16", "int32", "float32", "float64")
"""Voxel types that stay as they are; others become float64."""


def read_volume(node: slicer.vtkMRMLVolumeNode, moving: slicer.vtkMRMLVolumeNode | None = None) -> Volume:
    """A copy of a volume node's voxels on its grid in the world (LPS).

    Linear parents go into the grid. Under deformable ones a copy that is not in the scene is resampled, label maps by nearest
    neighbour.

    Args:
        node: Of any scalar type; stays as it is.
        moving: See ``placement.to_world``.

    Raises:
        InputError: It has no image, or more than one value in each voxel.
    """
    _check(node)
    matrix = linear_matrix(to_world(node, moving))
    if matrix is None:
        node, matrix = _hardened(node, to_world(node, moving)), np.eye(4)
    return from_image(node.GetImageData(), matrix @ ijk_to_ras(node), node.GetName())


def from_image(image: vtk.vtkImageData, affine: Array, name: str) -> Volume:
    """A copy of a VTK image; ``affine`` (4, 4) leads from its first voxel's index to RAS mm."""
    size = image.GetDimensions()
    values = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(size[::-1])
    kept = values.dtype if values.dtype.name in KEPT else np.dtype(np.float64)
    try:
        return Volume(np.array(values, dtype=kept, order="C", copy=True), grid_from_ras(size, affine), name)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error


def hardened_mask(values: npt.NDArray[np.bool_], affine: Array, transform: vtk.vtkGeneralTransform, name: str) -> Volume:
    """A mask (k, j, i) on the grid of ``affine`` (index to RAS mm), resampled through a deformable transform, nearest neighbour."""
    node = slicer.vtkMRMLLabelMapVolumeNode()
    node.SetName(name)
    node.SetAndObserveImageData(image_of(values.astype(np.uint8)))
    node.SetIJKToRASMatrix(to_matrix(affine))
    _harden(node, transform)
    return from_image(node.GetImageData(), ijk_to_ras(node), name)


def _check(node: slicer.vtkMRMLVolumeNode) -> None:
    name, image = node.GetName(), node.GetImageData()
    if image is None or image.GetPointData().GetScalars() is None or min(image.GetDimensions()) < 1:
        raise InputError(f"{name}: this volume has no image data; load or choose another one")
    components = image.GetNumberOfScalarComponents()
    if components != 1:
        raise InputError(
            f"{name}: each voxel has {components} values (a colour or vector image); convert it to one value per voxel, "
            "for example with the module Vector to Scalar Volume"
        )


def _hardened(node: slicer.vtkMRMLVolumeNode, transform: vtk.vtkGeneralTransform) -> slicer.vtkMRMLVolumeNode:
    """A volume node outside the scene with the image resampled through a transform."""
    copy: Any = slicer.vtkMRMLLabelMapVolumeNode() if node.IsA("vtkMRMLLabelMapVolumeNode") else slicer.vtkMRMLScalarVolumeNode()
    copy.SetName(node.GetName())
    image = vtk.vtkImageData()
    image.ShallowCopy(node.GetImageData())
    copy.SetAndObserveImageData(image)
    copy.SetIJKToRASMatrix(to_matrix(ijk_to_ras(node)))
    _harden(copy, transform)
    return copy


def _harden(node: slicer.vtkMRMLVolumeNode, transform: vtk.vtkGeneralTransform) -> None:
    """Resample a volume node through a transform, in a scene of its own: Slicer finds the new extent through a parent node only."""
    scene, parent = slicer.vtkMRMLScene(), slicer.vtkMRMLTransformNode()
    parent.SetAndObserveTransformToParent(transform)
    scene.AddNode(parent)
    scene.AddNode(node)
    node.SetAndObserveTransformNodeID(parent.GetID())
    node.HardenTransform()
    scene.Clear()
