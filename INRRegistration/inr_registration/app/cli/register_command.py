"""``inr-register FIXED MOVING --output DIR``."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from inr_registration.core.calibration import estimator_for
from inr_registration.core.changes import override
from inr_registration.core.errors import InputError
from inr_registration.core.needs import check_given, users
from inr_registration.core.presets import DEFAULT, find_preset, load_preset, preset_names
from inr_registration.core.settings import Settings

CYCLE = "cycle"
CHANGES = ("similarity", "start", "uncertainty", "device", "seed", "max_voxels", "landmark_weight")
"""Settings that have an option of their name."""
FIELDS = {
    "fixed_landmarks": "--fixed-landmarks",
    "moving_landmarks": "--moving-landmarks",
    "centrelines": "--centreline",
    "long_axis": "--long-axis",
    "ventricle": "--ventricle",
}
"""Field of ``Problem`` that only some methods use, or that must come in pairs -> its option."""


def run(arguments: argparse.Namespace) -> int:
    """Register one pair of files."""
    settings = choose_settings(arguments)
    check_given(settings, given_fields(arguments), FIELDS)
    estimator_for(settings)  # refuses a way to estimate the uncertainty that was not tested with this method
    from inr_registration.app.cli.execute import Running, execute, exit_status
    from inr_registration.app.cli.inputs import files_of, read_drawing, read_problem
    from inr_registration.app.cli.outputs import check_folder
    from inr_registration.io.files import check_reachable

    folder = Path(arguments.output)
    check_reachable([*files_of(arguments), arguments.output])
    check_folder(folder, files_of(arguments))
    problem = read_problem(arguments)
    running = replace(Running.of(arguments), drawing=read_drawing(arguments, problem.fixed.grid))
    from inr_registration.app.cli.summary import print_summary

    result = execute(problem, settings, folder, running)
    if not arguments.quiet:
        print_summary(result, folder)
    return exit_status(result)


def given_fields(arguments: argparse.Namespace) -> list[str]:
    """Those of ``FIELDS`` that the command line names."""
    words = {field: getattr(arguments, option.removeprefix("--").replace("-", "_")) for field, option in FIELDS.items()}
    return [field for field, word in words.items() if word]


def choose_settings(arguments: argparse.Namespace) -> Settings:
    """The preset with what the command line changes in it.

    Raises:
        InputError: A name or a value is not known.
    """
    settings = _preset(arguments)
    if arguments.tube_radius is not None and (settings.geometry is None or settings.geometry.kind != "tube"):
        raise InputError(f"--tube-radius is only for {', '.join(users('centrelines'))}; leave it out, or choose one of these methods")
    changes = {name: getattr(arguments, name) for name in CHANGES} | {"geometry.radius_mm": arguments.tube_radius}
    return override(settings, changes | _weights(arguments.weight))


def _preset(arguments: argparse.Namespace) -> Settings:
    """Of the preset, or of the method; both directions at once go with any preset that holds a velocity."""
    method, preset = arguments.method, arguments.preset
    if method == CYCLE and preset not in (None, CYCLE):
        base, both = load_preset(preset).settings, load_preset(CYCLE).settings
        if base.representation.kind == "velocity" and base.cycle is None:
            return replace(base, method=CYCLE, cycle=both.cycle, uncertainty=both.uncertainty)
    return find_preset(_preset_name(arguments)).settings


def _preset_name(arguments: argparse.Namespace) -> str:
    method, preset = arguments.method, arguments.preset
    if method is not None and method not in preset_names():
        raise InputError(f"unknown method '{method}'; known are {', '.join(preset_names())}")
    if method is not None and preset is not None and method != preset:
        raise InputError(f"--method {method} and --preset {preset} are two different settings; give one of them")
    return str(method or preset or DEFAULT)


def _weights(words: list[str]) -> dict[str, float]:
    weights = {}
    for word in words:
        name, _, value = word.partition("=")
        try:
            weights[f"regularity.{name.strip()}"] = float(value)
        except ValueError as error:
            raise InputError(f"--weight needs NAME=VALUE with a number, such as bending=10; got '{word}'") from error
    return weights
