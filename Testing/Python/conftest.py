"""What all tests share."""

from __future__ import annotations

import importlib.util
import os

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is loaded: idle threads that spin take the cores of a busy machine

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("searching", deadline=None)  # for finding new cases: HYPOTHESIS_PROFILE=searching pytest
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

HAS_SLICER = all(importlib.util.find_spec(name) is not None for name in ("slicer", "PySide6"))
INSIDE_SLICER = ("scene", "logic", "ui", "module", "stand_in")
"""Folders whose tests need slicer-core and PySide6, which pip brings on Linux."""

collect_ignore = [] if HAS_SLICER else list(INSIDE_SLICER)


def pytest_report_header() -> str:
    """Say what is left out."""
    return "" if HAS_SLICER else f"left out, because slicer-core or PySide6 is not installed here: {', '.join(INSIDE_SLICER)}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Divide the tests among processes, and skip what needs a GPU where there is none; torch is only imported for such a test."""
    _keep_together(items)
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="no CUDA device on this machine"))


def _keep_together(items: list[pytest.Item]) -> None:
    """Tests of one file share their fixtures; those inside Slicer share the one scene of their process, so they keep their order."""
    for item in items:
        folder = item.path.parent.name
        item.add_marker(pytest.mark.xdist_group("slicer" if folder in INSIDE_SLICER else str(item.path)))
