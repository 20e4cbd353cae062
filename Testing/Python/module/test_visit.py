"""The script that makes the pictures of the README plays from beginning to end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
STEPS = ("empty", "chosen", "running", "registered", "blend", "checkerboard", "jacobian", "warpGrid", "difference", "folding", "region")


def test_the_visit_writes_a_picture_of_each_step(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "Testing" / "Visit" / "visit.py"), str(tmp_path), "--size", "small"]
    played = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert played.returncode == 0, played.stderr[-3000:]
    names = [path.name for path in sorted(tmp_path.glob("*.png"))]
    assert [step for step in (*STEPS, "reopened") if not any(step in name for name in names)] == []
    colours = {path.stem[9:]: colourfulness(path) for path in tmp_path.glob("*.png")}
    assert colours["blend"] < 1
    assert min(colours["jacobian"], colours["folding"], colours["reopened"]) > 3


def colourfulness(path: Path) -> float:
    """How far red and blue are apart in the lower right view, where nothing but the image and what lies over it is seen."""
    view = np.asarray(Image.open(path).convert("RGB"), dtype=int)[-350:, -410:]
    return float(np.abs(view[..., 0] - view[..., 2]).mean())
