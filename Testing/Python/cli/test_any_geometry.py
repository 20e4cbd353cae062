"""Whatever the geometry of an image, it is the same in memory, in a file and read again."""

from __future__ import annotations

import tempfile
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd.geometry import grids
from small_pair import LPS_RAS

from inr_registration.core import Grid, Volume
from inr_registration.io import read_image, write_image

KINDS = ("int8", "uint8", "int16", "uint16", "int32", "float32", "float64")


def tolerance_mm(grid: Grid, path: Path) -> float:
    """NIfTI keeps its affine in single precision; a size of some voxels makes up for the rest of it."""
    digits = 1e-6 if path.name.endswith((".nii", ".nii.gz")) else 1e-9
    return float(digits * max(np.abs(grid.corners()).max(), 1e-3) * 20)


@settings(max_examples=40)
@given(grids(), st.sampled_from([".nii", ".nii.gz", ".nrrd", ".mha"]), st.sampled_from(KINDS), st.randoms(use_true_random=False))
def test_any_image_that_was_written_is_read_again(grid: Grid, ending: str, kind: str, draw: object) -> None:
    if grid.is_sheared and ending == ".mha":
        return  # the format has no room for it
    values = (np.random.default_rng(draw.randrange(2**32)).normal(size=grid.shape) * 50).astype(kind)  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"image{ending}"
        write_image(path, Volume(values, grid))
        again = read_image(path, pytest.fail)
    np.testing.assert_array_equal(again.values, values)
    assert again.values.dtype == values.dtype
    np.testing.assert_allclose(again.grid.corners(), grid.corners(), atol=tolerance_mm(grid, path))


@settings(max_examples=25)
@given(grids())
def test_any_nifti_of_others_lies_where_they_wrote_it(grid: Grid) -> None:
    values = np.arange(grid.voxels, dtype=np.int32).reshape(grid.shape)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.nii"
        nibabel.save(nibabel.Nifti1Image(values.T, LPS_RAS @ grid.affine), path)
        again = read_image(path, pytest.fail)
    np.testing.assert_array_equal(again.values, values)
    np.testing.assert_allclose(again.grid.corners(), grid.corners(), atol=tolerance_mm(grid, path))
