"""The sections of the page that show pictures, each with its caption."""

from __future__ import annotations

from inr_registration.core.result import Curve
from inr_registration.core.volume import Volume
from inr_registration.report import charts, colours, maps, tables
from inr_registration.report.folding import Folding, find_folding
from inr_registration.report.panels import row
from inr_registration.report.pictures import Artist, brightest_difference
from inr_registration.report.scale import scale
from inr_registration.report.views import View, obliqueness
from inr_registration.report.words import count, number, position, short, text

SLIGHT_DEGREES = 3.0
"""Grids turned by less than this are not called oblique."""


def section(title: str, body: str, lead: str = "") -> str:
    """A titled card; ``lead`` and ``body`` are HTML."""
    said = f'<p class="lead">{lead}</p>' if lead else ""
    return f"<section><h2>{text(title)}</h2>{said}{body}</section>"


def images(made: Artist) -> str:
    """Fixed, moving before and moving after, plane by plane."""
    result, tones = made.result, made.contrast
    shown = []
    for view in made.views:
        panels = [made.fixed(view)]
        if result.derived is not None:
            panels.append(made.image(result.derived.before, tones.moving, "Moving, before", view))
        if result.warped is not None:
            panels.append(made.image(result.warped.values, tones.moving, "Moving, after (warped)", view))
        shown.append(f"<h3>{_plane(made, view)}</h3>{row(panels)}")
    return section("Images", "".join(shown), f"{_where(made)} {_windows(made)}")


def agreement(made: Artist) -> str:
    """Differences and checkerboards before and after, plane by plane."""
    if made.result.derived is None or made.result.warped is None:
        return ""
    before, after = made.result.derived.before, made.result.warped.values
    most = max(brightest_difference(made, image) for image in (before, after))
    shown = []
    for view in made.views:
        panels = [made.difference(before, "Difference before", view, most), made.difference(after, "Difference after", view, most)]
        panels += [made.checkerboard(before, "Checkerboard before", view), made.checkerboard(after, "Checkerboard after", view)]
        shown.append(f"<h3>{_plane(made, view)}</h3>{row(panels)}")
    unit = "intensity units" if made.contrast.direct else "SD"
    bar = scale(colours.gradient(colours.DIFFERENCE, 256), ["0: alike", f"{number(most)} {unit}"])
    return section("Agreement before and after", f"{bar}{''.join(shown)}", _difference_words(made))


def deformation(made: Artist) -> str:
    """Warp grid, det J with folding, and uncertainty where there is one."""
    derived, jacobian, unsure = made.result.derived, made.result.jacobian, made.result.uncertainty
    body = ""
    if derived is not None:
        body += f'<p class="note">{_GRID_WORDS}</p>' + row(made.warp_grid(derived.displacement, view) for view in made.views)
    if jacobian is not None:
        body += _determinant(made, jacobian)
    if unsure is not None:
        body += maps.uncertainty(made, unsure)
    return section("Deformation", body) if body else ""


def strain(made: Artist) -> str:
    """Strain: means by part of the ventricle, and the maps."""
    measured = {} if made.result.quality is None else made.result.quality.strain
    body = (tables.strain_table(measured) if measured else "") + maps.others(made)
    return section("Strain of the left ventricle", body) if body else ""


def objective(history: tuple[Curve, ...]) -> str:
    """The curves of the objective."""
    chart = charts.curves(history)
    return section("How the fit went", chart + charts.legend(history), _CURVE_WORDS) if chart else ""


def folding_words(found: Folding) -> str:
    """How much folds, said even where nothing does."""
    if found.voxels == 0:
        return "none: det J is positive at every voxel of the fixed grid"
    return f"{count(found.regions, 'region')} ({count(found.voxels, 'voxel')} of the fixed grid)"


_RIM = "Straight-edged blocks at the rim lie outside the moving image."
_CURVE_WORDS = (
    "The fit lowers the total: the likeness terms (lower means more alike) plus the terms that keep the map smooth. Bands are the stages, "
    "coarse to fine; values of different stages are measured at different resolutions, so jumps between bands are "
    "expected. The figures below the chart: start and end of the last stage."
)
_GRID_WORDS = (
    "<b>Warp grid.</b> A regular grid on the fixed image; every crossing is drawn where the deformable part of the map takes it within the "
    "plane (the affine part is left out). Even cells: little deformation. Lines that cross each other: folding."
)
_DET_WORDS = (
    "<b>Local volume change (det J).</b> White: volume kept. <b class='blue'>Blue</b>: going from fixed to moving, tissue shrinks. "
    "<b class='red'>Red</b>: it expands. It is the Jacobian of the whole map, affine part included; the scale is logarithmic."
)


def _determinant(made: Artist, jacobian: Volume) -> str:
    found = find_folding(jacobian)
    swatch = f'<span class="swatch"><i style="background:{colours.css(colours.FOLDING)}"></i> folding (det J ≤ 0)</span>'
    bar = scale(colours.gradient(colours.DETERMINANT), ["≤ 0.5 shrink", "0.71", "1", "1.41", "≥ 2 expand"], swatch)
    body = f'<p class="note">{_DET_WORDS}</p>{bar}' + row(made.determinant(jacobian, view, made.index, "det J") for view in made.views)
    body += f'<p class="folding{" some" if found.voxels else ""}"><b>Folding:</b> {folding_words(found)}.</p>'
    if found.worst is not None:
        place = position(jacobian.grid.to_world(found.worst))
        body += f"<h3>Where the map folds most (at {place})</h3>"
        body += row(made.determinant(jacobian, view, found.worst, "det J at the fold") for view in made.views)
    return body


def _plane(made: Artist, view: View) -> str:
    number_ = made.index[view.normal]
    grid = made.problem.fixed.grid
    return f"{view.name} <span>slice {number_ + 1} of {grid.size[view.normal]}, {short(float(grid.spacing[view.normal]))} mm apart</span>"


def _where(made: Artist) -> str:
    grid = made.problem.fixed.grid
    at = position(grid.to_world(made.index))
    turned = obliqueness(grid)
    slanted = (
        f" The grid is oblique by {turned:.0f}°; planes and letters follow the nearest patient axes." if turned > SLIGHT_DEGREES else ""
    )
    what = "the region that the deformation moves most" if made.moves else "the middle of the image"
    letters = "R and L are the patient's right and left, A and P front and back, S and I head and feet."
    return f"Three planes through {what} ({at}; yellow ticks). {letters}{slanted}"


def _windows(made: Artist) -> str:
    low, high = made.contrast.fixed
    if made.contrast.direct:
        return f"All images share one grey window ({number(low)} to {number(high)})."
    other = made.contrast.moving
    windows = f"fixed {number(low)} to {number(high)}, moving {number(other[0])} to {number(other[1])}"
    return f"The images differ in contrast or range, so each has its own grey window ({windows})."


def _difference_words(made: Artist) -> str:
    tiles = "Checkerboards show fixed and moving in turn: edges should run on across the tiles."
    if made.contrast.direct:
        return f"Differences: black where both images are alike, bright where they differ; same scale before and after. {tiles} {_RIM}"
    if made.contrast.related:
        return (
            "The images have different intensity scales, so each was brought to mean 0 and SD 1 before they were subtracted: black where "
            f"both are alike, bright where they differ; same scale before and after. {tiles} {_RIM}"
        )
    return (
        "<b>The two images show tissue in different contrasts</b>, so their differences mean little even for a perfect match: judge by the "
        "edges in the checkerboards. For the differences each image was brought to mean 0 and SD 1, and the moving one inverted where "
        f"bright and dark are exchanged. {tiles} {_RIM}"
    )
