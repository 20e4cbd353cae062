"""No test may leave a worker behind."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from inr_registration.slicer.job import living

sys.path.append(str(Path(__file__).parent))  # for owners, which the tests import too


@pytest.fixture(autouse=True)
def no_worker_is_left_behind() -> Iterator[None]:
    yield
    for worker in living():
        worker.join(10)
    assert living() == []
