"""Whether a change of the code changes results: hashes of what every preset makes of three pairs, with few iterations.

    python Testing/bits.py write FILE        before
    python Testing/bits.py compare FILE      after; exit status 1 where anything differs

Single-threaded, on the CPU, on phantoms that are made here: an oblique pair of blobs, the same with other contrast and grids, and the
phantom that a method with coordinates of its own asks for. Hashes are of the same machine and the same versions of torch and numba only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "Testing"), str(ROOT / "INRRegistration")]
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402
import torch  # noqa: E402
from phantoms.peristalsis import Peristalsis  # noqa: E402
from phantoms.ventricle import Ventricle  # noqa: E402

# isort: split
from inr_registration.app import register  # noqa: E402
from inr_registration.core import Grid, Problem, Result, Settings, Volume, load_preset, preset_names  # noqa: E402

SHARE, VOXELS = 0.05, 40_000
"""Of a preset's iterations; at most so many voxels."""


def blobs(grid: Grid, name: str, moved: float = 0.0, inverted: bool = False) -> Volume:
    """Smooth spots, moved along a wave by up to so many mm."""
    points = grid.all_points().astype(np.float64)
    points = points + moved * np.sin(points[..., ::-1] / 14)
    generator = np.random.default_rng(3)
    values: npt.NDArray[np.float64] = np.zeros(grid.shape)
    for _ in range(40):
        centre, width, height = generator.uniform(-28, 28, 3), generator.uniform(3, 9), generator.uniform(200, 1000)
        values += height * np.exp(-((points - centre) ** 2).sum(axis=-1) / (2 * width**2))
    return Volume((1500 - values if inverted else values).astype(np.float32), grid, name)


def a_grid(size: tuple[int, int, int], spacing: tuple[float, float, float], degrees: float) -> Grid:
    """Around the origin, turned about its third axis."""
    angle = np.deg2rad(degrees)
    axes = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    return Grid.from_geometry(size, spacing, -axes @ ((np.array(size) - 1) / 2 * spacing), axes)


def problems(settings: Settings) -> Iterator[tuple[str, Problem]]:
    """The pairs for these settings."""
    oblique, other = a_grid((36, 34, 30), (1.9, 2.1, 2.3), 12), a_grid((30, 34, 38), (2.2, 1.8, 2.0), -20)
    points = np.random.default_rng(5).uniform(-20, 20, (20, 3))
    masked = Volume((np.linalg.norm(oblique.all_points(), axis=-1) < 30).astype(np.uint8), oblique, "mask")
    pairs = {
        "same contrast": Problem(blobs(oblique, "fixed"), blobs(other, "moving", 4), fixed_landmarks=points, moving_landmarks=points + 1),
        "other contrast": Problem(blobs(oblique, "fixed"), blobs(other, "moving", 3, inverted=True), fixed_mask=masked),
    }
    kind = None if settings.geometry is None else settings.geometry.kind
    if kind == "tube":
        pairs = {}
    yield from ((name, replace(pair, long_axis=np.array([[0, 0, -25.0], [0, 0, 25.0]]))) for name, pair in pairs.items())
    yield "phantom", _heart() if kind == "cardiac" else Peristalsis(spacing=3.0).problem()


def _heart() -> Problem:
    heart = Ventricle()
    return heart.problem(heart.grid(3.0, 8.0))


def shortened(settings: Settings) -> Settings:
    """A few iterations of every stage."""
    stages = tuple(replace(stage, iterations=max(round(SHARE * stage.iterations), 3)) for stage in settings.stages)
    return replace(settings, stages=stages, max_voxels=min(settings.max_voxels, VOXELS), device="cpu")


def hashes(result: Result) -> dict[str, str]:
    """Of everything that a result holds, but for what tells of time and place."""
    assert result.transform is not None
    assert result.model is not None
    volumes = {"warped": result.warped, "jacobian": result.jacobian, "uncertainty": result.uncertainty, **result.maps}
    arrays = {name: volume.values for name, volume in volumes.items() if volume is not None}
    arrays |= {"transform": result.transform.coefficients, "affine": result.transform.affine}
    arrays |= {f"model {name}": array for name, array in result.model.tensors.items()}
    found = {name: hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16] for name, array in arrays.items()}
    verdict = None if result.verdict is None else result.verdict.level.name
    words = [result.outcome.name, verdict, result.warnings, result.choices, repr(result.quality), repr(result.doubts), result.settings]
    return {**found, "words": hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()[:16]}


def all_hashes(presets: list[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """By preset and pair."""
    for preset in presets:
        settings = shortened(load_preset(preset).settings)
        for name, problem in problems(settings):
            yield f"{preset}, {name}", hashes(register(problem, settings))


def main() -> int:
    """Write or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=["write", "compare"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--preset", action="append", help="only these; default: all")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found, differing = {}, 0
    before = json.loads(arguments.file.read_text()) if arguments.verb == "compare" else {}
    for name, new in all_hashes(arguments.preset or preset_names()):
        found[name] = new
        other = [key for key in before.get(name, {}) | new if before.get(name, {}).get(key) != new.get(key)] if before else []
        differing += bool(other)
        print(f"{name}: {'other ' + ', '.join(other) if other else 'the same' if before else 'done'}", flush=True)
    if not before:
        arguments.file.write_text(json.dumps(found, indent=1) + "\n")
    return int(differing > 0)


if __name__ == "__main__":
    raise SystemExit(main())
