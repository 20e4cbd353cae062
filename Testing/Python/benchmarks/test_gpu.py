"""The benchmark of GPUs, on a CPU: where there is no GPU, it must at least run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import SimpleITK
from analytic import centred, pair, turn, wave

from INRRegistrationLib.core.volume import Volume

BENCHMARKS = Path(__file__).parents[2] / "Benchmarks"


def written(volume: Volume, path: Path) -> None:
    image = SimpleITK.GetImageFromArray(volume.single())
    grid = volume.grid
    image.SetSpacing(grid.spacing.tolist())
    image.SetOrigin(grid.origin.tolist())
    image.SetDirection((grid.affine[:3, :3] / grid.spacing).ravel().tolist())
    SimpleITK.WriteImage(image, str(path))


def test_it_prints_both_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import gpu

    problem = pair(centred((26, 25, 24), 2.0, turn(10)), centred((28, 27, 26), 2.0), wave)
    for side, volume in (("fixed", problem.fixed), ("moving", problem.moving)):
        written(volume, tmp_path / f"{side}.nii.gz")
    arguments = ["gpu.py", str(tmp_path), "--device", "cpu", "--presets", "quick", "--repeats", "1", "--iterations", "2"]
    monkeypatch.setattr(sys, "argv", arguments)
    gpu.main()
    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    tables = [row for row in rows if row[0].strip() in ("quick", "2", "4")]
    assert len(tables) >= 2
    assert all(float(row[3]) >= 0 for row in tables)
    assert [row[4].strip() for row in tables[1:]] == ["-"] * len(tables[1:]), "nothing is recorded on a CPU"
