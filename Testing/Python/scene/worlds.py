"""Images of a known function of the world, maps of known coefficients, and what they make of each other, without MRML."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
import vtk
from scipy.interpolate import BSpline
from scipy.ndimage import map_coordinates
from vtk.util.numpy_support import vtk_to_numpy

from inr_registration.core import Grid, ModelState, Outcome, Problem, Quality, Result, SplineTransform, Volume

Array = npt.NDArray[np.float64]

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
OBLIQUE = np.linalg.qr(np.array([[0.9, -0.3, 0.2], [0.25, 0.95, -0.1], [-0.2, 0.15, 0.97]]))[0]
OBLIQUE = OBLIQUE * np.sign(np.diag(OBLIQUE))
SHEAR = np.array([[1.0, 0.0, 0.25], [0.0, 1.0, -0.2], [0.0, 0.0, 1.0]])
DIRECTIONS = {
    "aligned": np.eye(3),
    "oblique": OBLIQUE,
    "flipped": np.diag([-1.0, 1.0, -1.0]),
    "left-handed": np.diag([1.0, 1.0, -1.0]),
    "permuted": np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]),
    "sheared": OBLIQUE @ SHEAR,
}
CENTRE = np.array([12.0, -30.0, 55.0])


def grid_around(direction: Array, size: tuple[int, int, int] = (24, 22, 16), spacing: tuple[float, ...] = (2.0, 2.2, 3.1)) -> Grid:
    """A grid (LPS) with its middle at ``CENTRE``."""
    steps = direction * np.asarray(spacing)
    return Grid.from_geometry(size, spacing, CENTRE - steps @ ((np.asarray(size) - 1) / 2), direction)


def brightness(points: Array) -> Array:
    """A smooth image of world points (..., 3) LPS."""
    x, y, z = np.moveaxis(np.asarray(points, dtype=np.float64) - CENTRE, -1, 0)
    return 100 + 40 * np.sin(x / 7) + 30 * np.cos(y / 9 + 0.3) + 20 * np.sin(z / 8 + x / 15)


def volume_on(grid: Grid, name: str = "image", dtype: Any = np.float32) -> Volume:
    return Volume(brightness(grid.to_world(indices(grid))).astype(dtype), grid, name)


def indices(grid: Grid) -> Array:
    k, j, i = np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij")
    return np.stack([i, j, k], axis=-1).astype(float)


def vtk_matrix(array: Array) -> vtk.vtkMatrix4x4:
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(np.asarray(array, dtype=float).ravel().tolist())
    return matrix


def add_volume(volume: Volume, name: str, kind: str = "vtkMRMLScalarVolumeNode") -> Any:
    """A node with a volume; the node itself is in RAS."""
    node = slicer.util.addVolumeFromArray(np.array(volume.values), LPS @ volume.grid.affine, name, kind)
    node.CreateDefaultDisplayNodes()
    return node


def turned(degrees: float = 10.0, shift: tuple[float, ...] = (3.0, -2.0, 4.0), stretch: float = 1.0) -> Array:
    """A (4, 4) map that turns about ``CENTRE`` and shifts, LPS."""
    angle, matrix = np.radians(degrees), np.eye(4)
    matrix[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    matrix[:3, :3] *= stretch
    matrix[:3, 3] = CENTRE - matrix[:3, :3] @ CENTRE + shift
    return matrix


def linear_node(scene: Any, matrix_lps: Array, name: str = "linear") -> Any:
    """A transform node whose transform to parent is the (4, 4) matrix, given in LPS."""
    node = scene.AddNewNodeByClass("vtkMRMLTransformNode", name)
    node.SetMatrixTransformToParent(vtk_matrix(LPS @ matrix_lps @ LPS))
    return node


def deformable_node(scene: Any, name: str = "deformable", amplitude: float = 4.0) -> Any:
    """A transform node with a smooth deformation, from parent."""
    points, targets = vtk.vtkPoints(), vtk.vtkPoints()
    rng = np.random.default_rng(7)
    for corner in grid_around(np.eye(3), spacing=(3.0, 3.0, 4.0)).corners() * [-1, -1, 1]:
        points.InsertNextPoint(*corner)
        targets.InsertNextPoint(*(corner + rng.uniform(-amplitude, amplitude, 3)))
    middle = CENTRE * [-1, -1, 1]
    points.InsertNextPoint(*middle)
    targets.InsertNextPoint(*(middle + np.array([amplitude, 0, -amplitude / 2])))
    transform = vtk.vtkThinPlateSplineTransform()
    transform.SetBasisToR()
    transform.SetSourceLandmarks(points)
    transform.SetTargetLandmarks(targets)
    node = scene.AddNewNodeByClass("vtkMRMLTransformNode", name)
    node.SetAndObserveTransformFromParent(transform)
    return node


def a_map(grid: Grid, seed: int = 0, amplitude: float = 5.0, step: float = 11.0, affine: Array | None = None) -> SplineTransform:
    """A smooth map that covers a grid and fades to nothing in its three outermost layers of control points."""
    rng = np.random.default_rng(seed)
    axes = grid.orthogonal().direction
    local = grid.corners() @ axes
    counts = np.ceil(np.ptp(local, axis=0) / step).astype(int) + 9
    origin = (local.min(axis=0) + local.max(axis=0)) / 2 - (counts - 1) / 2 * step
    coefficients = np.zeros((*counts[::-1], 3), dtype=np.float32)
    coefficients[3:-3, 3:-3, 3:-3] = rng.uniform(-amplitude, amplitude, (*(counts[::-1] - 6), 3))
    matrix = turned(3, (1.5, -2.0, 1.0), 1.03) if affine is None else affine
    return SplineTransform(matrix, coefficients, axes @ origin, np.full(3, step), axes)


def phi(transform: SplineTransform, points: Array) -> Array:
    """The map at points (n, 3) LPS, from SciPy's own B-splines."""
    basis = BSpline.basis_element([-2, -1, 0, 1, 2], extrapolate=False)
    place = ((points - transform.origin) @ transform.direction) / transform.spacing
    i, j, k = (np.nan_to_num(basis(place[:, d, None] - np.arange(transform.coefficients.shape[2 - d]))) for d in range(3))
    rows = np.einsum("nj,njia->nia", j, np.tensordot(k, transform.coefficients.astype(float), axes=1))
    moved = points + np.einsum("ni,nia->na", i, rows)
    return moved @ transform.affine[:3, :3].T + transform.affine[:3, 3]


