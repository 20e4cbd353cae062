from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from inr_registration.core import Grid, InputError, Volume

GRID = Grid((2, 3, 4), np.eye(4))


def test_values_cannot_be_written_through_the_volume() -> None:
    mine = np.zeros(GRID.shape)
    volume = Volume(mine, GRID)
    with pytest.raises(ValueError, match="read-only"):
        volume.values[0, 0, 0] = 1
    mine[0, 0, 0] = 1  # the caller's own array stays the caller's


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int16, np.float32, np.float64])
def test_every_real_type_is_kept_as_it_is(dtype: type) -> None:
    assert Volume(np.ones(GRID.shape, dtype=dtype), GRID).values.dtype == dtype


@pytest.mark.parametrize("dtype", [np.complex64, np.dtype("U1"), object])
def test_values_that_are_not_real_numbers_are_refused_by_name(dtype: type) -> None:
    with pytest.raises(InputError, match="liver: voxels must be real numbers"):
        Volume(np.zeros(GRID.shape, dtype=dtype), GRID, "liver")


@pytest.mark.parametrize("shape", [(2, 3, 4), (4, 3), (4, 3, 2, 1)])
def test_an_array_of_another_shape_than_the_grid_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"does not fit the grid's \(4, 3, 2\) \(k, j, i\)"):
        Volume(np.zeros(shape), GRID)


def test_inside_a_mask_is_where_it_is_positive() -> None:
    values = np.zeros(GRID.shape)
    values[0, 0, 0], values[1, 0, 0], values[2, 0, 0] = 3, -1, np.nan
    assert np.argwhere(Volume(values, GRID).inside()).tolist() == [[0, 0, 0]]


def test_the_hash_tells_values_type_and_geometry_apart(an_image: Callable[..., Volume]) -> None:
    image = an_image()
    changed = np.array(image.values)
    changed[0, 0, 0] += 1
    others = [
        Volume(changed, image.grid),
        Volume(image.values.astype(np.float64), image.grid),
        Volume(image.values, Grid(image.grid.size, image.grid.affine + np.diag([0.1, 0, 0, 0]))),
    ]
    assert len({image.sha256(), *(other.sha256() for other in others)}) == 4


def test_the_hash_tells_equal_bytes_of_another_shape_or_type_apart() -> None:
    volumes = [
        Volume(np.zeros((4, 3, 2), dtype=np.int16), GRID),
        Volume(np.zeros((4, 3, 2), dtype=np.uint16), GRID),
        Volume(np.zeros((2, 3, 4), dtype=np.int16), Grid((4, 3, 2), np.eye(4))),
    ]
    assert len({volume.sha256() for volume in volumes}) == 3


def test_the_hash_is_that_of_the_content_and_not_of_the_name_or_memory_layout(an_image: Callable[..., Volume]) -> None:
    image = an_image()
    same = Volume(np.asfortranarray(image.values), Grid(image.grid.size, image.grid.affine), "another name")
    assert same.sha256() == image.sha256()
