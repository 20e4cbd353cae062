"""The benchmark of GPUs, on a CPU: where there is no GPU, it must at least run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


def test_it_prints_both_tables(pairs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import gpu

    arguments = ["gpu.py", str(pairs / "wavy"), "--device", "cpu", "--presets", "quick", "--repeats", "1", "--iterations", "2"]
    monkeypatch.setattr(sys, "argv", arguments)
    gpu.main()
    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    tables = [row for row in rows if row[0].strip() in ("quick", "2", "4")]
    assert len(tables) >= 2
    assert all(float(row[3]) >= 0 for row in tables)
    assert [row[4].strip() for row in tables[1:]] == ["-"] * len(tables[1:]), "nothing is recorded on a CPU"