def pulled(moving: Volume, points: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
    """The moving image at points (..., 3), linearly, and which of them lie well inside it."""
    index = moving.grid.to_index(points)
    values = map_coordinates(np.asarray(moving.values, float), np.moveaxis(index, -1, 0)[::-1], order=1, mode="nearest")
    return values, moving.grid.contains(points, margin=-0.1)


STRAINS = {"strain_radial": 0.3, "strain_circumferential": -0.2, "strain_longitudinal": -0.15}
"""Each map's value where it is defined."""


def strain_maps(grid: Grid) -> dict[str, Volume]:
    """Strain in a box in the middle of a grid, not a number elsewhere."""
    inside = np.zeros(grid.shape, dtype=bool)
    inside[tuple(slice(n // 3, n - n // 3) for n in grid.shape)] = True
    return {name: Volume(np.where(inside, value, np.nan).astype(np.float32), grid, name) for name, value in STRAINS.items()}


def a_result(problem: Problem, transform: SplineTransform, folding: float = -0.5, uncertainty: bool = False) -> Result:
    """A usable result with the warped image that the map makes, and det J that is ``folding`` in one voxel.

    With ``uncertainty`` it has everything that any method gives: an inverse (not the true one) and strain maps too.
    """
    grid = problem.fixed.grid
    warped, _ = pulled(problem.moving, phi(transform, grid.to_world(indices(grid)).reshape(-1, 3)).reshape(*grid.shape, 3))
    det = np.ones(grid.shape, dtype=np.float32)
    det[4, 5, 6], det[8:10, 9, 9] = folding, 0.2
    return Result(
        Outcome.CONVERGED,
        Outcome.CONVERGED.value,
        {"method": "auto"},
        model=ModelState({"kind": "test"}, {"weights": np.random.default_rng(3).normal(size=50).astype(np.float32)}),
        transform=transform,
        warped=Volume(warped.astype(np.float32), grid, "warped"),
        jacobian=Volume(det, grid, "jacobian"),
        uncertainty=Volume(np.full(grid.shape, 0.5, np.float32), grid, "uncertainty") if uncertainty else None,
        inverse=a_map(problem.moving.grid, 11) if uncertainty else None,
        maps=strain_maps(grid) if uncertainty else {},
        quality=Quality(),
    )


def array_of(node: Any) -> Array:
    image = node.GetImageData()
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])


def world_affine(node: Any) -> Array:
    """From voxel index to world LPS, through the node's own IJKToRAS and its linear parents."""
    matrix, parent = vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    if node.GetParentTransformNode():
        node.GetParentTransformNode().GetMatrixTransformToWorld(parent)
    vtk.vtkMatrix4x4.Multiply4x4(parent, matrix, matrix)
    return LPS @ np.array([[matrix.GetElement(r, c) for c in range(4)] for r in range(4)])


def resampled_by_mrml(moving: Any, reference: Any) -> Array:
    """What Slicer makes of the moving node, through all that it lies under, on the grid of the reference."""
    out = slicer.modules.volumes.logic().ResampleVolumeToReferenceVolume(moving, reference)
    values = array_of(out).copy()
    out.GetScene().RemoveNode(out)
    return values


class Items:
    """Keeps the subject hierarchy as the application's Qt part does: an item for each node that is added, none for one that is removed."""

    def __init__(self, scene: Any) -> None:
        self.scene, self.tree = scene, scene.GetSubjectHierarchyNode()
        self.tags = [
            scene.AddObserver(scene.NodeAddedEvent, self.add),
            scene.AddObserver(scene.NodeAboutToBeRemovedEvent, self.remove),
        ]

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def add(self, _scene: Any, _event: str, node: Any) -> None:
        if node.IsA("vtkMRMLStorableNode") and not self.scene.IsImporting():
            self.tree.CreateItem(self.tree.GetSceneItemID(), node)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def remove(self, _scene: Any, _event: str, node: Any) -> None:
        item = self.tree.GetItemByDataNode(node)
        if item:
            self.tree.RemoveItem(item, False, False)

    def end(self) -> None:
        for tag in self.tags:
            self.scene.RemoveObserver(tag)
        self.tree.RemoveAllItems()


def put_under(scene: Any, node: Any, above: str) -> Any:
    """Put a node under nothing, a linear or deformable transform, or two of them; the innermost one, or None."""
    if above == "nothing":
        return None
    parent = deformable_node(scene) if above == "deformable" else linear_node(scene, turned(8, (2.0, 1.0, -3.0)))
    if above == "two":
        outer = linear_node(scene, turned(-4, (0.0, 2.0, 0.0)), "outer")
        parent.SetAndObserveTransformNodeID(outer.GetID())
    node.SetAndObserveTransformNodeID(parent.GetID())
    return parent
