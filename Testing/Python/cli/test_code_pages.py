"""Names that the console's code page cannot show end no run and change no exit status."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from small_pair import Registered, SmallPair, command, environment

PAGES = ["cp1252", "ascii", "latin-1", "cp437"]


def run(page: str, *words: object) -> subprocess.CompletedProcess[bytes]:
    given = {**environment(), "PYTHONIOENCODING": page, "PYTHONUTF8": "0"}
    return subprocess.run(command(*words), capture_output=True, env=given, timeout=300)


@pytest.mark.parametrize("page", ["cp1252", "ascii"])
def test_a_registration_with_names_of_another_alphabet_ends_well(page: str, a_pair: SmallPair, tmp_path: Path) -> None:
    fixed = shutil.copy(a_pair.fixed, tmp_path / "fest_ö固.nii.gz")
    moving = shutil.copy(a_pair.moving, tmp_path / "ß動.nii.gz")
    done = run(page, fixed, moving, "--output", tmp_path / "ausgabe_動", "--preset", "quick")
    assert done.returncode == 0, done.stderr
    assert "\\u52d5" in done.stdout.decode(page)
    assert (tmp_path / "ausgabe_動" / "report.json").exists()


@pytest.mark.parametrize("page", PAGES)
def test_the_points_are_written_all_the_same(page: str, a_registration: Registered, tmp_path: Path) -> None:
    points, written = tmp_path / "точки.csv", tmp_path / "点.csv"
    shutil.copy(a_registration.pair.fixed_landmarks, points)
    done = run(page, "apply", a_registration.output / "model.safetensors", points, written)
    assert done.returncode == 0, done.stderr
    assert written.exists()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("name", [b"\xe5\x8b\x95.nii.gz", b"\xff\xfe.nii.gz"], ids=["of another alphabet", "that is no text"])
def test_a_refusal_shows_a_name_as_well_as_it_can(page: str, name: bytes, tmp_path: Path) -> None:
    missing = tmp_path / os.fsdecode(name)
    done = run(page, missing, missing, "--output", tmp_path / "out")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert b"there is no such file" in done.stderr or b"bytes that are no letters" in done.stderr
