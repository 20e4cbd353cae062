"""A head-like pair with a known map that grows, shrinks and folds at known places, installed in a real scene."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import slicer
from scipy.interpolate import BSpline
from worlds import LPS, indices, pulled, strain_maps, vtk_matrix

from inr_registration.core import Grid, ModelState, Outcome, Problem, Quality, Result, SplineTransform, Volume
from inr_registration.slicer.scene import Inputs, ResultNodes, SceneArrays, scene_arrays
from inr_registration.slicer.scene.write import Outputs, write

GRID = Grid.from_geometry((80, 72, 48), [2.5, 2.5, 3.0], [-98.75, -88.75, -70.5], np.eye(3))
STEP = 7.0
# places in LPS mm; in the slice z = 0
GROWS, SHRINKS, FOLDS, LESION = (np.array(place, dtype=float) for place in ([-40, -5, 0], [40, -5, 0], [0, 45, 0], [0, -45, 0]))
QUIET = np.array([0.0, 0.0, 45.0])
"""Where the map moves nothing."""


def head(points: np.ndarray) -> np.ndarray:
    """Intensities at points (..., 3) LPS: scalp, skull, brain with folds, ventricles."""
    x, y, z = np.moveaxis(points, -1, 0)
    radius = np.sqrt((x / 84) ** 2 + (y / 78) ** 2 + (z / 66) ** 2)
    soft = 0.5 * (1 + np.tanh((1 - radius) * 25))
    skull = np.exp(-(((radius - 0.9) / 0.035) ** 2))
    brain = (radius < 0.84) * (90 + 25 * np.sin(x / 7 + np.cos(y / 9)) * np.cos(y / 8) * np.cos(z / 11))
    ventricle = sum(np.exp(-(((x - side) / 7) ** 2 + ((y + 2) / 22) ** 2 + (z / 16) ** 2)) for side in (-12, 12))
    return soft * 40 + brain - 70 * np.clip(ventricle, 0, 1) + 130 * skull


@cache
def a_map() -> SplineTransform:
    """Grows around ``GROWS``, shrinks around ``SHRINKS``, folds around ``FOLDS``; no affine part."""
    counts = (33, 30, 27)
    origin = -(np.array(counts) - 1) / 2 * STEP
    k, j, i = np.indices(counts[::-1])
    points = origin + STEP * np.stack([i, j, k], axis=-1)
    moved = np.zeros(points.shape)
    for place, strength, width in ((GROWS, 0.35, 17.0), (SHRINKS, -0.35, 17.0), (FOLDS, -3.0, 9.0)):
        offset = points - place
        moved += strength * offset * np.exp(-(offset**2).sum(-1) / (2 * width**2))[..., None]
    return SplineTransform(np.eye(4), moved.astype(np.float32), origin, np.full(3, STEP), np.eye(3))


def _displacement(derivative: int | None = None) -> np.ndarray:
    """Of the map at the fixed voxels, (k, j, i, 3) LPS mm, or its derivative along x, y or z; SciPy's own B-splines."""
    basis, values = BSpline.basis_element([-2, -1, 0, 1, 2], extrapolate=False), a_map().coefficients.astype(float)
    for d, axis in ((2, 0), (1, 1), (0, 2)):
        place = (GRID.origin[d] + GRID.spacing[d] * np.arange(GRID.size[d]) - a_map().origin[d]) / STEP
        weights = (basis.derivative() if d == derivative else basis)(place[:, None] - np.arange(values.shape[axis]))
        values = np.moveaxis(np.tensordot(np.nan_to_num(weights), values, axes=(1, axis)), 0, axis)
    return values if derivative is None else values / STEP


@cache
def determinants() -> np.ndarray:
    """det J at the fixed voxels, (k, j, i), from the derivatives of the splines."""
    columns = np.stack([_displacement(axis) for axis in range(3)], axis=-1)
    return np.linalg.det(np.eye(3) + columns).astype(np.float32)


@cache
def problem_and_arrays(uncertainty: bool = True) -> tuple[Problem, SceneArrays]:
    """The fixed image is the warped one, but for noise and a lesion at ``LESION``."""
    points = GRID.to_world(indices(GRID))
    moving = Volume(head(points).astype(np.float32), GRID, "moving head")
    warped, _ = pulled(moving, points + _displacement())
    lesion = 60 * np.exp(-((points - LESION) ** 2).sum(-1) / (2 * 9**2))
    fixed = warped + lesion + np.random.default_rng(0).normal(0, 1.5, GRID.shape)
    spread = 0.2 + 3 * np.exp(-((points - FOLDS) ** 2).sum(-1) / (2 * 20**2))
    problem = Problem(Volume(fixed.astype(np.float32), GRID, "fixed head"), moving)
    result = Result(
        Outcome.CONVERGED,
        Outcome.CONVERGED.value,
        {"method": "auto"},
        model=ModelState({"kind": "test"}, {"weights": np.ones(5, dtype=np.float32)}),
        transform=a_map(),
        warped=Volume(warped.astype(np.float32), GRID, "warped"),
        jacobian=Volume(determinants(), GRID, "jacobian"),
        uncertainty=Volume(spread.astype(np.float32), GRID, "uncertainty") if uncertainty else None,
        maps=strain_maps(GRID) if uncertainty else {},
        quality=Quality(),
    )
    return problem, scene_arrays(problem, result)


def ras(place: np.ndarray) -> tuple[float, float, float]:
    """A place (LPS) in RAS mm."""
    x, y, z = (float(value) for value in place)
    return -x, -y, z


def install(scene: slicer.vtkMRMLScene, uncertainty: bool = True) -> ResultNodes:
    """The pair and its result as nodes of a scene."""
    problem, arrays = problem_and_arrays(uncertainty)
    nodes = []
    for volume in (problem.fixed, problem.moving):
        node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", volume.name)
        slicer.util.updateVolumeFromArray(node, np.array(volume.values))
        node.SetIJKToRASMatrix(vtk_matrix(LPS @ GRID.affine))
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().SetAutoWindowLevel(0)
        node.GetDisplayNode().SetWindowLevelMinMax(0, 180)
        nodes.append(node)
    own = {name: getattr(arrays, name) for name in ("warped", "jacobian", "uncertainty")}  # the nodes hold these arrays themselves
    own = {name: None if values is None else values.copy() for name, values in own.items()}
    maps = {name: values.copy() for name, values in arrays.maps.items()}
    return write(Inputs(*nodes), Outputs(), replace(arrays, **own, maps=maps))
