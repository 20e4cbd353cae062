"""Where the time goes: the phases of presets, and the parts of one iteration of ``auto`` on each level beside the least work.

    python Testing/Benchmarks/profile_stages.py PAIR [--presets auto quick ...] [--iterations 6] [--threads 2]

``PAIR`` is a folder with ``fixed.nii.gz`` and ``moving.nii.gz``. Presets that need a centreline or an axis get that of the spine
(``drawn.py``; CT only). The parts of an iteration are measured by Python's profiler on one
thread; a part is the time within one compiled loop. The least work counts what no implementation can leave out: each image read and
each control point read and written once (bytes), and the arithmetic of the formulas (operations); its time is the larger of both at
the speeds that this machine reaches in a copy of a large array and in a product of large matrices, measured in the same run.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
from drawn import curves

from inr_registration.app import register
from inr_registration.core import Problem, Settings, Stage, load_preset
from inr_registration.fields import Lattice
from inr_registration.io import read_image
from inr_registration.methods import SingleFit, new_fit
from inr_registration.methods import prepared as prepare
from inr_registration.optimise import fit_stage

PARTS = {
    "warp": ("warp",),
    "windows": ("window_sums", "correlate"),
    "derivative": ("pull_sums", "derive"),
    "to control points": ("spread",),
    "exponential": ("double", "pull_back"),
    "regularity": ("densities",),
    "features": ("differ",),
    "step": ("step",),
}
"""Column -> functions whose own time it is."""
BYTES = {"voxel": 4 * 4, "point": 3 * 4 * 6}
"""Fixed, moving and both weights once a voxel; parameters, gradient and both means of Adam read, three of them written."""
OPERATIONS = {"voxel": 24 + 30 + 7 * 6 + 40 + 40, "point": 3 * 3 * 2 * 40 + 2 * 200}
"""Spline along a row, trilinear value and slope, window sums, correlation, its derivative; three squarings there and back, two terms."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pair", type=Path)
    parser.add_argument("--presets", nargs="+", default=["auto"])
    parser.add_argument("--iterations", type=int, default=6)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    problem = Problem(*(read_image(str(arguments.pair / f"{side}.nii.gz"), lambda _: None) for side in ("fixed", "moving")))
    register(problem, shortened(1))  # loads and compiles
    print("| preset | wall s | CPU s | prepare | affine | pyramid | fit | finish |\n|---|---|---|---|---|---|---|---|")
    for preset in arguments.presets:
        print(phases(problem, preset, arguments.threads), flush=True)
    torch.set_num_threads(1)
    speeds = copy_speed(), product_speed()
    print(f"\nOne thread: copies {speeds[0] / 1e9:.0f} GB/s, multiplies matrices at {speeds[1] / 1e9:.0f} Gflop/s.\n")
    print(
        f"| level mm | voxels that count | control points | ms | {' | '.join(PARTS)} | rest | least work ms |"
        + "\n|"
        + "---|" * (len(PARTS) + 6)
    )
    for line in levels(problem, arguments.iterations, speeds):
        print(line, flush=True)


def shortened(iterations: int) -> Settings:
    """``auto`` with so many iterations on each level."""
    settings = load_preset("auto").settings
    return replace(settings, device="cpu", stages=tuple(replace(stage, iterations=iterations) for stage in settings.stages))


def phases(problem: Problem, preset: str, threads: int) -> str:
    """A whole run, files and imports left out: a line with its seconds, processor seconds and the seconds of its phases."""
    torch.set_num_threads(threads)
    wall, cpu = time.perf_counter(), time.process_time()
    settings = replace(load_preset(preset).settings, device="cpu")
    result = register(replace(problem, **curves(settings.geometry, problem.fixed)), settings)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    own = [f"{result.timings_s.get(name, 0.0):.1f}" for name in ("prepare", "affine", "pyramid", "fit", "finish")]
    return f"| {preset} | {wall:.1f} | {cpu:.1f} | {' | '.join(own)} |"


def levels(problem: Problem, iterations: int, speeds: tuple[float, float]) -> list[str]:
    """One line of the table for each level."""
    settings = shortened(iterations)
    prepared = prepare.prepare(problem, settings, torch.device("cpu"))
    prepared.choose_similarity(settings, np.eye(4))
    fit = new_fit(problem, prepared, settings, np.eye(4), torch.Generator().manual_seed(0))
    assert isinstance(fit, SingleFit)
    return [level(fit, prepared, stage, speeds) for stage in prepared.usable_stages(settings)]


def level(fit: SingleFit, prepared: prepare.Prepared, stage: Stage, speeds: tuple[float, float]) -> str:
    objective = fit.begin(stage)
    settings = fit.settings
    fit_stage(replace(stage, iterations=2), objective, settings, lambda _done, _terms: None)
    profile = cProfile.Profile()
    profile.enable()
    fit_stage(stage, objective, settings, lambda _done, _terms: None)
    profile.disable()
    stats = pstats.Stats(profile)
    total = 1000 * stats.total_tt / stage.iterations
    own = dict.fromkeys(PARTS, 0.0)
    for (_file, _line, function), (_calls, _more, seconds, _all, _callers) in stats.stats.items():
        for name, functions in PARTS.items():
            if function in functions:
                own[name] += 1000 * seconds / stage.iterations
    data = prepared.stage_data(stage, settings, fit.affine)
    voxels = int((data.fixed_weight > 0).sum())
    assert isinstance(fit.field, Lattice)
    points = int(np.prod(fit.field.knots.count))
    least = 1000 * max(work(BYTES, voxels, points) / speeds[0], work(OPERATIONS, voxels, points) / speeds[1])
    cells = [f"{own[name]:.1f}" for name in PARTS] + [f"{total - sum(own.values()):.1f}", f"{least:.1f}"]
    return f"| {objective.name.removesuffix(' mm')} | {voxels} | {points} | {total:.0f} | {' | '.join(cells)} |"


def work(of: dict[str, int], voxels: int, points: int) -> float:
    return float(of["voxel"] * voxels + of["point"] * points)


def copy_speed() -> float:
    """Bytes read and written a second."""
    source = torch.rand(30_000_000)
    target = torch.empty_like(source)
    return 8 * source.numel() / fastest(lambda: target.copy_(source))


def product_speed() -> float:
    """Floating point operations a second."""
    matrix = torch.rand(1500, 1500)
    return 2 * 1500**3 / fastest(lambda: matrix @ matrix)


def fastest(function: Callable[[], object]) -> float:
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


if __name__ == "__main__":
    main()
