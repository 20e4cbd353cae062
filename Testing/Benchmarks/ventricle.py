"""Coordinates around the long axis of the left ventricle beside a plain network, on a beating phantom of known motion.

    python Testing/Benchmarks/ventricle.py [--seeds 5] [--threads 1]

One markdown table, mean and standard deviation over the seeds; each seed has its own texture, noise, network weights and
samples. All methods have the stages, points and learning rates of the same small fit and about as many weights. "Volume
x 5" gives the plain network everywhere the weight on the change of volume that the others have in the muscle; "axis only"
withholds the segmentation, so that only the coordinates differ. Errors are in the muscle, away from the axis: distance from
the true position, and root mean square of the strain's error in percentage points.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
for part in ("INRRegistration", "Testing"):
    sys.path.append(str(Path(__file__).resolve().parents[2] / part))

import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402
import torch  # noqa: E402
from phantoms.ventricle import Ventricle  # noqa: E402

from inr_registration.app import register  # noqa: E402
from inr_registration.core import Affine, Geometry, Problem, Settings, Stage, load_preset  # noqa: E402
from inr_registration.fields import around, directions  # noqa: E402
from inr_registration.maps import FittedMap, load  # noqa: E402
from inr_registration.measure import DIRECTIONS, along, green_lagrange  # noqa: E402

Array = npt.NDArray[np.float64]

STAGES = (Stage(3, 80, 1.5e-3, 1000), Stage(1.5, 140, 1.0e-3, 1000))
COLUMNS = ("error mm", *(f"{name} %" for name in DIRECTIONS), "folding %", "SD log det", "seconds")


def methods() -> dict[str, tuple[Settings, bool]]:
    """Settings by name, and whether the segmentation is given or only the axis."""
    preset = load_preset("cardiac").settings
    small = replace(preset, representation=replace(preset.representation, width=64), affine=Affine("none"), stages=STAGES, device="cpu")
    plain = replace(small, geometry=None)
    tangent = replace(small, geometry=Geometry("cardiac", "tangent"))
    strong = {name: 5 * weight for name, weight in small.regularity.items()}
    return {
        "plain": (plain, True),
        "plain, volume x 5": (replace(plain, regularity=strong), True),
        "tangent, axis only": (tangent, False),
        "tangent": (tangent, True),
        "combined, axis only": (small, False),
        "combined": (small, True),
    }


def judged(heart: Ventricle, points: Array, axes: Array, model: FittedMap | None) -> list[float]:
    """The first columns of a row; without a model, those of no registration."""
    mapped, jacobian = (points, np.broadcast_to(np.eye(3), axes.shape)) if model is None else (model.map(points), model.jacobian(points))
    seen = along(green_lagrange(jacobian), axes)
    truth = heart.strains(points)
    off = [100 * float(np.sqrt(((seen[:, d] - truth[name]) ** 2).mean())) for d, name in enumerate(DIRECTIONS)]
    det = np.linalg.det(jacobian)
    error = float(np.linalg.norm(mapped - heart.contract(points), axis=1).mean())
    return [error, *off, 100 * float((det <= 0).mean()), float(np.log(np.clip(det, 1e-3, None)).std())]


def rows_of(seed: int, rows: dict[str, list[list[float]]]) -> None:
    """Every method on the phantom of one seed."""
    heart = Ventricle(seed=seed)
    grid = heart.grid(2.0, 5.0, 10.0)
    problem = heart.problem(grid, noise=30.0)
    points = grid.all_points()[heart.wall(grid.all_points())].astype(float)
    axes = directions(points, around(heart.ends))
    known = np.isfinite(axes).all(axis=(1, 2))
    points, axes = points[known], axes[known]
    rows.setdefault("before", []).append([*judged(heart, points, axes, None), 0.0])
    for name, (settings, segmented) in methods().items():
        given = problem if segmented else Problem(problem.fixed, problem.moving, long_axis=heart.ends)
        began = time.process_time()
        result = register(given, replace(settings, seed=seed))
        seconds = time.process_time() - began
        assert result.model is not None, result.message
        rows.setdefault(name, []).append([*judged(heart, points, axes, load(result.model)), seconds])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    rows: dict[str, list[list[float]]] = {}
    for seed in range(arguments.seeds):
        rows_of(seed, rows)
    print(f"| method | {' | '.join(COLUMNS)} |\n|---{'|---' * len(COLUMNS)}|")
    for name, values in rows.items():
        mean, spread = np.mean(values, axis=0), np.std(values, axis=0)
        print(f"| {name} | {' | '.join(f'{m:.3g} ± {s:.2g}' for m, s in zip(mean, spread, strict=True))} |")


if __name__ == "__main__":
    main()
