"""``inr-register demo``: a pair whose truth is known, registered and measured against it."""

from __future__ import annotations

import argparse
import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inr_registration.app.cli.execute import Running, execute, exit_status
from inr_registration.app.cli.outputs import RESULTS, check_folder
from inr_registration.app.cli.summary import print_summary
from inr_registration.core.presets import DEFAULT, find_preset
from inr_registration.core.problem import Problem
from inr_registration.core.result import Result
from inr_registration.io.files import write_image
from inr_registration.io.points import COLUMNS
from inr_registration.io.publish import finished_folder
from inr_registration.phantom.trunk import Pair, check_size, make_pair

LANDMARKS = 300
"""Written beside the images, so that the report shows their error."""
TRUTH_POINTS = 20000
"""At which the error against the truth is printed."""
Array = npt.NDArray[np.float64]


def run(arguments: argparse.Namespace) -> int:
    """Make the pair, register it, and say how far the result is from the truth."""
    preset, folder = find_preset(arguments.preset or DEFAULT), Path(arguments.output)
    seed = 0 if arguments.seed is None else arguments.seed
    check_size(arguments.size)
    check_folder(folder, [], RESULTS)
    if not arguments.quiet:
        print("making a pair of CT-like images with a known warp")
    pair = make_pair(arguments.size, seed)
    fixed, moving = pair.pairs(LANDMARKS, seed)
    write_pair(folder, pair, fixed, moving)
    problem = Problem(pair.fixed, pair.moving, fixed_landmarks=fixed, moving_landmarks=moving)
    result = execute(problem, replace(preset.settings, seed=seed), folder, Running.of(arguments))
    if not arguments.quiet:
        print_summary(result, folder)
    _print_truth(result, *pair.pairs(TRUTH_POINTS, seed + 1))
    return exit_status(result)


def write_pair(folder: Path, pair: Pair, fixed: Array, moving: Array) -> None:
    """Write both images and (n, 3) corresponding points, LPS mm."""
    with finished_folder(folder) as new:
        write_image(new / "fixed.nii.gz", pair.fixed)
        write_image(new / "moving.nii.gz", pair.moving)
        for name, points in (("fixed", fixed), ("moving", moving)):
            with (new / f"{name}_landmarks.csv").open("w", newline="", encoding="utf-8") as stream:
                csv.writer(stream, lineterminator="\n").writerows([COLUMNS, *np.round(points, 6).tolist()])


def _print_truth(result: Result, points: Array, truth: Array) -> None:
    from inr_registration.maps.fitted_map import load

    assert result.model is not None
    errors = {"before": points - truth, "after": load(result.model).map(points) - truth}
    for when, error in errors.items():
        length = np.linalg.norm(error, axis=1)
        print(f"error against the truth {when}: mean {length.mean():.2f}, p95 {np.percentile(length, 95):.2f}, max {length.max():.2f} mm")
