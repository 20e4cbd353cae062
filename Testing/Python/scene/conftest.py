"""A real MRML scene for the tests of the scene layer, and an ear for what VTK says."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("slicer", reason="the package slicer-core is not installed (it exists for Linux only)")
pytest.importorskip("stand_in", reason="PySide6 is not installed")

import slicer
from stand_in.boot import boot
from stand_in.messages import Messages

sys.path.append(str(Path(__file__).parent))  # for worlds, which the tests import too


@pytest.fixture
def vtk_messages() -> Iterator[Messages]:
    """What VTK and MRML warn about during the test: `assert not vtk_messages.text`, or look for words and `clear()`."""
    with Messages() as heard:
        yield heard


@pytest.fixture
def scene(vtk_messages: Messages) -> Iterator[slicer.vtkMRMLScene]:
    """`slicer.mrmlScene`, empty but for what the application itself keeps there. VTK must be quiet, or the test say otherwise."""
    scene = boot()
    scene.Clear()
    vtk_messages.clear()
    yield scene
    said = vtk_messages.text
    scene.Clear()
    assert not said, f"VTK said:\n{said}"
