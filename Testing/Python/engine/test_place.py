"""Where compiled code is kept, and what happens where there is no place for it, or it cannot be read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import inr_registration

pytestmark = pytest.mark.slow

USE = """
import logging, sys
records = []
class Count(logging.Handler):
    def emit(self, record): records.append(record)
logging.getLogger().addHandler(Count())
logging.getLogger().setLevel(logging.DEBUG)
import numpy as np
import torch
from inr_registration.numerics.kernels.exponential import double, exponential
from inr_registration.numerics.kernels.jit import KEPT_IN
print(float(exponential(torch.full((3, 4, 4, 4), 0.5), (1.0, 1.0, 1.0), 3).sum()))
print(sum(double.stats.cache_hits.values()), sum(double.stats.cache_misses.values()))
print(len([r for r in records if r.name.startswith("numba")]))
print(KEPT_IN)
"""
RIGHT = str(3 * 64 * 0.5)


def used(**environment: str) -> list[str]:
    """What a process of its own prints in this environment; an empty value takes a variable out of it."""
    names = {name: value for name, value in {**os.environ, **environment}.items() if value}
    done = subprocess.run([sys.executable, "-c", USE], capture_output=True, text=True, env=names, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")


def kept(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.suffix in (".nbi", ".nbc")}


def test_it_is_kept_in_the_users_cache_folder_and_found_there_again(tmp_path: Path) -> None:
    own = kept(Path(inr_registration.__file__).parent)
    place = {"NUMBA_CACHE_DIR": "", "XDG_CACHE_HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path), "HOME": str(tmp_path)}
    first, second = used(**place), used(**place)
    assert first[0] == second[0] == RIGHT
    assert first[1] == "0 1"
    assert second[1] == "1 0"
    assert kept(tmp_path)
    assert kept(Path(inr_registration.__file__).parent) == own


def test_numba_s_own_variable_comes_first(tmp_path: Path) -> None:
    place = {"NUMBA_CACHE_DIR": str(tmp_path / "asked"), "XDG_CACHE_HOME": str(tmp_path / "other")}
    assert used(**place)[3] == str(tmp_path / "asked")
    assert kept(tmp_path / "asked")
    assert not (tmp_path / "other").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="homes are told otherwise there")
@pytest.mark.parametrize("home", ["missing", "a file"])
def test_without_a_home_it_is_kept_among_temporary_files_where_only_the_user_can_write(tmp_path: Path, home: str) -> None:
    (tmp_path / "a file").write_text("")
    (tmp_path / "t").mkdir()
    place = {"NUMBA_CACHE_DIR": "", "XDG_CACHE_HOME": "", "HOME": str(tmp_path / home), "TMPDIR": str(tmp_path / "t")}
    assert used(**place)[0] == RIGHT
    (folder,) = (tmp_path / "t").iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert kept(folder)
    assert not (tmp_path / "missing").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="temporary files are each user's own there")
def test_a_folder_that_others_can_write_to_is_not_trusted(tmp_path: Path) -> None:
    folder = tmp_path / f"inr-register-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    place = {"NUMBA_CACHE_DIR": "", "XDG_CACHE_HOME": "", "HOME": str(tmp_path / "none"), "TMPDIR": str(tmp_path)}
    printed = used(**place)
    assert (printed[0], printed[3]) == (RIGHT, "None")
    assert not kept(tmp_path)


def test_a_place_that_cannot_be_used_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    printed = used(
        NUMBA_CACHE_DIR=str(tmp_path / "file" / "in"), XDG_CACHE_HOME=str(tmp_path), LOCALAPPDATA=str(tmp_path), HOME=str(tmp_path)
    )
    assert printed[0] == RIGHT
    assert str(tmp_path) in printed[3]


@pytest.mark.parametrize("content", [b"", b"not a pickle", b"\x80\x04\x95"])
def test_damaged_files_cost_a_compilation_only(tmp_path: Path, content: bytes) -> None:
    used(NUMBA_CACHE_DIR=str(tmp_path))
    for path in kept(tmp_path):
        path.write_bytes(content)
    assert used(NUMBA_CACHE_DIR=str(tmp_path))[0] == RIGHT


def test_compiling_writes_no_record_where_the_root_logger_is_at_debug(tmp_path: Path) -> None:
    assert used(NUMBA_CACHE_DIR=str(tmp_path))[2] == "0"
