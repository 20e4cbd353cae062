"""How long a GPU takes: the phases of presets, and one iteration of ``auto`` on each level, piece by piece, recorded, and at least.

    python Testing/Benchmarks/gpu.py PAIR [--presets auto quick ...] [--repeats 5] [--iterations 20] [--device cuda]

``PAIR`` is a folder with ``fixed.nii.gz`` and ``moving.nii.gz``. "Optimisation" is pre-alignment, pyramid and fit, without files
and imports; medians of runs after a first one that loads libraries. The least time of an iteration is that of its bytes (see
``profile_stages.py``) at the speed of a copy on the same device in the same run. Where recording
failed, or gave another step, the fit went on piece by piece and the remarks say so.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from profile_stages import BYTES, work

from inr_registration.app import register
from inr_registration.core import Problem, Result, Settings, Stage, load_preset
from inr_registration.fields import Lattice
from inr_registration.io import read_image
from inr_registration.methods import SingleFit, new_fit
from inr_registration.methods import prepared as prepare
from inr_registration.numerics import choose_device, current, describe_device
from inr_registration.optimise import WARM_UP, Adam, Plain, Step, new_step

PHASES = ("prepare", "affine", "pyramid", "fit", "finish")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pair", type=Path)
    parser.add_argument("--presets", nargs="+", default=["auto", "quick"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--device", default="cuda")
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    problem = Problem(*(read_image(str(arguments.pair / f"{side}.nii.gz"), lambda _: None) for side in ("fixed", "moving")))
    print(f"{describe_device(device)}, torch {torch.__version__}; {arguments.pair.name}: {problem.fixed.grid.size}\n")
    print(f"| preset | optimisation s | {' | '.join(PHASES)} | mean \\|u\\| mm | remarks |\n|---|{'---|' * (len(PHASES) + 3)}")
    for preset in arguments.presets:
        print(phases(problem, replace(load_preset(preset).settings, device=arguments.device), preset, arguments.repeats), flush=True)
    print("\n| level mm | voxels that count | control points | piece by piece ms | recorded ms | least ms |\n|---|---|---|---|---|---|")
    with current(device):
        for line in levels(problem, arguments.iterations, device):
            print(line, flush=True)


def phases(problem: Problem, settings: Settings, name: str, repeats: int) -> str:
    """A line of the first table."""
    results = [register(problem, settings) for _ in range(repeats + 1)][1:]
    own = [statistics.median(result.timings_s.get(phase, 0.0) for result in results) for phase in PHASES]
    whole = statistics.median(sum(result.timings_s.get(phase, 0.0) for phase in ("affine", "pyramid", "fit")) for result in results)
    return (
        f"| {name} | {whole:.2f} | {' | '.join(f'{seconds:.2f}' for seconds in own)} | {length(results[-1]):.3f} | {remarks(results[-1])} |"
    )


def length(result: Result) -> float:
    """Mean length of the displacement, to be compared between devices."""
    assert result.displacement is not None
    return float(np.linalg.norm(result.displacement, axis=-1).mean())


def remarks(result: Result) -> str:
    return "; ".join(choice for choice in result.choices if "record" in choice)


def levels(problem: Problem, iterations: int, device: torch.device) -> list[str]:
    """A line of the second table for each level."""
    settings = replace(load_preset("auto").settings, device=str(device))
    prepared = prepare.prepare(problem, settings, device)
    prepared.choose_similarity(settings, np.eye(4))
    fit = new_fit(problem, prepared, settings, np.eye(4), torch.Generator().manual_seed(0))
    assert isinstance(fit, SingleFit)
    speed = copy_speed(device)
    return [level(fit, prepared, stage, iterations, speed) for stage in prepared.usable_stages(settings)]


def level(fit: SingleFit, prepared: prepare.Prepared, stage: Stage, iterations: int, speed: float) -> str:
    objective = fit.begin(stage)
    optimiser = Adam(objective.parameters, objective.betas)
    plain, recorded = Plain(objective, optimiser), new_step(objective, optimiser)
    times = [f"{milliseconds(step, objective.rate, iterations):.2f}" for step in (plain, recorded)]
    if isinstance(recorded, Plain) or recorded.note:
        times[1] = recorded.note or "-"
    data = prepared.stage_data(stage, fit.settings, fit.affine)
    assert isinstance(fit.field, Lattice)
    voxels, points = int((data.fixed_weight > 0).sum()), int(np.prod(fit.field.knots.count))
    least = 1000 * work(BYTES, voxels, points) / speed
    return f"| {objective.name.removesuffix(' mm')} | {voxels} | {points} | {' | '.join(times)} | {least:.3f} |"


def milliseconds(step: Step, rate: float, iterations: int) -> float:
    """Of one iteration, once all is made that is kept; the steps are short, so that the field hardly moves."""

    def some(count: int) -> None:
        for _ in range(count):
            step(rate / 100)

    some(WARM_UP + 2)
    return 1000 * seconds(lambda: some(iterations)) / iterations


def copy_speed(device: torch.device) -> float:
    """Bytes read and written a second."""
    source = torch.rand(30_000_000, device=device)
    target = torch.empty_like(source)
    return 8 * source.numel() / min(seconds(lambda: target.copy_(source)) for _ in range(5))


def seconds(function: Callable[[], object]) -> float:
    """Until the device is done."""
    wait()
    began = time.perf_counter()
    function()
    wait()
    return time.perf_counter() - began


def wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
