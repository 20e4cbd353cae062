"""In how many places something new is said: toys are added to a scratch copy of the package, used, and counted.

    python Testing/places.py

Prints a row for each: new files, lines changed elsewhere, and whether a registration with it ran, from Python and on the command line.
"""

from __future__ import annotations

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
        settings: With which it is used, as Python.
        words: With which it is used on the command line.
    """

    what: str
    files: dict[str, str]
    lines: tuple[tuple[str, str, str], ...]
    settings: str
    words: tuple[str, ...]


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
        'similarity={"absolute": 10.0}',
        ("--similarity", "absolute"),
    ),
    Toy(
        "regulariser",
        {
            "terms/rotation.py": '"""Local rotation."""\n\n\ndef rotation(first):\n'
            '    """Mean squared antisymmetric part of du/dx, (3, 3, ...)."""\n'
            "    return ((first - first.transpose(0, 1)) ** 2).sum(dim=(0, 1)).mean() / 4\n"
        },
        ((CATALOGUE, '        RegularityTerm("jacobian"', '        RegularityTerm("rotation", "rotation", 1, "Rotation"),\n'),),
        'regularity={"diffusion": 0.1, "rotation": 0.5}',
        ("--weight", "rotation=0.5"),
    ),
)
USE = """
import sys
import numpy as np
import SimpleITK as sitk
import inr_registration as inr

grid = inr.Grid((20, 20, 20), np.diag([2.0, 2.0, 2.0, 1.0]))
points = grid.all_points()
images = [inr.Volume(np.exp(-((points - c) ** 2).sum(axis=-1) / 90), grid) for c in ([18, 18, 18], [20, 18, 17])]
for preset in ("quick", "idir"):
    stages = tuple({**vars(stage), "iterations": 4} for stage in inr.load_preset(preset).settings.stages)
    settings = inr.Settings.from_json({**inr.load_preset(preset).settings.to_json(), "stages": list(stages), "device": "cpu"})
    result = inr.register(*images, settings=settings, SETTINGS)
    assert result.usable, result.message
    assert any("NAME" in term for curve in result.history for term in curve.terms), result.history
for name, image in zip(("fixed", "moving"), images):
    written = sitk.GetImageFromArray(image.values.astype(np.float32))
    written.SetSpacing((2.0, 2.0, 2.0))
    sitk.WriteImage(written, f"{sys.argv[1]}/{name}.nii.gz")
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
    code = USE.replace("SETTINGS", toy.settings).replace("NAME", name)
    command = [sys.executable, "-m", "inr_registration", *(str(folder / f"{side}.nii.gz") for side in ("fixed", "moving"))]
    asked = ["-o", str(folder / "out"), "--preset", "quick", "--quiet", *toy.words]
    for words in ([sys.executable, "-c", code, str(folder)], [*command, *asked]):
        done = subprocess.run(words, env=environment, cwd=folder, capture_output=True, encoding="utf-8", check=False)
        if done.returncode not in (0, 5):  # the quality control may judge a few iterations as it likes
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
