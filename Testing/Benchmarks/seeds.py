"""How much the result depends on the seed of the random numbers.

    python Testing/Benchmarks/seeds.py PAIRS [--only NAME ...] [--preset auto] [--seeds 10] [--threads 2]

``PAIRS`` is a folder of image pairs, laid out as in ``pairs.py``. One line a pair: the mean over seeds of its mean error (mm) or mean
overlap, the spread as a share of that, the worst, how many runs fold (central differences, in the mask) and how many end worse than
they started.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
from studies.cases import known

from inr_registration.app import register
from inr_registration.core import Problem, Quality, load_preset
from inr_registration.io import read_image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--only", nargs="+", help="names of pairs")
    parser.add_argument("--preset", default="auto")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print("| pair | measure | before | mean | spread % | worst | runs that fold | worse than before |\n|---|---|---|---|---|---|---|---|")
    for pair in sorted(entry for entry in arguments.pairs.iterdir() if (entry / "fixed.nii.gz").exists()):
        if not arguments.only or pair.name in arguments.only:
            print(line(pair, arguments.preset, arguments.seeds), flush=True)


def line(pair: Path, preset: str, seeds: int) -> str:
    """One row of the table."""
    images = {side: read_image(str(pair / f"{side}.nii.gz"), lambda _: None) for side in ("fixed", "moving")}
    problem, settings = Problem(**images, **known(pair)), load_preset(preset).settings
    errors = problem.fixed_landmarks is not None
    before, after, folds = 0.0, [], 0
    for seed in range(seeds):
        quality = register(problem, replace(settings, seed=seed)).quality
        assert quality is not None
        before, value = measured(quality, errors)
        after.append(value)
        folds += quality.folding_percent > 0
    worst = max(after) if errors else min(after)
    worse = sum(value > before if errors else value < before for value in after)
    spread = 100 * np.std(after) / np.mean(after)
    name = "TRE mm" if errors else "Dice"
    return f"| {pair.name} | {name} | {before:.3f} | {np.mean(after):.4f} | {spread:.2f} | {worst:.4f} | {folds} | {worse} |"


def measured(quality: Quality, errors: bool) -> tuple[float, float]:
    """Before and after: the mean error, or the mean overlap."""
    if errors:
        return quality.tre_mm["before"]["mean"], quality.tre_mm["after"]["mean"]
    overlaps = np.array(list(quality.dice.values()))
    return float(overlaps[:, 0].mean()), float(overlaps[:, 1].mean())


if __name__ == "__main__":
    main()
