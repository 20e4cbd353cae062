"""A small pair in a real scene."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stand_in.boot import boot

sys.path.append(str(Path(__file__).parent))  # for blobs, which the tests import too

from blobs import blob


@pytest.fixture
def scene() -> Iterator[Any]:
    scene = boot()
    scene.Clear(0)
    yield scene
    scene.Clear(0)


@pytest.fixture
def pair(scene: Any) -> tuple[Any, Any]:  # noqa: ARG001 (the nodes go there)
    return blob("fixed", (0, 0, 0)), blob("moving", (5, -3, 2))
