"""How time and memory grow with the size of the images, the number of landmarks, and that of the fits of an ensemble.

    python Testing/Benchmarks/growth.py [--sizes 64 96 128 192 256] [--thick] [--landmarks 0 100 10000] [--ensemble 1 2 5] [--threads 2]
        [--preset auto] [--uncertainty none]

Each row is one registration of a generated pair, in a process of its own, from images in memory to the result. Memory is the
process's peak, imports included; "above the images" is what lies above that of a process that has loaded everything and holds both
images. An ensemble is so many fits with other seeds, one after another, of which the maps are kept. Landmarks and ensembles are tried on
the first size. ``--thick`` adds 512x512x300, which takes a minute and two gigabytes. An uncertainty is drawn on the fixed grid in the end.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np

from inr_registration.core import Grid, Volume

THICK = (512, 512, 300)
SPACING_MM = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 96, 128, 192, 256])
    parser.add_argument("--thick", action="store_true")
    parser.add_argument("--landmarks", type=int, nargs="+", default=[0, 100, 10_000])
    parser.add_argument("--ensemble", type=int, nargs="+", default=[1, 2, 5])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--preset", default="auto")
    parser.add_argument("--uncertainty", help="as in the settings; without it, that of the preset")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    how = {"threads": arguments.threads, "preset": arguments.preset, "uncertainty": arguments.uncertainty}
    if arguments.worker:
        print(json.dumps(one(json.loads(arguments.worker))))
        return
    print("| size | landmarks | fits | images MiB | s | processor s | peak MiB | above the images MiB |\n|---|---|---|---|---|---|---|---|")
    shapes = [(n, n, n) for n in arguments.sizes] + ([THICK] if arguments.thick else [])
    asked = [(shape, arguments.landmarks[0], 1) for shape in shapes]
    asked += [(shapes[0], count, 1) for count in arguments.landmarks[1:]]
    asked += [(shapes[0], arguments.landmarks[0], fits) for fits in arguments.ensemble if fits > 1]
    for shape, landmarks, fits in asked:
        print(row(shape, landmarks, fits, how), flush=True)


def row(shape: tuple[int, int, int], landmarks: int, fits: int, how: dict[str, Any]) -> str:
    asked = json.dumps({"shape": shape, "landmarks": landmarks, "fits": fits, **how})
    done = subprocess.run([sys.executable, __file__, "--worker", asked], capture_output=True, text=True, check=False)
    size = "x".join(map(str, shape))
    if done.returncode:
        return f"| {size} | {landmarks} | {fits} | failed: {(done.stderr.strip().splitlines() or ['killed'])[-1][:80]} | | | | |"
    seen = json.loads(done.stdout.splitlines()[-1])
    cells = [
        f"{seen['images']:.0f}",
        f"{seen['wall']:.1f}",
        f"{seen['cpu']:.1f}",
        f"{seen['peak']:.0f}",
        f"{seen['peak'] - seen['before']:.0f}",
    ]
    return f"| {size} | {landmarks} | {fits} | {' | '.join(cells)} |"


def one(asked: dict[str, Any]) -> dict[str, float]:
    """Register in this process."""
    import torch

    from inr_registration.app import register
    from inr_registration.core import Problem, load_preset

    torch.set_num_threads(asked["threads"])
    settings = load_preset(asked["preset"]).settings
    settings = replace(settings, uncertainty=asked["uncertainty"] or settings.uncertainty)
    small = pair(Grid.from_geometry((24, 24, 24), (SPACING_MM,) * 3, (0.0, 0.0, 0.0), np.eye(3)))
    register(Problem(*small), settings)  # loads and compiles
    grid = Grid.from_geometry(tuple(asked["shape"]), (SPACING_MM,) * 3, (0.0, 0.0, 0.0), np.eye(3))
    fixed, moving = pair(grid)
    points = grid.to_world(np.random.default_rng(0).uniform(0.2, 0.8, (asked["landmarks"], 3)) * np.asarray(grid.size))
    given = {"fixed_landmarks": points, "moving_landmarks": points + 1.0} if asked["landmarks"] else {}
    before, wall, cpu = peak(), time.perf_counter(), time.process_time()
    kept = []
    for seed in range(asked["fits"]):
        result = register(Problem(fixed, moving, **given), replace(settings, seed=seed))
        assert result.transform is not None, result.message
        kept.append((result.transform, result.uncertainty))
        del result
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    images = 2 * 4 * np.prod(grid.size) / 2**20
    return {"wall": wall, "cpu": cpu, "peak": peak(), "before": before, "images": float(images)}


def pair(grid: Grid) -> list[Volume]:
    """A textured ball and the same, bent; made plane by plane, so that making it does not set the peak."""
    k, j, i = (np.arange(n, dtype=np.float32) for n in grid.shape)
    half = np.asarray(grid.size, np.float32) / 2
    images = []
    for bend in (0.0, 2.0):
        values = np.empty(grid.shape, np.float32)
        for n, z in enumerate(k):
            x, y = i[None] + bend * np.sin(z / 15), j[:, None] + bend * np.sin(i[None] / 17)
            inside = ((x - half[0]) / half[0]) ** 2 + ((y - half[1]) / half[1]) ** 2 + ((z - half[2]) / half[2]) ** 2 < 0.7
            values[n] = inside * (500 + 100 * np.sin(x / 4) * np.cos(y / 5) + 100 * np.sin((x + y + z) / 6))
        images.append(Volume(values, grid, "bent" if bend else "straight"))
    return images


def peak() -> float:
    """MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
