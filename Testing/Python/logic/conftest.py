"""A small pair in a real scene."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stand_in.boot import boot

sys.path.append(str(Path(__file__).parent))  # for blobs and loops, which the tests import too

from blobs import blob
from loops import Loop

from inr_registration.slicer.job import living
from inr_registration.slicer.logic import Session


@pytest.fixture
def scene() -> Iterator[Any]:
    scene = boot()
    scene.Clear(0)
    yield scene
    scene.Clear(0)


@pytest.fixture
def pair(scene: Any) -> tuple[Any, Any]:  # noqa: ARG001 (the nodes go there)
    return blob("fixed", (0, 0, 0)), blob("moving", (5, -3, 2))


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def session(loop: Loop) -> Iterator[Session]:
    session = Session(loop.make_timer)
    yield session
    session.close()
    assert not loop.ticks
    loop.until(lambda: not living())  # a thread that is just loading torch takes longer than close() waits


@pytest.fixture
def heard(session: Session) -> list[Any]:
    events: list[Any] = []
    session.listen(events.append)
    return events
