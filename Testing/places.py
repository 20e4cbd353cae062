"""In how many places something new is said: toys are added to a scratch copy of the package, used, and counted.

    python Testing/places.py

Prints a row for each: new files, lines changed elsewhere, and whether a registration with it ran, from Python and on the command line.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "INRRegistration" / "inr_registration"
CATALOGUE = "core/catalogue.py"


@dataclass(frozen=True)
class Toy:
    """Something new.

    Args:
        what: Of its kind.
        files: New files by their path in the package, with their content.
        lines: Of existing files: path, the line before which one is put, and that one.
        settings: With which it is used, in place of those of the presets.
        words: With which it is used on the command line.
        presets: With which it is used from Python: a lattice on whole levels and a network on sampled points.
    """

    what: str
    files: dict[str, str]
    lines: tuple[tuple[str, str, str], ...]
    settings: dict[str, object]
    words: tuple[str, ...]
    presets: tuple[str, ...] = ("quick", "idir")


GAUSS = '''"""Gaussian kernels: a displacement as a sum of smooth bumps with free heights."""

import torch
from torch import nn

from inr_registration.numerics.jet import Jet


class Kernels(nn.Module):
    """u(x) = sum_k exp(-|x - c_k|^2 / 2 s^2) h_k on a regular set of centres, n along each axis."""

    def __init__(self, low, high, n):
        super().__init__()
        self.n = n
        axes = [torch.linspace(a, b, n) for a, b in zip(low, high)]
        self.register_buffer("centres", torch.stack(torch.meshgrid(*axes, indexing="ij")).reshape(3, -1), persistent=False)
        self.low, self.high = list(low), list(high)
        self.spread = max(b - a for a, b in zip(low, high)) / (n - 1)
        self.heights = nn.Parameter(torch.zeros(3, n**3))

    def forward(self, points):
        return self.evaluate(points).value

    def evaluate(self, points, order=0):
        shape, flat = points.shape[1:], points.reshape(3, -1)
        away = (flat[:, None] - self.centres[:, :, None]) / self.spread
        bump = torch.exp(-away.square().sum(dim=0) / 2)
        value = (self.heights @ bump).reshape(3, *shape)
        if order == 0:
            return Jet(value)
        first = torch.stack([self.heights @ (-away[d] / self.spread * bump) for d in range(3)], dim=1)
        return Jet(value, first.reshape(3, 3, *shape))

    def describe(self):
        return {"kind": "gauss", "low": self.low, "high": self.high, "n": self.n}


def field_for(asked):
    low, high = asked.box.tolist()
    return asked.before if asked.before is not None else Kernels(low, high, 7)


def restored(description, tensors):
    field = Kernels(description["low"], description["high"], int(description["n"]))
    with torch.no_grad():
        field.heights.copy_(torch.as_tensor(tensors["heights"]))
    return field
'''
TOYS = (
    Toy(
        "similarity",
        {
            "terms/absolute.py": '"""Mean absolute difference."""\n\n\ndef absolute(fixed, moving, weight):\n'
            '    """0 where the images are the same."""\n'
            "    return (weight * (fixed - moving).abs()).sum() / weight.sum().clamp(min=1e-8)\n"
        },
        (
            (
                CATALOGUE,
                '        SimilarityTerm("mse"',
                '        SimilarityTerm("absolute", "absolute", 10.0, "Absolute differences"),\n',
            ),
        ),
        {"similarity": {"absolute": 10.0}},
        ("--preset", "quick", "--similarity", "absolute"),
    ),
    Toy(
        "regulariser",
        {
            "terms/rotation.py": '"""Local rotation."""\n\n\ndef rotation(first):\n'
            '    """Mean squared antisymmetric part of du/dx, (3, 3, ...)."""\n'
            "    return ((first - first.transpose(0, 1)) ** 2).sum(dim=(0, 1)).mean() / 4\n"
        },
        ((CATALOGUE, '        RegularityTerm("jacobian"', '        RegularityTerm("rotation", "rotation", 1, "Rotation"),\n'),),
        {"regularity": {"diffusion": 0.1, "rotation": 0.05}, "similarity": {"ncc": 1.0}},
        ("--preset", "quick", "--weight", "rotation=0.5"),
    ),
    Toy(
        "representation",
        {"fields/gauss.py": GAUSS},
        ((CATALOGUE, '        FieldKind("siren"', '        FieldKind("gauss", "gauss", "sampled", smooth=False),\n'),),
        {
            "representation": {"kind": "gauss"},
            "similarity": {"ncc": 1.0},
            "regularity": {"jacobian": 0.01},
            "stages": [{"shrink": 1, "iterations": 80, "learning_rate": 0.02, "points": 1500}],
        },
        ("--preset", "toy.json"),
        ("idir",),
    ),
)
USE = """
import json, sys
import numpy as np
import SimpleITK as sitk
import inr_registration as inr

