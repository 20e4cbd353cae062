"""The real fit under a Qt event loop that holds the interpreter lock. How fast it is, Testing/Benchmarks/threads.py measures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

pytest.importorskip("PySide6.QtCore", reason="PySide6 is not installed here", exc_type=ImportError)

SCRIPT = Path(__file__).parent / "slicer_like.py"
SOURCE = Path(__file__).resolve().parents[3] / "INRRegistration"


def measured(way: str, kind: str, seconds: float = 120) -> dict[str, Any]:
    command = [sys.executable, str(SCRIPT), way, kind, str(seconds)]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_the_pump_lets_a_fit_go_on_which_would_starve_without_it() -> None:
    pumped, naive = measured("turns", "siren", 12), measured("naive", "siren", 4)
    assert pumped["ratio"] > 0.3
    assert pumped["rate"] > 5 * naive["rate"]
    assert pumped["ended"]
    assert naive["ended"]


@pytest.mark.parametrize("kind", ["velocity", "siren"])
def test_a_fit_under_the_pump_tells_its_whole_curve_and_its_end_and_leaves_no_timer(kind: str) -> None:
    result = measured("pump", kind)
    assert result["finished"] == [True]
    assert result["points"] == 31
    assert result["in_order"]
    assert result["updates"] > 2
    assert not result["timer"]


def test_a_cancelled_fit_is_over_at_once_and_the_next_one_begins_when_its_thread_has_ended() -> None:
    result = measured("cancel", "velocity")
    assert result["told_ms"] <= result["thread_ended_ms"] <= result["next_ms"]
    assert result["living"] == 1
    assert not result["overlap"]
    assert result["second_rate"] > 0
    assert result["stopped"]
