"""Whether a network beats the bare lattice of ``auto`` at equal time and smoothness: the same objective, moved by different things.

    python Testing/Benchmarks/network_or_lattice.py PAIRS [--only NAME ...] [--movers NAME ...] [--threads 1]

``PAIRS`` is laid out as in ``pairs.py``. All rows share images, pre-alignment, stages, similarity, regularity and the number of iterations
of ``auto``; only what gives the velocity of the control points differs (``movers/movers.py``). "Objective" is the last value on the
finest level: at the same weights, the lower of two was optimised better. Rows of the lattice with other numbers of iterations and other
weights are there to compare at equal time and at equal smoothness (SD of log det J, at random voxels that count).
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
from movers.loop import Loop, aligned
from movers.movers import MOVERS
from studies.cases import known
from studies.measure import measured

from inr_registration.core import Problem
from inr_registration.io import read_image

CHECKED = 40_000
"""Voxels at which the smoothness is measured."""
LONGER, SMOOTHER = (0.5, 2.0), (0.5, 2.0)
"""Of the rows of the lattice beside its own: share of the iterations, and of the weights of regularity."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--movers", nargs="+", choices=list(MOVERS), default=list(MOVERS))
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print("| pair | what moves the control points | TRE mm or Dice | SD log det | smallest det J | objective | CPU s |")
    print("|---|---|---|---|---|---|---|", flush=True)
    names = sorted(entry.name for entry in arguments.pairs.iterdir() if (entry / "fixed.nii.gz").exists())
    for name in arguments.only or names:
        loop = aligned(read(arguments.pairs / name))
        replace_iterations(loop, 0.1).run(MOVERS["lattice"])  # loads and compiles
        for mover in arguments.movers:
            print(row(name, mover, loop, mover), flush=True)
        for share in LONGER:
            print(row(name, "lattice", replace_iterations(loop, share), f"lattice, {share:g} times the iterations"), flush=True)
        for share in SMOOTHER:
            print(row(name, "lattice", replace_weights(loop, share), f"lattice, {share:g} times the weights"), flush=True)


def read(folder: Path) -> Problem:
    fixed, moving = (read_image(str(folder / f"{side}.nii.gz"), lambda _: None) for side in ("fixed", "moving"))
    return Problem(fixed, moving, **known(folder))


def replace_iterations(loop: Loop, share: float) -> Loop:
    stages = tuple(replace(stage, iterations=max(round(share * stage.iterations), 1)) for stage in loop.settings.stages)
    return replace(loop, settings=replace(loop.settings, stages=stages))


def replace_weights(loop: Loop, share: float) -> Loop:
    weights = {name: share * weight for name, weight in loop.settings.regularity.items()}
    return replace(loop, settings=replace(loop.settings, regularity=weights))


def row(pair: str, mover: str, loop: Loop, label: str) -> str:
    """One line of the table."""
    began = time.process_time()
    model, objective = loop.run(MOVERS[mover])
    cpu = time.process_time() - began
    index = np.argwhere(loop.prepared.fixed.counted)
    some = index[np.random.default_rng(0).integers(len(index), size=CHECKED)]
    seen = measured(model, loop.problem, loop.prepared.fixed.grid.to_world(some[:, ::-1]))
    accuracy = f"{seen['tre']:.3f}" if "tre" in seen else f"{seen['dice']:.4f}"
    return f"| {pair} | {label} | {accuracy} | {seen['sd_log_det']:.3f} | {seen['min_det']:.2f} | {objective:.4f} | {cpu:.1f} |"


if __name__ == "__main__":
    main()
