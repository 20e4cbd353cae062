"""One way to change settings, whoever asks."""

from __future__ import annotations

import argparse
from dataclasses import replace

import pytest

from inr_registration.app.cli import choose_settings
from inr_registration.app.cli.arguments import parse
from inr_registration.core import InputError, Settings, load_preset, override

AUTO = load_preset("auto").settings


def by_words(*words: str) -> Settings:
    arguments: argparse.Namespace = parse(["fixed.nii", "moving.nii", "-o", "out", *words])[1]
    return choose_settings(arguments)


def test_single_values_of_any_depth_are_changed_and_all_else_stays() -> None:
    changed = override(AUTO, {"seed": 3, "affine.kind": "rigid", "regularity.bending": 2, "similarity": "mind", "max_voxels": None})
    expected = replace(AUTO, seed=3, affine=replace(AUTO.affine, kind="rigid"), regularity={**AUTO.regularity, "bending": 2.0})
    assert changed == replace(expected, similarity={"mind": 10.0})
    tube = load_preset("geometry").settings
    assert override(tube, {"geometry.radius_mm": 7.0}).geometry == replace(tube.geometry, radius_mm=7.0)  # type: ignore[type-var]
    assert override(AUTO, {}) == AUTO


def test_a_weight_of_zero_takes_the_term_out_whoever_says_it() -> None:
    assert override(AUTO, {"regularity.diffusion": 0}).regularity == {"symmetric_jacobian": 0.5}
    assert by_words("--weight", "diffusion=0") == override(AUTO, {"regularity.diffusion": 0})
    assert by_words("--weight", "bending=0") == AUTO


def test_auto_is_a_similarity_on_the_command_line_too() -> None:
    assert by_words("--preset", "lung-ct", "--similarity", "auto").similarity == {"auto": 1.0}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sed": 3}, "unknown setting 'sed'"),
        ({"similarity": "ssd"}, "unknown similarity 'ssd'"),
        ({"start": "anywhere"}, "unknown start 'anywhere'"),
        ({"regularity.bendin": 1}, "unknown regularity 'bendin'"),
        ({"regularity.bendin": 0}, "unknown regularity 'bendin'"),
        ({"regularity.": 1}, "unknown regularity ''"),
        ({"affine.": 1}, "settings.affine has no ''; known are kind, iterations"),
        ({"seed.": 1}, "seed has no parts"),
        ({"geometry.radius_mm": 3.0}, "settings.geometry is not used by the method 'auto'"),
        ({"seed": -1}, "settings.seed must lie between"),
    ],
)
def test_what_is_not_known_is_told(changes: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        override(AUTO, changes)
