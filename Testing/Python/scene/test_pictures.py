"""What a person sees: pictures of each overlay by Slicer's own drawing code, looked at in a few places only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from inspected import FOLDS, GROWS, LESION, SHRINKS, install, ras
from scipy import ndimage
from stand_in.render import SliceView, ThreeDView
from vtk import vtkTransform

from inr_registration.slicer.scene import MODES, Overlays, ResultNodes, jump, show_region_3d

FAR = np.array([70.0, 70.0, 0.0])
"""In the air, far from all that moves; LPS."""


class Bench:
    """A pair with its result, its overlays and one axial view."""

    def __init__(self, scene, nodes: ResultNodes) -> None:
        self.nodes = nodes
        self.overlays = Overlays(scene)
        self.view = SliceView("Red", size=(600, 600))
        self.overlays.show("blend", nodes)
        self.view.fit()
        jump(scene, (0, 0, 0), show_crosshair=False)

    def show(self, mode: str) -> np.ndarray:
        self.overlays.show(mode, self.nodes)
        return self.view.picture().astype(int)

    def around(self, picture: np.ndarray, place: np.ndarray, reach: int = 2) -> np.ndarray:
        """Mean colour (3,) around a place (LPS)."""
        row, column = self.view.pixel_of(ras(place))
        return picture[row - reach : row + reach + 1, column - reach : column + reach + 1].reshape(-1, 3).mean(axis=0)


@pytest.fixture
def bench(scene, vtk_messages) -> Iterator[Bench]:
    made = Bench(scene, install(scene))
    made.view.picture()
    vtk_messages.clear()  # the first picture looks for a screen and says that there is none
    yield made
    made.overlays.close()


def test_every_mode_gives_a_picture_of_its_own_and_reset_the_first_again(bench, tmp_path: Path) -> None:
    bench.overlays.reset()
    first = bench.view.picture().astype(int)
    seen = {mode: bench.show(mode) for mode in MODES}
    for mode, picture in seen.items():
        assert picture.std() > 2
        others = [other for name, other in seen.items() if name != mode]
        assert min(np.abs(picture - other).max() for other in others) > 20
    bench.overlays.reset()
    assert np.abs(bench.view.picture().astype(int) - first).max() == 0
    bench.view.save(tmp_path / "reset.png")
    assert (tmp_path / "reset.png").stat().st_size > 100


def test_the_jacobian_is_red_where_it_grows_blue_where_it_shrinks_and_neutral_where_it_does_neither(bench) -> None:
    picture = bench.show("jacobian")
    red, _, blue = bench.around(picture, GROWS)
    assert red > blue + 40
    red, _, blue = bench.around(picture, SHRINKS + np.array([0, -8, 0]))
    assert blue > red + 40
    assert np.ptp(bench.around(picture, FAR)) < 6


def test_folding_is_magenta(bench) -> None:
    red, green, blue = bench.around(bench.show("jacobian"), FOLDS, 1)
    assert min(red, blue) > green + 60
    bench.nodes.folding.GetDisplayNode().SetVisibility(0)
    red, green, blue = bench.around(bench.view.picture().astype(int), FOLDS, 1)
    assert blue > red + 20


def test_the_fixed_image_is_seen_through_the_jacobian(bench) -> None:
    picture, fixed = bench.show("jacobian"), bench.show("warp_grid")
    rows, columns = np.mgrid[200:420:3, 200:420:3]
    grey = np.corrcoef(picture[rows, columns].mean(axis=-1).ravel(), fixed[rows, columns].mean(axis=-1).ravel())[0, 1]
    assert grey > 0.3


def test_uncertainty_is_brightest_where_it_is_largest(bench) -> None:
    picture = bench.show("uncertainty")
    worst = bench.around(picture, FOLDS + np.array([12, 0, 0]))
    assert worst[1] > bench.around(picture, GROWS)[1] + 30
    assert worst[1] > worst[2]


def test_the_difference_is_dark_where_the_images_agree_and_orange_where_the_fixed_one_is_brighter(bench) -> None:
    picture = bench.show("difference")
    red, green, blue = bench.around(picture, LESION)
    assert red > green > blue
    assert red > 100
    assert bench.around(picture, GROWS, 6).max() < 40


def test_the_checkerboard_breaks_the_lesion_that_only_the_fixed_image_has(bench) -> None:
    board, blend = bench.show("checkerboard"), bench.show("blend")
    row, column = bench.view.pixel_of(ras(LESION))
    part = np.s_[row - 40 : row + 40, column - 40 : column + 40, 1]
    steps = [np.abs(np.diff(picture[part], axis=1)).max() for picture in (board, blend)]
    assert steps[0] > 2 * steps[1]


def test_grid_lines_bend_where_the_map_moves_and_are_even_where_it_does_not(bench) -> None:
    bent = lines(bench.show("warp_grid"))
    bench.nodes.transform.SetAndObserveTransformFromParent(vtkTransform())
    even = lines(bench.view.picture().astype(int))
    assert bent.sum() > 2000
    changed = bent & ~ndimage.binary_dilation(even, iterations=2)
    assert share(bench, changed, GROWS + np.array([-12, 10, 0])) > 0.02
    assert share(bench, changed, np.array([70.0, -75.0, 0.0])) < 0.004
    assert (even.mean(axis=0) > 0.9).sum() > 8  # columns that are lines from top to bottom


def lines(picture: np.ndarray) -> np.ndarray:
    """Where a picture has the yellow of the grid."""
    return (picture[..., 0] > 150) & (picture[..., 0] - picture[..., 2] > 70)


def share(bench: Bench, mask: np.ndarray, place: np.ndarray, reach: int = 25) -> float:
    row, column = bench.view.pixel_of(ras(place))
    return float(mask[max(row - reach, 0) : row + reach, max(column - reach, 0) : column + reach].mean())


def test_the_legend_says_what_it_shows_and_goes_away(bench) -> None:
    without = bench.show("blend")
    corner = np.s_[300:560, 480:600]
    assert (without[corner].max(axis=-1) > 200).mean() < 0.05
    with_legend = bench.show("jacobian")[corner]
    blue = (with_legend[..., 2] - with_legend[..., 0] > 80).sum()
    red = (with_legend[..., 0] - with_legend[..., 2] > 80).sum()
    assert min(blue, red) > 300


def test_a_jump_brings_the_fold_to_the_middle_of_slices_and_3d_view(bench, scene, vtk_messages) -> None:
    view = ThreeDView((300, 300))
    view.picture()
    vtk_messages.clear()
    assert show_region_3d(bench.nodes.folding)
    bench.overlays.show("jacobian", bench.nodes)
    jump(scene, ras(FOLDS), show_crosshair=False)
    view.camera.SetPosition(*(np.add(view.camera.GetFocalPoint(), (0, 200, 0))))
    jump(scene, ras(FOLDS), show_crosshair=False)
    row, column = bench.view.pixel_of(ras(FOLDS))
    assert abs(row - 300) < 3
    assert abs(column - 300) < 3
    red, green, blue = view.picture().astype(int)[145:155, 145:155].reshape(-1, 3).mean(axis=0)
    assert min(red, blue) > green + 50
