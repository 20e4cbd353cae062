"""The pictures of the page: images, agreement before and after, deformation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inr_registration.core.problem import Problem
from inr_registration.core.result import Result
from inr_registration.core.volume import Volume
from inr_registration.report import colours
from inr_registration.report.contrast import Contrast, Window, contrast
from inr_registration.report.grid_lines import line_distance, warp_grid
from inr_registration.report.overview import focus, overview
from inr_registration.report.panels import Panel
from inr_registration.report.raster import Floats, data_uri, shrink
from inr_registration.report.views import Source, View, views

Index = tuple[int, int, int]

TILES = 9
"""Tiles of a checkerboard along the longer side."""


@dataclass(frozen=True, eq=False)
class Artist:
    """Draws panels of one result.

    Args:
        problem: The images.
        result: The answer.
        views: Axial, coronal and sagittal.
        index: Voxel (i, j, k) through which the planes are cut.
        contrast: Windows and kind of difference.
        moves: Whether the deformable part moves anything.
        limit: Most pixels of a picture along each side.
    """

    problem: Problem
    result: Result
    views: tuple[View, View, View]
    index: Index
    contrast: Contrast
    moves: bool
    limit: int

    def slice(self, source: Source, view: View) -> Floats:
        """The slice of an array on the fixed grid, averaged down to the limit."""
        return shrink(view.cut(source, self.index), self.limit)

    def mark(self, view: View) -> tuple[float, float]:
        """Where the other two planes cut this one, mm right and down."""
        across, down = view.place(self.index)
        return float(across), float(down)

    def image(self, source: Source, window: Window, label: str, view: View) -> Panel:
        """A grey slice."""
        return Panel(view, label, grey(self.slice(source, view), window))

    def fixed(self, view: View) -> Panel:
        """The fixed image, with scale bar and the other planes' places."""
        uri = grey(self.slice(self.problem.fixed.values, view), self.contrast.fixed)
        return Panel(view, "Fixed", uri, bar=True, mark=self.mark(view))

    def difference(self, moved: Source, label: str, view: View, most: float) -> Panel:
        """Absolute difference from the fixed image; brightest at ``most``."""
        entries = colours.scaled(self.contrast.difference(self.slice(self.problem.fixed.values, view), self.slice(moved, view)), 0, most)
        return Panel(view, label, data_uri(entries, colours.DIFFERENCE))

    def checkerboard(self, moved: Source, label: str, view: View) -> Panel:
        """Tiles of the fixed and the moved image in turn; the first tile at the top left is fixed."""
        first = colours.scaled(self.slice(self.problem.fixed.values, view), *self.contrast.fixed)
        second = colours.scaled(self.slice(moved, view), *self.contrast.moving)
        return Panel(view, label, data_uri(np.where(tiles(view, first.shape), first, second), colours.GREY))

    def warp_grid(self, field: Source, view: View) -> Panel:
        """The deformed grid over the dimmed fixed image."""
        distance = line_distance(self.views)
        lines = warp_grid(view, self.problem.fixed.grid, field, self.index, distance)
        uri = grey(self.slice(self.problem.fixed.values, view), self.contrast.fixed)
        return Panel(view, f"Warp grid, {view.name.lower()}: lines {distance:g} mm apart", uri, lines, opacity=0.55, bar=True)

    def determinant(self, jacobian: Volume, view: View, index: Index, label: str) -> Panel:
        """Local volume change det J in its diverging colours, folding in magenta."""
        det = view.cut(jacobian.values, index).astype(np.float32)
        folded = shrink(det <= 0, self.limit) > 0
        uri = data_uri(colours.determinant_entries(shrink(det, self.limit), folded), colours.DETERMINANT)
        return Panel(view, f"{label}, {view.name.lower()}", uri, crisp=bool(folded.any()))

    def uncertainty(self, volume: Volume, view: View, most: float) -> Panel:
        """Uncertainty in mm; brightest at ``most``."""
        return self.map(volume, view, self.index, (0, most), colours.UNCERTAINTY, "Uncertainty")

    def map(self, volume: Volume, view: View, index: Index, window: Window, table: colours.Bytes, label: str) -> Panel:
        """A map in colours from the low to the high end of the window, over the dimmed fixed image where nothing is known (NaN)."""
        values = view.cut(volume.values, index)
        share = shrink(np.isfinite(values), self.limit)
        mean = shrink(values, self.limit) / np.maximum(share, 1e-6)  # of the known values: the unknown ones count as 0 in both
        behind = colours.scaled(shrink(view.cut(self.problem.fixed.values, index), self.limit), *self.contrast.fixed)
        entries = colours.over_grey_entries(behind, colours.scaled(mean, *window), share >= 0.5)
        return Panel(view, f"{label}, {view.name.lower()}", data_uri(entries, colours.over_grey(table)))


def artist(problem: Problem, result: Result, limit: int) -> Artist:
    """Choose planes and contrast for a result."""
    seen = overview(problem)
    displacement = None if result.derived is None else seen.thin(result.derived.displacement).astype(np.float64)
    index, moves = focus(seen, result.warped, displacement), displacement is not None and bool(np.any(displacement))
    return Artist(problem, result, views(problem.fixed.grid), index, contrast(problem, result, seen), moves, limit)


def grey(values: Floats, window: Window) -> str:
    """A picture in grey, as a data URI."""
    return data_uri(colours.scaled(values, *window), colours.GREY)


def brightest_difference(made: Artist, moved: Source) -> float:
    """The 99.5th percentile of the difference over the three planes, in the difference's own unit."""
    parts = [made.contrast.difference(made.slice(made.problem.fixed.values, view), made.slice(moved, view)).ravel() for view in made.views]
    return max(float(np.percentile(np.concatenate(parts), 99.5)), 1e-12)


def tiles(view: View, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Checkerboard of square tiles (in mm) over a picture (rows, columns); True at the top left."""
    side = max(view.size_mm) / TILES
    down = ((np.arange(shape[0]) + 0.5) * view.size_mm[1] / shape[0] // side).astype(int)
    across = ((np.arange(shape[1]) + 0.5) * view.size_mm[0] / shape[1] // side).astype(int)
    return np.asarray((down[:, None] + across) % 2 == 0)
