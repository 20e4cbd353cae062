"""The stand-in is imported before the tests' own imports, which it puts in place; without its packages there is nothing to test."""

from __future__ import annotations

import pytest

pytest.importorskip("slicer", reason="the package slicer-core is not installed (it exists for Linux only)")
pytest.importorskip("PySide6", reason="PySide6 is not installed")
pytest.importorskip("stand_in")
