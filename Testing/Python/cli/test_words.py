"""Small words of the command line: short options, versions, presets from files, methods with an organ's preset."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from small_pair import SmallPair, run_cli

from inr_registration import __version__
from inr_registration.app.cli import EXIT, choose_settings, parse
from inr_registration.app.cli.main import main
from inr_registration.core import InputError, Settings, estimator_for, load_preset


def chosen(*words: str) -> Settings:
    return choose_settings(parse(["f.nii", "m.nii", "-o", "out", *words])[1])


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"inr-register {__version__}\n"


def test_the_output_has_a_short_name() -> None:
    assert parse(["f.nii", "m.nii", "-o", "there"])[1].output == "there"
    assert parse(["demo", "-o", "there"])[1].output == "there"


def test_what_presets_prints_can_be_given_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["presets", "liver-mr"]) == 0
    path = tmp_path / "mine.json"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    assert chosen("--preset", str(path)) == load_preset("liver-mr").settings
    alone = tmp_path / "alone.json"
    alone.write_text(json.dumps({"max_voxels": 5000}))
    assert chosen("--preset", str(alone)).max_voxels == 5000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no json", "is no JSON"),
        ("[1]", "holds no settings"),
        ('{"settings": 3}', "settings"),
        ('{"max_voxel": 3}', "has no key 'max_voxel'"),
    ],
)
def test_a_preset_file_that_holds_none_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(InputError, match=words):
        chosen("--preset", str(tmp_path / "bad.json"))
    with pytest.raises(InputError, match="cannot be read"):
        chosen("--preset", str(tmp_path / "none.json"))


def test_both_directions_go_with_the_preset_of_an_organ() -> None:
    found, organ, both = chosen("--method", "cycle", "--preset", "lung-ct"), load_preset("lung-ct").settings, load_preset("cycle").settings
    assert found.regularity == organ.regularity
    assert found.cycle == both.cycle
    assert found.method == "cycle"
    with pytest.raises(InputError, match="two different settings"):
        chosen("--method", "cycle", "--preset", "idir")
    with pytest.raises(InputError, match="two different settings"):
        chosen("--method", "ffd", "--preset", "lung-ct")


def test_presets_are_listed_no_wider_than_the_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    assert main(["presets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 70
    assert lines[0].split() == ["auto", "Automatic"]


def test_messages_name_no_part_of_the_program() -> None:
    with pytest.raises(InputError, match="choose a method whose name begins with cycle"):
        chosen("--uncertainty", "cycle")


def test_an_uncertainty_that_cannot_be_given_is_refused_before_anything_is_read() -> None:
    settings = chosen("--uncertainty", "--similarity", "mind")
    with pytest.raises(InputError, match="different contrasts"):
        estimator_for(settings)


def test_linear_methods_are_methods() -> None:
    assert chosen("--method", "rigid").affine.kind == "rigid"
    assert chosen("--method", "affine").stages == ()


def test_every_exit_status_is_in_the_help() -> None:
    for status in ("0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "6 ", "143 "):
        assert status in EXIT


def test_more_threads_than_processors_are_told(a_pair: SmallPair, tmp_path: Path) -> None:
    count = (os.cpu_count() or 1) + 3
    done = run_cli(a_pair.fixed, a_pair.moving, "-o", tmp_path, "--preset", "quick", "--max-voxels", 20000, "--threads", count)
    assert f"{count} threads were asked for" in done.stderr
