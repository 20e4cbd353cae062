"""A short turn of the endurance benchmark: nothing that can be counted grows from run to run."""

from __future__ import annotations

import sys
import tempfile
import threading
from math import gcd
from pathlib import Path

import pytest
import torch
from Benchmarks.lasting.marks import Mark, grown, mark, slope
from Benchmarks.lasting.process import ENDINGS, PRESETS, last, one

pytestmark = [pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"), pytest.mark.slow]
RUNS, EVERY = 18, 6


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files that nobody else uses."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_nothing_grows_over_runs_that_end_well_and_badly(temporary: Path) -> None:
    marks, ended = zip(*last(RUNS, EVERY), strict=True)
    assert grown(marks[0], marks[-1]) == {}
    assert list(temporary.iterdir()) == [], "the package leaves no temporary files"
    assert set(ended[-1]) == {"ITERATION_LIMIT", "STOPPED", "CANCELLED", "ZeroDivisionError", "InputError"}


def test_every_preset_has_its_turn_with_every_ending() -> None:
    assert gcd(len(PRESETS), len(ENDINGS)) == 1


@pytest.mark.gpu
def test_no_memory_of_the_gpu_is_held_after_a_run() -> None:
    for number in range(1, 13):
        one(number)
    first = mark(12).cuda_mb
    for number in range(13, 25):
        one(number)
    assert mark(24).cuda_mb <= first


def test_what_is_held_on_to_is_seen(temporary: Path) -> None:
    first, release = mark(0), threading.Event()
    held, thread = torch.zeros(3), threading.Thread(target=release.wait)
    thread.start()
    with (temporary / "file").open("w"):
        last = mark(int(held.sum()), nodes=1)
    release.set()
    thread.join()
    assert set(grown(first, last)) == {"tensors", "files", "temporary", "python_threads", "nodes"}


def test_the_slope_is_that_of_the_second_half() -> None:
    marks = [Mark(run, 100 + (50 if run > 2 else 0) + 0.5 * run, 1, 1, 1, 0, 0, 0) for run in range(11)]
    assert slope(marks) == pytest.approx(0.5)
