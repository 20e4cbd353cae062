"""Files that are too large, too deep or not what they say end in one message, before anything heavy happens."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from small_pair import SmallPair, run_cli

from inr_registration.core import MODEL_BYTES, POINTS_BYTES, InputError, Settings
from inr_registration.io import read_model, read_points

HEADER = "x_lps_mm,y_lps_mm,z_lps_mm\n"


def markup(**more: object) -> str:
    return json.dumps({"markups": [{"controlPoints": [{"position": [1, 2, 3]}], **more}]})


POINTS = {
    "nested too deeply.mrk.json": "[" * 200_000 + "]" * 200_000,
    "no unit at all.mrk.json": markup(coordinateUnits=[]),
    "a list for a system.mrk.json": markup(coordinateSystem=["LPS"]),
    "a number for points.mrk.json": json.dumps({"markups": [{"controlPoints": 3}]}),
    "a number beyond all.mrk.json": '{"markups": [{"controlPoints": [{"position": [1, 2, ' + "9" * 5000 + "]}]}]}",
    "not text.mrk.json": "\udcff",
    "an endless cell.csv": f"{HEADER}1,2,{'3' * 200_000}\n",
    "a zero byte.csv": f"{HEADER}1,2,\0003\n",
    "infinite.csv": f"{HEADER}1,2,1e999\n",
    "a column named twice.csv": f"x_lps_mm,{HEADER}1,2,3,4\n",
}


@pytest.mark.parametrize("name", POINTS)
def test_points_that_are_none_are_refused_in_one_message(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(POINTS[name].encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=f"^{name}: "):
        read_points(tmp_path / name)


def sparse(path: Path, size: int) -> Path:
    """A file that says it is this large, and takes no room."""
    with path.open("wb") as stream:
        stream.truncate(size)
    return path


READERS = {
    "points.csv": (POINTS_BYTES, read_points),
    "points.mrk.json": (POINTS_BYTES, read_points),
    "m.safetensors": (MODEL_BYTES, read_model),
}


@pytest.mark.parametrize("name", READERS)
def test_a_file_that_is_too_large_is_refused(name: str, tmp_path: Path) -> None:
    most, read = READERS[name]
    path = sparse(tmp_path / name, most + 1)
    with pytest.raises(InputError, match=f"^{name}: .* MB .*{most // 10**6} MB"):
        read(path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="whoever may read everything is refused nothing")
def test_points_that_may_not_be_read_are_said(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text(HEADER + "1,2,3\n")
    (tmp_path / "points.csv").chmod(0)
    with pytest.raises(InputError, match=r"points.csv: cannot be read"):
        read_points(tmp_path / "points.csv")


def test_settings_that_hold_something_else_are_refused_with_their_place() -> None:
    good = Settings().to_json()
    wrong = {
        "settings has no key 'code'": {**good, "code": "import os"},
        "settings.stages must be a list": {**good, "stages": 3},
        "settings.seed must be a whole number": {**good, "seed": "0; import os"},
        "settings.regularity.diffusion must be a number": {**good, "regularity": {"diffusion": {"__class__": "os"}}},
        "settings must be an object": ["settings"],
    }
    for message, data in wrong.items():
        with pytest.raises(InputError, match=message):
            Settings.from_json(data)


@pytest.mark.parametrize("name", ["../presets/auto", "auto.json", "/etc/passwd", "..", ""])
def test_a_preset_is_a_name_and_never_a_path(name: str) -> None:
    done = run_cli("presets", name)
    assert done.returncode == 2
    assert done.stderr.startswith(f"inr-register: there is no preset '{name}'")


def test_the_command_line_says_it_in_one_line(a_pair: SmallPair, tmp_path: Path) -> None:
    (tmp_path / "deep.mrk.json").write_text("[" * 200_000)
    given = [f"--{side}-landmarks={tmp_path / 'deep.mrk.json'}" for side in ("fixed", "moving")]
    done = run_cli(a_pair.fixed, a_pair.moving, "--output", tmp_path / "out", *given)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "deep.mrk.json: not points" in done.stderr
    assert not (tmp_path / "out").exists()
