"""The module's own file, loaded as the application loads it, in the stand-in for Slicer."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("slicer", reason="the package slicer-core is not installed (it exists for Linux only)")
pytest.importorskip("PySide6", reason="PySide6 is not installed")
stand_in = pytest.importorskip("stand_in")  # puts qt, ctk and slicer in their places; before everything that imports these

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE), str(HERE.parent / "logic"), str(HERE.parent / "ui")]  # for helpers, of these tests and of others

from opened import Opened  # noqa: E402
from scripted_engine import Script  # noqa: E402

from inr_registration.slicer.logic import session as session_module  # noqa: E402


@pytest.fixture
def opened(caplog: pytest.LogCaptureFixture) -> Iterator[Opened]:
    """The module, loaded on an empty scene; its panel is made on demand. Afterwards nothing may have failed in silence."""
    opened = Opened()
    yield opened
    opened.end()
    assert stand_in.slot_errors == []
    assert stand_in.failed_connections == []
    said = [record.getMessage() for record in caplog.get_records("call") if record.levelname in ("ERROR", "CRITICAL")]
    assert said == []


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """An engine that goes on until it is told otherwise, in place of the real one. Ask for it before ``opened``, to be ended after it."""
    script = Script()
    monkeypatch.setattr(session_module, "perform", script.perform)
    yield script
    script.finish.set()
