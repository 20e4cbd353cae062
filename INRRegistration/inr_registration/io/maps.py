"""Maps from files and to files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from inr_registration.core.errors import InputError
from inr_registration.core.result import ModelState, SplineTransform
from inr_registration.io.itk_map import ItkMap
from inr_registration.io.publish import finished_file
from inr_registration.io.transforms import (
    ITK_FORMATS,
    MODEL,
    Say,
    affine_to_itk,
    grid_from_json,
    grid_to_json,
    is_model_file,
    read_either_way,
    read_model,
    to_itk,
    write_itk,
    write_model,
)
from inr_registration.maps.affine import Affine
from inr_registration.maps.map import Composite, Map, Placed


def load_map(path: str | os.PathLike[str], say: Say = lambda _: None) -> Map:
    """Read a model file or any transform; ``say`` takes what was assumed.

    Raises:
        InputError: The file is neither.
    """
    if not is_model_file(path):
        transform, backwards = read_either_way(path, say)
        whole = ItkMap(transform)
        return whole.inverted if backwards else whole
    from inr_registration.maps.fitted_map import load  # here, so that what needs no model does without torch

    state = read_model(path)
    grids = [grid_from_json(state.metadata[key]) if key in state.metadata else None for key in ("fixed_grid", "moving_grid")]
    return Placed(load(state), *grids)


def load_chain(paths: Sequence[str], say: Say = lambda _: None) -> Map:
    """Several transforms as one, in the order in which they take points of the fixed image.

    Raises:
        InputError: A file is none.
    """
    loaded = [load_map(path, say) for path in paths]
    return loaded[0] if len(loaded) == 1 else Composite(tuple(loaded))


def save_map(one: Map, path: Path) -> None:
    """Write a map: see ``Map.save``.

    Raises:
        InputError: Such a file cannot hold it.
        RegistrationError: It could not be written; what was there before stays.
    """
    if is_model_file(path):
        state, grids = _as_model(one, path)
        with finished_file(path) as partial:
            write_model(partial, state, **grids)
    elif path.suffix.lower() in ITK_FORMATS:
        transform = as_itk(one)
        with finished_file(path) as partial:
            write_itk(partial, transform)
    else:
        raise InputError(f"{path.name}: a map is written as {MODEL} or {', '.join(ITK_FORMATS)}; end the name with one of them")


def _as_model(one: Map, path: Path) -> tuple[ModelState, dict[str, Any]]:
    from inr_registration.maps.fitted_map import FittedMap

    whole = one.whole if isinstance(one, Placed) else one
    if not isinstance(whole, FittedMap):
        raise InputError(f"{path.name}: only a map that was fitted here can be a model file; end the name with .h5 or .tfm")
    grids = {"fixed_grid": one.fixed_grid, "moving_grid": one.moving_grid}
    return whole.state(), {name: grid_to_json(grid) for name, grid in grids.items() if grid is not None}


def as_itk(one: Map) -> sitk.Transform:
    """The same map for ITK; one that ITK cannot hold becomes displacements on the fixed image's grid.

    Raises:
        InputError: There is no such grid.
    """
    whole = one.whole if isinstance(one, Placed) else one
    if isinstance(whole, ItkMap):
        return whole.transform
    if isinstance(whole, Affine):
        return affine_to_itk(whole.matrix)
    if isinstance(whole, Composite):
        together = sitk.CompositeTransform(3)
        for part in reversed(whole.parts):  # the last one added is applied first
            together.AddTransform(as_itk(part))
        together.FlattenTransform()  # ITK's files hold no composite inside a composite
        return together
    spline = _spline_of(whole)
    return _displacements(one) if spline is None else to_itk(spline)


def _spline_of(whole: Map) -> SplineTransform | None:
    """A fitted lattice is a spline of ITK."""
    from inr_registration.fields.lattice import SplineLattice
    from inr_registration.maps.export import as_transform
    from inr_registration.maps.model import Model

    if (
        not isinstance(whole, Model)
        or not isinstance(whole.field, SplineLattice)
        or not np.allclose(whole.frame.axes.T @ whole.frame.axes, np.eye(3))
    ):
        return None
    return as_transform(whole.field, whole.frame, whole.affine, 0.0)


def _displacements(one: Map) -> sitk.Transform:
    grid = one.fixed_grid
    if grid is None:
        raise InputError("this map knows no grid on which to write its displacements; save it as .safetensors, or give it one by Placed")
    if grid.is_sheared:
        grid = grid.orthogonal()
    image = sitk.GetImageFromArray(one.displacement_on(grid).astype(np.float64), isVector=True)
    image.SetSpacing(grid.spacing.tolist())
    image.SetOrigin(grid.origin.tolist())
    image.SetDirection((grid.affine[:3, :3] / grid.spacing).ravel().tolist())
    return sitk.DisplacementFieldTransform(image)


Map.save_as = staticmethod(save_map)
