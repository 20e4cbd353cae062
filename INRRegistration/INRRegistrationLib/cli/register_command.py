"""``inr-register FIXED MOVING --output DIR``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from INRRegistrationLib.core.errors import InputError
from INRRegistrationLib.core.presets import DEFAULT, load_preset, preset_names
from INRRegistrationLib.core.settings import SIMILARITIES, SIMILARITY_WEIGHTS, Settings

IMAGES = ("fixed", "moving", "fixed_mask", "moving_mask", "fixed_labels", "moving_labels")
OTHERS = ("fixed_landmarks", "moving_landmarks", "initial_transform")


def run(arguments: argparse.Namespace) -> int:
    """Register one pair of files."""
    settings = choose_settings(arguments)
    from INRRegistrationLib.cli.outputs import check_folder  # after the words were checked, so that mistakes are answered at once

    folder = Path(arguments.output)
    check_folder(folder, [getattr(arguments, name) for name in (*IMAGES, *OTHERS)])
    problem = read_problem(arguments)

    from INRRegistrationLib.cli.execute import execute, print_summary

    result = execute(problem, settings, folder, arguments.threads, arguments.quiet)
    if not arguments.quiet:
        print_summary(result, folder)
    return 0


def choose_settings(arguments: argparse.Namespace) -> Settings:
    """The preset with what the command line changes in it.

    Raises:
        InputError: A name or a value is not known.
    """
    settings = load_preset(_preset_name(arguments)).settings
    if arguments.similarity is not None:
        if arguments.similarity not in SIMILARITIES:
            raise InputError(f"unknown similarity '{arguments.similarity}'; known are {', '.join(SIMILARITIES)}")
        settings = replace(settings, similarity={arguments.similarity: SIMILARITY_WEIGHTS[arguments.similarity]})
    settings = replace(settings, regularity=_with_weights(settings.regularity, arguments.weight))
    changed = {name: getattr(arguments, name) for name in ("device", "seed", "max_voxels")}
    return replace(settings, **{name: value for name, value in changed.items() if value is not None})


def _preset_name(arguments: argparse.Namespace) -> str:
    method, preset = arguments.method, arguments.preset
    if arguments.centreline is not None and method != "geometry":
        raise InputError("--centreline is only for --method geometry; leave it out")
    if method == "geometry":
        raise InputError("the method 'geometry' does not exist in this version yet; choose another --method")
    if method is not None and method not in preset_names():
        raise InputError(f"unknown method '{method}'; known are {', '.join(preset_names())}")
    if method is not None and preset is not None and method != preset:
        raise InputError(f"--method {method} and --preset {preset} are two different settings; give one of them")
    return str(method or preset or DEFAULT)


def _with_weights(regularity: Mapping[str, float], words: list[str]) -> dict[str, float]:
    weights = dict(regularity)
    for word in words:
        name, _, value = word.partition("=")
        try:
            weights[name.strip()] = float(value)
        except ValueError as error:
            raise InputError(f"--weight needs NAME=VALUE with a number, such as bending=10; got '{word}'") from error
    return weights


def read_problem(arguments: argparse.Namespace) -> Any:
    """Read all files that the command line names.

    Raises:
        InputError: One of them cannot be used.
    """
    from INRRegistrationLib.cli.files import read_image, read_labels
    from INRRegistrationLib.cli.points import read_points
    from INRRegistrationLib.cli.transforms import read_linear
    from INRRegistrationLib.core.problem import Problem

    def say(sentence: str) -> None:
        if not arguments.quiet:
            print(f"inr-register: {sentence}", file=sys.stderr)

    given: dict[str, Any] = {}
    for name in IMAGES:
        path = getattr(arguments, name)
        if path is not None:
            given[name] = (read_labels if name.endswith("labels") else read_image)(path, say)
    for name in ("fixed_landmarks", "moving_landmarks"):
        path = getattr(arguments, name)
        if path is not None:
            given[name] = read_points(path).positions
    if arguments.initial_transform is not None:
        given["initial"] = read_linear(arguments.initial_transform)
    return Problem(**given)
