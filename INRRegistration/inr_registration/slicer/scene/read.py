"""Nodes to a ``Problem``: everything in the world (LPS mm), everything copied, no node changed.

Parent transforms are honoured: linear ones go into the grids, deformable ones into resampled copies. Where the moving volume lies
under a result that was made for it, this result does not count, nor for its mask, landmarks and segments: a new run starts from
where they were before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import slicer
import vtk

from inr_registration.core.errors import InputError
from inr_registration.core.grid import Grid
from inr_registration.core.problem import Problem
from inr_registration.core.volume import Volume
from inr_registration.slicer.scene.frames import flip_map, linear_matrix
from inr_registration.slicer.scene.masks_in import Layers, read_mask, read_segment, segment_ids
from inr_registration.slicer.scene.placement import parents
from inr_registration.slicer.scene.points_in import read_axis, read_curve, read_pairs
from inr_registration.slicer.scene.resample import on_grid, paste
from inr_registration.slicer.scene.structure import Structure
from inr_registration.slicer.scene.volumes_in import read_volume

Array = npt.NDArray[np.float64]
MaskNode = slicer.vtkMRMLSegmentationNode | slicer.vtkMRMLLabelMapVolumeNode


@dataclass(frozen=True, eq=False)
class Inputs:
    """The nodes that a registration is asked for; None where nothing was chosen.

    Args:
        fixed: The volume that stays.
        moving: The volume that is brought onto it.
        fixed_mask: A label map or a segmentation; where the fixed image counts.
        moving_mask: The same for the moving image.
        fixed_mask_segment: ID of the segment to use; empty for all of them together.
        moving_mask_segment: The same for the moving mask.
        fixed_landmarks: Points in the fixed image; they measure, and steer where ``Settings.landmark_weight`` is above 0.
        moving_landmarks: The corresponding points in the moving image.
        initial: A linear transform node that would bring the moving volume to the fixed one if it was put above it. So its
            transform from parent, with its own parents, takes a fixed world point to a moving world point.
        fixed_segmentation: Structures in the fixed image, for quality and for naming where the map folds.
        moving_segmentation: Structures in the moving image; those with the same name are compared.
        centrelines: Open curves in the fixed image, for methods with tube coordinates.
        long_axis: Two points of the left ventricle in the fixed image, apex and base, for methods with cardiac coordinates.
        ventricle: The left ventricle in the fixed image, in which its long axis is found where none is given.
        ventricle_segment: ID of its segment; empty for all of them together.
    """

    fixed: slicer.vtkMRMLScalarVolumeNode
    moving: slicer.vtkMRMLScalarVolumeNode
    fixed_mask: MaskNode | None = None
    moving_mask: MaskNode | None = None
    fixed_mask_segment: str = ""
    moving_mask_segment: str = ""
    fixed_landmarks: slicer.vtkMRMLMarkupsFiducialNode | None = None
    moving_landmarks: slicer.vtkMRMLMarkupsFiducialNode | None = None
    initial: slicer.vtkMRMLTransformNode | None = None
    fixed_segmentation: slicer.vtkMRMLSegmentationNode | None = None
    moving_segmentation: slicer.vtkMRMLSegmentationNode | None = None
    centrelines: tuple[slicer.vtkMRMLMarkupsCurveNode, ...] = ()
    long_axis: slicer.vtkMRMLMarkupsLineNode | slicer.vtkMRMLMarkupsFiducialNode | None = None
    ventricle: MaskNode | None = None
    ventricle_segment: str = ""

    def nodes(self) -> list[vtk.vtkObject]:
        """All chosen nodes."""
        return [node for node in (*vars(self).values(), *self.centrelines) if isinstance(node, vtk.vtkObject)]


def read(inputs: Inputs) -> Problem:
    """Copy everything that a registration needs out of the scene.

    Labels in the problem are numbers of structures: 1 is the first that ``read_structures`` gives.

    Raises:
        InputError: A node cannot be used; the text names it and says what to do.
    """
    _check_choice(inputs)
    fixed, moving = read_volume(inputs.fixed), read_volume(inputs.moving, inputs.moving)
    landmarks = _landmarks(inputs)
    labels = _labels(inputs, fixed.grid, moving.grid)
    return Problem(
        fixed=fixed,
        moving=moving,
        fixed_mask=None if inputs.fixed_mask is None else read_mask(inputs.fixed_mask, inputs.fixed_mask_segment),
        moving_mask=None if inputs.moving_mask is None else read_mask(inputs.moving_mask, inputs.moving_mask_segment, inputs.moving),
        initial=None if inputs.initial is None else _initial(inputs.initial, inputs.moving),
        fixed_landmarks=landmarks[0],
        moving_landmarks=landmarks[1],
        fixed_labels=labels[0],
        moving_labels=labels[1],
        centrelines=tuple(read_curve(node) for node in inputs.centrelines),
        long_axis=None if inputs.long_axis is None else read_axis(inputs.long_axis),
        ventricle=None if inputs.ventricle is None else read_mask(inputs.ventricle, inputs.ventricle_segment),
    )


def read_structures(inputs: Inputs, grid: Grid | None = None) -> tuple[Structure, ...]:
    """The segments of the fixed segmentation on the fixed grid, in their order; empty ones are left out.

    Args:
        inputs: See there.
        grid: The fixed grid where it is known, such as ``problem.fixed.grid``; found anew otherwise.
    """
    if inputs.fixed_segmentation is None:
        return ()
    grid = read_volume(inputs.fixed).grid if grid is None else grid
    return tuple(Structure(name, first, mask) for name, first, mask in _segments(inputs.fixed_segmentation, grid) if mask.any())


def _check_choice(inputs: Inputs) -> None:
    if inputs.fixed is None or inputs.moving is None:
        raise InputError(f"no {'fixed' if inputs.fixed is None else 'moving'} volume is chosen; choose one")
    if inputs.fixed is inputs.moving:
        raise InputError(f"{inputs.fixed.GetName()} is chosen as fixed and as moving volume; choose two different volumes")
    for node in inputs.nodes():
        if node.GetScene() is None:
            raise InputError(f"{node.GetName()} is no longer in the scene; choose another node")


def _landmarks(inputs: Inputs) -> tuple[Array | None, Array | None]:
    fixed, moving = inputs.fixed_landmarks, inputs.moving_landmarks
    if fixed is None and moving is None:
        return None, None
    if fixed is None or moving is None:
        given, other = (fixed, "moving") if moving is None else (moving, "fixed")
        raise InputError(f"{given.GetName()} is chosen, but no {other} landmarks; choose both, or none")
    return read_pairs(fixed, moving, inputs.moving)


def _initial(node: slicer.vtkMRMLTransformNode, moving: slicer.vtkMRMLVolumeNode) -> Array:
    name = node.GetName()
    if node in parents(moving):
        raise InputError(f"{moving.GetName()} already lies under {name}, so it would count twice; choose no initial transform")
    general = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(None, node, general)
    matrix = linear_matrix(general)
    if matrix is None:
        raise InputError(f"{name} is not linear; choose a linear initial transform, or put the moving volume under {name} and choose none")
    return flip_map(matrix)


def _segments(
    node: slicer.vtkMRMLSegmentationNode, grid: Grid, moving: slicer.vtkMRMLVolumeNode | None = None
) -> Iterator[tuple[str, tuple[int, int, int], npt.NDArray[np.bool_]]]:
    """Name, first voxel (i, j, k) and cropped mask (k, j, i) of each segment."""
    layers = Layers()
    for segment in segment_ids(node):
        yield node.GetSegmentation().GetSegment(segment).GetName(), *on_grid(read_segment(node, segment, moving, layers), grid)


def _labels(inputs: Inputs, fixed_grid: Grid, moving_grid: Grid) -> tuple[Volume | None, Volume | None]:
    """Both segmentations as numbers on the grids of the images; where segments overlap, the last one counts."""
    fixed, moving = inputs.fixed_segmentation, inputs.moving_segmentation
    if fixed is None or moving is None:
        return None, None
    structures = read_structures(inputs, fixed_grid)
    numbers = {structure.name: n for n, structure in enumerate(structures, start=1)}
    labels = np.zeros(fixed_grid.shape, dtype=np.int16), np.zeros(moving_grid.shape, dtype=np.int16)
    for structure in structures:
        paste(labels[0], structure.first, structure.mask, numbers[structure.name])
    for name, first, mask in _segments(moving, moving_grid, inputs.moving):
        if name in numbers:
            paste(labels[1], first, mask, numbers[name])
    if not labels[1].any():
        raise InputError(
            f"no segment of {fixed.GetName()} and {moving.GetName()} has the same name ({', '.join(numbers) or 'no segment'}); "
            "give corresponding segments the same name, or choose no moving segmentation"
        )
    return Volume(labels[0], fixed_grid, fixed.GetName()), Volume(labels[1], moving_grid, moving.GetName())
