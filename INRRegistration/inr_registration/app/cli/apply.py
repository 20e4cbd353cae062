"""``inr-register apply``: images, labels and points through a transform, in either direction."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from inr_registration.app.cli.outputs import check_file
from inr_registration.app.cli.which import which
from inr_registration.core.errors import InputError
from inr_registration.core.grid import Grid
from inr_registration.core.labels import looks_like_labels
from inr_registration.core.volume import Volume
from inr_registration.io.files import check_image_name, check_reachable, read_image, read_labels, write_image
from inr_registration.io.maps import load_chain
from inr_registration.io.points import is_points_file, read_points, write_points
from inr_registration.io.publish import finished_file
from inr_registration.maps.map import LOST, Map
from inr_registration.maps.warp import background, pull_image, pull_labels


def run(arguments: argparse.Namespace) -> int:
    """Carry one file from one space to the other."""
    output = Path(arguments.output)
    kind = arguments.kind or ("points" if is_points_file(arguments.input) else "image")
    given = [*_transforms(arguments), arguments.input, arguments.reference]
    check_reachable([*given, arguments.output])
    check_file(output, given)
    if kind == "points":
        _points(arguments, output)
    else:
        _volume(arguments, output, kind)
    return 0


def _transforms(arguments: argparse.Namespace) -> list[str]:
    return [arguments.transform, *arguments.then]


def _say(sentence: str) -> None:
    print(f"inr-register: {sentence}", file=sys.stderr)


def _points(arguments: argparse.Namespace, output: Path) -> None:
    source = Path(arguments.input)
    if output.suffix.lower() != source.suffix.lower():
        raise InputError(f"{output.name}: points are written in the format of {source.name}; end the name with {source.suffix}")
    points, phi = read_points(source), load_chain(_transforms(arguments), _say)
    if arguments.to == "moving":
        moved = phi.map(points.positions)
    else:
        moved, lost = phi.pull_back(points.positions)
        if lost.any():
            within = LOST * phi.unit_mm
            _say(f"{lost.sum()} of {len(lost)} points have no inverse within {within:.3g} mm; the nearest ones found were written")
    with finished_file(output) as partial:
        write_points(partial, points, moved)


def _volume(arguments: argparse.Namespace, output: Path, kind: str) -> None:
    check_image_name(output)
    phi = load_chain(_transforms(arguments), _say)
    volume = (read_labels if kind == "labels" else read_image)(arguments.input, _say, **which(arguments))
    if arguments.kind is None and looks_like_labels(volume):
        remedy = "give --kind labels, or --kind image where values between them are what you want"
        raise InputError(f"{volume.name}: has few whole values in flat patches, like a label map, which interpolation would blur; {remedy}")
    grid = _output_grid(arguments, phi)
    displacement, lost = phi.inverse_on(grid) if arguments.to == "moving" else (phi.displacement_on(grid), np.zeros(grid.shape, dtype=bool))
    values = (
        pull_labels(volume, grid, displacement) if kind == "labels" else pull_image(volume, grid, displacement, arguments.interpolation)
    )
    if lost.any():
        _say(f"{lost.sum()} of {lost.size} voxels have no inverse within {LOST * phi.unit_mm:.3g} mm; they show background")
        values[lost] = 0 if kind == "labels" else background(values)
    with finished_file(output) as partial:
        write_image(partial, Volume(values, grid, output.name))


def _output_grid(arguments: argparse.Namespace, phi: Map) -> Grid:
    if arguments.reference is not None:
        return read_image(arguments.reference, _say, **which(arguments, "reference")).grid
    grid = phi.moving_grid if arguments.to == "moving" else phi.fixed_grid
    if grid is None:
        name = Path(arguments.transform).name
        raise InputError(f"{name} does not say on which grid to write; give --reference with an image of the {arguments.to} space")
    return grid
