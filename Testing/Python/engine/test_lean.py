"""Images are looked at a few planes at a time: the same numbers, without copies of whole images."""

from __future__ import annotations

import tracemalloc
import weakref
from collections.abc import Callable

import numpy as np
import pytest
import torch
from fits import LATTICE, a_problem

from inr_registration.app import finish, register
from inr_registration.core import Grid, Volume
from inr_registration.fields import SplineLattice
from inr_registration.images import clean, pyramid
from inr_registration.maps import Drawn, Mask, OfSpline, draw, least_in_cells, sampled, unfold
from inr_registration.measure import quality
from inr_registration.methods import prepare
from inr_registration.numerics import Frame, Knots, apply_axes

CPU = torch.device("cpu")
NOISE = np.random.default_rng(3)


def copies(work: Callable[[], object], of: np.ndarray) -> float:
    """How many times the size of an array numpy held at most, beyond what it held before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / of.nbytes
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def body() -> Volume:
    """A textured block in air, 1.6 million voxels."""
    values = np.zeros((128, 112, 112), np.float32)
    values[30:100, 30:90, 30:90] = NOISE.uniform(200, 900, (70, 60, 60))
    return Volume(values, Grid((112, 112, 128), np.eye(4)), "body")


def test_a_level_made_by_slabs_is_that_of_the_whole_image(body: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    for values in (body.values.copy(), body.inside()):
        whole = pyramid.level(values, body.grid, 2.3, CPU)
        monkeypatch.setattr(pyramid, "SLAB_VOXELS", 5 * 112 * 112)  # does not divide the planes
        parts = pyramid.level(values, body.grid, 2.3, CPU)
        monkeypatch.undo()
        torch.testing.assert_close(parts.values, whole.values, rtol=1e-6, atol=1e-4)
        assert parts.grid.is_same(whole.grid)


def test_a_level_is_what_one_matrix_for_each_axis_gives() -> None:
    values = NOISE.normal(size=(7, 6, 5)).astype(np.float32)
    along = [torch.as_tensor(NOISE.normal(size=(n - 2, n)), dtype=torch.float32) for n in values.shape]
    expected = apply_axes(torch.as_tensor(values)[None], *along)
    torch.testing.assert_close(pyramid._applied(values, *along), expected)


def test_cleaning_an_image_takes_one_copy_of_it(body: Volume) -> None:
    assert copies(lambda: clean(body, None, 0.5), np.asarray(body.values)) < 1.1


def test_measuring_similarity_and_determinants_takes_one_copy(body: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    image, mask = np.asarray(body.values, np.float32), np.ones(body.grid.shape, bool)
    warped = image + 1
    monkeypatch.setattr(quality, "BLOCK_VOXELS", 8 * 24 * 112)
    monkeypatch.setattr(quality, "PLANES", 8)
    quality.similarities(image[:8], [warped[:8]], mask[:8])  # loads and compiles
    assert copies(lambda: quality.similarities(image, [warped], mask), image) < 1.0
    assert copies(lambda: quality.determinant_summary(warped, mask), image) < 1.6


def test_small_blocks_give_the_same_local_correlation(body: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    image, mask = np.asarray(body.values[:40], np.float32), body.inside()[:40]
    warped = (image + NOISE.normal(0, 200, image.shape)).astype(np.float32)
    whole = quality.similarities(image, [warped], mask)[0]
    monkeypatch.setattr(quality, "BLOCK_VOXELS", 1)
    monkeypatch.setattr(quality, "PLANES", 7)
    assert quality.similarities(image, [warped], mask)[0] == pytest.approx(whole, rel=1e-6)


def test_the_spread_of_determinants_is_that_of_their_logarithms() -> None:
    det = NOISE.uniform(-0.1, 2, (9, 8, 7)).astype(np.float32)
    mask = NOISE.random(det.shape) < 0.7
    before, inside = det.copy(), det[mask].astype(float)
    folding, spread, sd = quality.determinant_summary(det, mask)
    assert sd == pytest.approx(np.log(np.clip(inside, 1e-3, 1e3)).std(), rel=1e-6)
    assert folding == pytest.approx(100 * (inside <= 0).mean())
    assert spread == pytest.approx(
        dict(zip(["min", "p1", "median", "p99", "max"], np.percentile(inside, [0, 1, 50, 99, 100]), strict=True)), rel=1e-6
    )
    np.testing.assert_array_equal(det, before)


def test_images_can_be_let_go_of_once_nothing_is_fitted() -> None:
    prepared = prepare(a_problem(), LATTICE, CPU)
    counted = prepared.fixed.counted.copy()
    prepared.level_pair(8 * prepared.spacing)
    prepared.forget_images()
    assert np.isnan(prepared.fixed.values).all()
    assert prepared.fixed.values.shape == prepared.fixed.grid.shape
    assert prepared.moving.raw.strides == (0, 0, 0)
    np.testing.assert_array_equal(prepared.fixed.counted, counted)
    assert not prepared.coarse


def test_what_was_drawn_is_let_go_of_before_it_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[weakref.ref[Drawn]] = []

    def watched(derived: OfSpline, mask: Mask) -> Drawn:
        assert all(earlier() is None for earlier in drawn), "two images of the fixed grid are held twice"
        now = draw(derived, mask)
        drawn.append(weakref.ref(now))
        return now

    monkeypatch.setattr(finish, "draw", watched)
    monkeypatch.setattr(finish, "unfolded", lambda lattice, *_: (lattice, 1))  # as if one cell had folded
    register(a_problem(), LATTICE)
    assert len(drawn) == 2


def test_where_an_image_counts_is_no_copy_where_all_of_it_is_finite(body: Volume) -> None:
    whole = clean(body, None, 0.5)
    assert whole.counted is whole.foreground
    values = body.values.copy()
    values[60, 60, 60] = np.nan
    holed = clean(Volume(values, body.grid, "body"), None, 0.5)
    assert not holed.counted[60, 60, 60]
    assert holed.foreground[60, 60, 60]


def test_the_least_determinant_of_a_cell_is_that_of_its_27_places() -> None:
    knots = Knots((0.0, 0.0, 0.0), (2.0, 2.0, 2.0), (8, 7, 6))
    values = torch.as_tensor(NOISE.normal(0, 0.6, (3, *knots.shape)), dtype=torch.float32)
    positions = [s + t * (1 + np.arange(2 * (n - 3) + 1) / 2) for s, t, n in zip(knots.start, knots.step, knots.count, strict=True)]
    size = [len(x) for x in positions]
    grid = Grid.from_geometry((size[0], size[1], size[2]), (1.0, 1.0, 1.0), tuple(x[0] for x in positions), np.eye(3))
    _, det = sampled(SplineLattice(knots, values), Frame(np.zeros(3), np.eye(3)), np.eye(4), grid)
    expected = -torch.nn.functional.max_pool3d(-torch.as_tensor(det)[None], 3, stride=2)[0]
    torch.testing.assert_close(least_in_cells(values, knots), expected, rtol=1e-5, atol=1e-5)


def test_easing_a_few_cells_equals_easing_the_whole_lattice() -> None:
    values = torch.as_tensor(NOISE.normal(size=(3, 14, 13, 12)), dtype=torch.float32)
    for places in ([(5, 4, 6)], [(0, 0, 0)], [(10, 9, 8)], [(0, 5, 8), (10, 2, 1)]):
        cells = torch.zeros(11, 10, 9, dtype=torch.bool)
        for place in places:
            cells[place] = True
        reach = torch.nn.functional.max_pool3d(torch.nn.functional.pad(cells.float()[None, None], (3,) * 6), 4, stride=1)[0, 0]
        expected = (1 - 0.6 * reach) * values + 0.6 * reach * unfold._smoothed(values)
        assert torch.equal(unfold._reach(cells).float(), reach)
        assert torch.equal(unfold._eased(values, cells, 0.6), expected)