folder, patch, presets, name = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4]
grid = inr.Grid((20, 20, 20), np.diag([2.0, 2.0, 2.0, 1.0]))
points = grid.all_points()
images = [inr.Volume(np.exp(-((points - c) ** 2).sum(axis=-1) / 90), grid) for c in ([18, 18, 18], [20, 18, 17])]
for preset in presets:
    settings = inr.load_preset(preset).settings.to_json()
    stages = [{**stage, "iterations": min(stage["iterations"], 60)} for stage in settings["stages"]]
    settings |= {"stages": stages, "device": "cpu", "affine": {"kind": "none"}, **patch}
    result = inr.register(*images, settings=inr.Settings.from_json(settings))
    assert result.usable, result.message
    terms = [*settings["similarity"], *settings["regularity"], settings["representation"]["kind"]]
    assert name in terms and any(name in curve.terms for curve in result.history) or name == settings["representation"]["kind"]
    off = [np.linalg.norm(np.asarray(at) - [20.0, 18.0, 17.0]) for at in ([18.0, 18.0, 18.0], result.map([[18.0, 18.0, 18.0]])[0])]
    assert off[1] < 0.6 * off[0], (preset, off)
    result.save(f"{folder}/saved")
    np.testing.assert_allclose(inr.load(f"{folder}/saved").map(points[5:9, 5, 5]), result.map(points[5:9, 5, 5]), atol=1e-4)
    open(f"{folder}/toy.json", "w").write(json.dumps(settings))
for side, image in zip(("fixed", "moving"), images):
    written = sitk.GetImageFromArray(image.values.astype(np.float32))
    written.SetSpacing((2.0, 2.0, 2.0))
    sitk.WriteImage(written, f"{folder}/{side}.nii.gz")
"""


def added(toy: Toy, into: Path) -> tuple[int, int]:
    """Put a toy into a copy of the package; how many files are new, and how many lines elsewhere."""
    for name, content in toy.files.items():
        (into / name).write_text(content, encoding="utf-8")
    for name, before, line in toy.lines:
        text = (into / name).read_text(encoding="utf-8")
        assert text.count(before) == 1, (name, before)
        (into / name).write_text(text.replace(before, line + before), encoding="utf-8")
    return len(toy.files), len(toy.lines)


def used(toy: Toy, root: Path, folder: Path) -> str:
    """What went wrong when it was used; empty where nothing did."""
    environment = {**os.environ, "PYTHONPATH": str(root)}
    name = next(iter(toy.files)).rpartition("/")[2].removesuffix(".py")
    library = [sys.executable, "-c", USE, str(folder), json.dumps(toy.settings), json.dumps(toy.presets), name]
    command = [sys.executable, "-m", "inr_registration", "fixed.nii.gz", "moving.nii.gz", "-o", "out", "--quiet", *toy.words]
    for words in (library, command):
        done = subprocess.run(words, env=environment, cwd=folder, capture_output=True, encoding="utf-8", check=False)
        if done.returncode not in (0, 5):  # the quality control may judge so small a pair as it likes
            return done.stderr[-2000:]
    return ""


def count(toy: Toy) -> tuple[int, int, str]:
    """New files, lines elsewhere, and what went wrong."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy" / "inr_registration"
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        files, lines = added(toy, copy)
        return files, lines, used(toy, copy.parent, Path(folder))


def main() -> int:
    """Print the table."""
    print("| something new | new files | lines elsewhere | works |\n| --- | --- | --- | --- |")
    failed = 0
    for toy in TOYS:
        files, lines, wrong = count(toy)
        failed += bool(wrong)
        print(f"| {toy.what} | {files} | {lines} | {'**no**: ' + wrong.splitlines()[-1] if wrong else 'yes'} |", flush=True)
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
