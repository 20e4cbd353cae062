"""Between Slicer's frame and the core's: RAS and LPS, VTK matrices and numpy, volume nodes and grids.

Everything outside this layer is LPS; everything that a node holds is RAS. Both are in mm.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import slicer
import vtk

from inr_registration.core.grid import Grid

Array = npt.NDArray[np.float64]

SIGNS = np.array([-1.0, -1.0, 1.0])
"""Times a point or vector (..., 3): from RAS to LPS, and back."""
FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])


def to_array(matrix: vtk.vtkMatrix4x4) -> Array:
    """The numbers of a VTK matrix, (4, 4)."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def to_matrix(array: npt.ArrayLike) -> vtk.vtkMatrix4x4:
    """A VTK matrix with the numbers of a (4, 4) array."""
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(np.asarray(array, dtype=np.float64).ravel().tolist())
    return matrix


def flip_map(matrix: npt.ArrayLike) -> Array:
    """A (4, 4) map of world points, from RAS to LPS or back."""
    return np.asarray(FLIP @ np.asarray(matrix, dtype=np.float64) @ FLIP)


def linear_matrix(transform: vtk.vtkAbstractTransform) -> Array | None:
    """The (4, 4) matrix of a transform (RAS), or None where it is not linear."""
    found = vtk.vtkTransform()
    if not slicer.vtkMRMLTransformNode.IsGeneralTransformLinear(transform, found):
        return None
    return to_array(found.GetMatrix())


def grid_from_ras(size: tuple[int, int, int], ijk_to_ras: npt.ArrayLike) -> Grid:
    """The grid of ``size`` voxels whose (4, 4) affine is given in RAS mm.

    Raises:
        InputError: The affine is not invertible or not finite.
    """
    return Grid(size, FLIP @ np.asarray(ijk_to_ras, dtype=np.float64))


def ras_affine(grid: Grid) -> Array:
    """The (4, 4) affine from voxel index to RAS mm."""
    return np.asarray(FLIP @ grid.affine)


def ijk_to_ras(node: slicer.vtkMRMLVolumeNode) -> Array:
    """The (4, 4) affine of a volume node from voxel index to the node's own RAS mm, parents left out."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return to_array(matrix)


def set_grid(node: slicer.vtkMRMLVolumeNode, grid: Grid) -> None:
    """Give a volume node the geometry of a grid; it must have no parent transform to lie there in the world."""
    node.SetIJKToRASMatrix(to_matrix(ras_affine(grid)))
