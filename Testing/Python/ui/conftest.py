"""The panel on the stand-in for Slicer's windows, with a real scene."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("slicer", reason="the package slicer-core is not installed (it exists for Linux only)")
pytest.importorskip("PySide6", reason="PySide6 is not installed")
stand_in = pytest.importorskip("stand_in")  # puts qt, ctk and slicer in their places; before everything that imports these

sys.path.append(str(Path(__file__).parent))  # for desk and scripted_engine, which the tests import too

from desk import Desk  # noqa: E402
from scripted_engine import FOLDS, Script  # noqa: E402

from inr_registration.slicer.logic import session as session_module  # noqa: E402


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    """The engine of this test."""
    script = Script()
    monkeypatch.setattr(session_module, "perform", script.perform)
    return script


@pytest.fixture
def make_desk(script: Script) -> Iterator[Callable[[], Desk]]:
    """Makes panels on an empty scene; afterwards no slot may have raised."""
    import slicer

    slicer.mrmlScene.Clear()
    stand_in.slot_errors.clear()
    desks: list[Desk] = []

    def make() -> Desk:
        desks.append(Desk(script))
        return desks[-1]

    yield make
    for desk in desks:
        desk.shut()
    slicer.mrmlScene.Clear()
    assert stand_in.slot_errors == []


@pytest.fixture
def desk(make_desk: Callable[[], Desk]) -> Desk:
    """One panel, opened on an empty scene."""
    return make_desk()


@pytest.fixture
def folded(desk: Desk) -> Desk:
    """A panel with the result of a run that folds at two places and squeezes at a third."""
    desk.script.folds = FOLDS
    desk.pair()
    desk.run()
    return desk
