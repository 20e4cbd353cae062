"""What all tests share."""

from __future__ import annotations

import importlib.util
import os

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is loaded: idle threads that spin take the cores of a busy machine

HAS_SLICER = all(importlib.util.find_spec(name) is not None for name in ("slicer", "PySide6"))
INSIDE_SLICER = ("scene", "logic", "ui", "module", "stand_in")
"""Folders whose tests need slicer-core and PySide6, which pip brings on Linux."""

collect_ignore = [] if HAS_SLICER else list(INSIDE_SLICER)


def pytest_report_header() -> str:
    """Say what is left out."""
    return "" if HAS_SLICER else f"left out, because slicer-core or PySide6 is not installed here: {', '.join(INSIDE_SLICER)}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a GPU where there is none; torch is only imported if such a test was collected."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="no CUDA device on this machine"))
