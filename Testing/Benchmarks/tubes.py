"""Plain, tangent and combined networks on a tube whose contraction travels along it, with and without breathing.

    python Testing/Benchmarks/tubes.py [--seeds 5] [--iterations 150] [--omegas 10 20] [--margin 0]

Every seed is another texture, another noise and other first weights. All networks have about as many weights in all, see as
many points inside the tube and are fitted in one stage with one schedule. Error is the mean distance from the true map in
the middle of the tube, where something moves; correlation and folding are of the whole tube.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # idle threads that spin take the cores from other processes
sys.path.append(str(Path(__file__).parents[1]))  # for phantoms

import numpy as np
import torch
from phantoms.follow import correlation, follow
from phantoms.peristalsis import REACH, Peristalsis

from inr_registration.core import Affine, Geometry, Representation, Settings, Stage
from inr_registration.maps import FittedMap

MODELS = ("plain", "tangent", "combined")
BREATH = (0.0, 3.6, 4.8)
"""6 mm."""
MIDDLE = 14.0
"""Up to here around the centreline the error is judged, mm."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--iterations", type=int, default=150)
    parser.add_argument("--omegas", type=float, nargs="+", default=[10.0, 20.0])
    parser.add_argument("--margin", type=float, default=0.0, help="of the images around the tube, mm")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print("| breathing | omega | model | error mm, 1/3 | error mm, end | correlation, 1/3 | correlation, end | folding % | s |")
    print("|---|---|---|---|---|---|---|---|---|")
    for breath in ((0.0, 0.0, 0.0), BREATH):
        for omega in arguments.omegas:
            for model in MODELS:
                print(row(breath, omega, model, arguments), flush=True)


def row(breath: tuple[float, float, float], omega: float, model: str, arguments: argparse.Namespace) -> str:
    """One line of the table: mean and standard deviation over seeds."""
    runs = np.array([run(breath, omega, model, seed, arguments) for seed in range(arguments.seeds)])
    cells = [f"{mean:.{d}f} ± {sd:.{d}f}" for mean, sd, d in zip(runs.mean(axis=0), runs.std(axis=0), (2, 2, 4, 4, 3, 0), strict=True)]
    return f"| {'6 mm' if any(breath) else 'none'} | {omega:g} | {model} | {' | '.join(cells)} |"


def run(breath: tuple[float, float, float], omega: float, model: str, seed: int, arguments: argparse.Namespace) -> list[float]:
    """Error and correlation after a third of the iterations and at the end, folding, and seconds of CPU time."""
    phantom = Peristalsis(breath=breath, margin=arguments.margin, spacing=3.0, seed=seed)
    problem = phantom.problem()
    assert problem.fixed_mask is not None
    points = problem.fixed.grid.to_world(np.argwhere(problem.fixed_mask.values > 0)[:, ::-1])
    middle = points[phantom.inside(points, MIDDLE)]
    true = phantom.truth(middle)

    def judge(fitted: FittedMap) -> tuple[float, float, float]:
        error = np.linalg.norm(fitted.map(middle) - true, axis=1).mean()
        return (
            float(error),
            correlation(fitted, points, problem.fixed, problem.moving),
            100 * float((fitted.determinant(points) <= 0).mean()),
        )

    third, end = arguments.iterations // 3, arguments.iterations
    began = time.process_time()
    _, seen = follow(problem, settings(model, omega, seed, end), judge, (third, end))
    return [seen[third][0], seen[end][0], seen[third][1], seen[end][1], seen[end][2], time.process_time() - began]


def settings(model: str, omega: float, seed: int, iterations: int) -> Settings:
    """One stage, a small network."""
    return Settings(
        method=model,
        representation=Representation("siren", 48, 3, omega),
        similarity={"ncc": 1.0},
        regularity={"diffusion": 0.05, "symmetric_jacobian": 0.02},
        affine=Affine("none"),
        stages=(Stage(1, iterations, 1e-3, 1500),),
        clip_percent=0.0,
        geometry=None if model == "plain" else Geometry("tube", "tangent" if model == "tangent" else "combined", REACH / 0.9, 0.5),
        seed=seed,
        device="cpu",
    )


if __name__ == "__main__":
    main()
