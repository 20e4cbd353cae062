"""``inr-register demo`` and ``inr-register presets``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from small_pair import run_cli

from inr_registration.core import Settings, preset_names
from inr_registration.phantom import make_pair, random_warp


def test_the_demo_comes_closer_to_the_truth(tmp_path: Path) -> None:
    done = run_cli("demo", "--size", "small", "--output", "here", "--threads", 1, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    before, after = (float(re.search(rf"truth {when}: mean ([\d.]+)", done.stdout)[1]) for when in ("before", "after"))
    assert 2 < before < 8
    assert after < 0.7 * before
    written = {file.name for file in (tmp_path / "here").iterdir()}
    assert {"fixed.nii.gz", "moving.nii.gz", "fixed_landmarks.csv", "moving_landmarks.csv", "transform.h5", "report.html"} <= written


@pytest.mark.parametrize("seed", range(3))
def test_the_warp_is_as_large_and_as_smooth_as_promised(seed: int) -> None:
    warp = random_warp(seed)
    points = np.random.default_rng(seed).uniform(-1, 1, (20000, 3)) * [125, 85, 85]
    assert 9 < np.linalg.norm(warp(points) - points, axis=1).max() < 11.5
    det = warp.determinant(points)
    assert det.min() >= 0.4
    assert det.max() <= 2


def test_both_images_show_the_same_body_through_the_warp() -> None:
    pair = make_pair("small", noise=0.0)
    assert not np.allclose(pair.fixed.grid.direction, pair.moving.grid.direction)
    assert np.ptp(pair.fixed.grid.spacing) > 1
    points, truth = pair.pairs(3000)
    index = np.rint(pair.fixed.grid.to_index(points)).astype(int)
    seen = pair.fixed.values[index[:, 2], index[:, 1], index[:, 0]]
    np.testing.assert_allclose(seen, pair.phantom.values(truth.astype(np.float32)), atol=2)


def test_the_same_seed_gives_the_same_images() -> None:
    first, second, other = make_pair("small", 1), make_pair("small", 1), make_pair("small", 2)
    np.testing.assert_array_equal(first.fixed.values, second.fixed.values)
    assert not np.array_equal(first.fixed.values, other.fixed.values)


def test_presets_are_listed_with_title_and_description() -> None:
    listed = run_cli("presets")
    as_json = json.loads(run_cli("presets", "--json").stdout)
    assert [entry["name"] for entry in as_json] == preset_names()
    for entry in as_json:
        assert entry["title"] in listed.stdout
        assert entry["description"] in " ".join(listed.stdout.split())


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_is_printed_with_all_its_settings(name: str) -> None:
    printed = json.loads(run_cli("presets", name).stdout)
    assert Settings.from_json(printed["settings"]).to_json() == printed["settings"]
    assert set(printed["settings"]) == set(Settings().to_json())
