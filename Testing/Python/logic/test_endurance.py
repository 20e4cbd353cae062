"""A short turn of the endurance benchmark in a scene."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import slicer
from Benchmarks.lasting.marks import grown
from Benchmarks.lasting.scene import ROUND, Lasting
from blobs import QUICK

from inr_registration.slicer.logic import KEPT

pytestmark = [pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"), pytest.mark.slow]


@pytest.fixture
def logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Beside the folder for temporary files, which nobody else uses."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    return tmp_path / "logs"


@pytest.fixture
def lasting(logs: Path) -> Iterator[Lasting]:
    lasting = Lasting(logs)
    yield lasting
    lasting.close()


def test_no_nodes_timers_threads_or_observers_are_left_by_run_after_run(lasting: Lasting, logs: Path) -> None:
    marks = []
    for number in range(1, 2 * ROUND + 1):
        lasting.one(number)
        if number % ROUND == 0:
            marks.append(lasting.mark(number))
    assert grown(marks[0], marks[-1]) == {}
    assert marks[-1].more["timers"] == 0
    assert marks[-1].temporary == 0, "the package leaves no temporary files"
    assert set(lasting.ended) == {"ITERATION_LIMIT", "STOPPED", "CANCELLED", "error", "refused"}
    assert len(list(logs.iterdir())) <= KEPT


def test_what_stays_in_the_scene_is_seen(lasting: Lasting) -> None:
    first = lasting.mark(0)
    lasting.session.run(lasting.pair, lasting.kept, QUICK)
    tag = slicer.mrmlScene.AddObserver(slicer.vtkMRMLScene.NodeAddedEvent, lambda *_: None)
    found = grown(first, lasting.mark(1))
    slicer.mrmlScene.RemoveObserver(tag)
    assert {"nodes", "observers", "vtkMRMLTransformNode"} <= set(found)
