"""Compiling is a phase of its own, told where it happens, and it does not spoil the estimate of the time left."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from inr_registration.core import Progress

pytestmark = pytest.mark.slow

RUN = """
import os, sys
os.environ["NUMBA_CACHE_DIR"] = sys.argv[1]
from fits import a_problem, short
from inr_registration.core.presets import load_preset
from inr_registration.core.progress import Command
from inr_registration.app.registration import register
seen = []
def report(progress):
    seen.append(progress)
    return Command.CANCEL if progress.phase == sys.argv[2] else Command.CONTINUE
result = register(a_problem(), short(load_preset("auto").settings, 3), report)
print(result.outcome.name)
print(sum(p.phase == "compile" for p in seen))
print(seen[-1].compiling_s)
print(all(a.fraction <= b.fraction for a, b in zip(seen, seen[1:])))
print(all(not p.terms for p in seen if p.phase == "compile"))
"""


def said(place: Path, cancel: str = "never", **environment: str) -> list[str]:
    here = Path(__file__).parent
    paths = [str(here), str(here.parents[1])]
    code = f"import sys; sys.path[:0] = {paths!r}\n{RUN}"
    done = subprocess.run(
        [sys.executable, "-c", code, str(place), cancel], capture_output=True, text=True, timeout=600, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_first_run_tells_of_compiling_and_the_second_does_not(tmp_path: Path) -> None:
    ended, count, seconds, *sound = said(tmp_path)
    assert ended == "ITERATION_LIMIT"
    assert int(count) > 5
    assert float(seconds) > 0.5
    assert sound == ["True", "True"]
    _, again, less, *_ = said(tmp_path)
    assert int(again) == 0
    assert float(less) < float(seconds)


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="temporary files are each user's own there")
def test_it_is_told_too_where_nothing_can_be_kept(tmp_path: Path) -> None:
    folder = tmp_path / f"inr-register-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)  # not trusted
    (tmp_path / "file").write_text("")
    nowhere = {"XDG_CACHE_HOME": "", "HOME": str(tmp_path / "none"), "TMPDIR": str(tmp_path)}
    assert int(said(tmp_path / "file", **nowhere)[1]) > 5


def test_a_run_can_be_cancelled_while_it_compiles(tmp_path: Path) -> None:
    assert said(tmp_path, "compile")[:2] == ["CANCELLED", "1"]


def test_the_time_left_is_that_of_the_work_alone() -> None:
    assert Progress("fit", 0.25, 40.0, compiling_s=20.0).remaining_s == pytest.approx(60.0)
