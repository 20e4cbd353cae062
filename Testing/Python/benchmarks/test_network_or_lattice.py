"""Every way of moving the control points, on a small pair."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

NAMES = 14
"""Ten movers, and the lattice with other numbers of iterations and other weights."""


def test_every_mover_brings_the_images_together(pairs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import network_or_lattice

    threads = torch.get_num_threads()
    monkeypatch.setattr(sys, "argv", ["network_or_lattice.py", str(pairs)])
    network_or_lattice.main()
    torch.set_num_threads(threads)
    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if line.startswith("| wavy")]
    assert len(rows) == len({row[1] for row in rows}) == NAMES
    points = np.loadtxt(pairs / "wavy" / "fixed_landmarks.csv", delimiter=",", skiprows=1)
    moved = np.loadtxt(pairs / "wavy" / "moving_landmarks.csv", delimiter=",", skiprows=1)
    before = np.linalg.norm(points - moved, axis=1).mean()
    errors = {row[1].strip(): float(row[2]) for row in rows}
    assert all(error < before for error in errors.values()), errors
    assert errors["lattice"] < 0.5 * before
