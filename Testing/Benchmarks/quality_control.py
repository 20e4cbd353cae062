"""Does the quality control of the cycle-consistent method tell failed registrations from sound ones?

    python Testing/Benchmarks/quality_control.py [--pairs PAIRS] [--jobs 2] [--rows ROWS.jsonl] [--draw 0]
        [--preset cycle-siren]

Generated and real images are warped by known random B-splines, and many of the pairs or runs are broken on purpose
(``quality_control_cases.py``). Each is registered by the method itself, with small networks if it has any. By its mean true error where the
fixed image shows something, a registration is sound (up to half a voxel diagonal of the fixed image, or 2 mm), failed (above
one diagonal and 2 mm, or there is no true answer because the moving image shows something else) or in between. Thresholds
were chosen on the calibration part; the held-out part has other images. Rows that are already in ROWS are not computed again.
"""

from __future__ import annotations

import argparse
import json
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from quality_control_cases import BREAKAGES, Trial, small, trials
from quality_control_tables import show
from scipy.stats import spearmanr

from INRRegistrationLib.core.presets import load_preset
from INRRegistrationLib.core.settings import Settings
from INRRegistrationLib.engine import prepare
from INRRegistrationLib.engine.consensus import Consensus
from INRRegistrationLib.engine.evidence import gather
from INRRegistrationLib.engine.finish import finish
from INRRegistrationLib.engine.fit import fit_stage
from INRRegistrationLib.engine.fits.choose import new_fit
from INRRegistrationLib.engine.guard import Diverged
from INRRegistrationLib.engine.start.prealign import prealign

Row = dict[str, Any]

POINTS = 2000
"""Points of a trial at which the true error is looked at."""


def observe(trial: Trial, settings: Settings) -> Row:
    """Register a trial: its evidence and its true error, JSON-ready."""
    problem, settings = trial.problem, trial.change(settings)
    prepared = prepare.prepare(problem, settings, torch.device("cpu"))
    start = np.eye(4) if problem.initial is None else problem.initial
    affine, closest, _ = prealign(prepared, settings, start)
    prepared.choose_similarity(settings, closest)
    fit = new_fit(problem, prepared, settings, affine, torch.Generator().manual_seed(settings.seed))
    row: Row = {"name": trial.name, "part": trial.part, "breakage": trial.breakage, "wrong": trial.truth is None}
    try:
        for stage in prepared.usable_stages(settings):
            fit_stage(stage, fit.begin(stage), settings, lambda _done, _terms: None)
    except Diverged:
        return {**row, "diverged": True}
    made = finish(fit.model(), prepared, problem, settings, True)
    assert isinstance(made.model, Consensus)
    return {**row, **errors(trial, made.model), "evidence": asdict(gather(made.model, made, prepared, problem))}


def errors(trial: Trial, model: Consensus) -> Row:
    """Mean true error before and after, mm, and the rank correlation of error and U over points."""
    if trial.truth is None:
        return {}
    points = np.random.default_rng(0).permutation(trial.region)[:POINTS]
    mapped, true = model.map(points), trial.truth(points)
    after = np.linalg.norm(mapped - true, axis=1)
    rank = float(spearmanr(model.discrepancy(points), after)[0])
    return {"before": float(np.linalg.norm(points - true, axis=1).mean()), "error": float(after.mean()), "rank": rank}


_STATE: dict[str, Any] = {}


def begin(pairs: Path | None, sound: int, broken: int, draw: int, preset: str) -> None:
    """In each process: the recipes of all trials."""
    torch.set_num_threads(1)
    _STATE["recipes"] = {part: trials(part, pairs, sound, broken, draw) for part in ("calibrate", "held-out")}
    _STATE["settings"] = small(load_preset(preset).settings)


def work(part: str, number: int) -> Row:
    return {"id": f"{part} {number}", **observe(_STATE["recipes"][part][number](), _STATE["settings"])}


def study(args: argparse.Namespace) -> list[Row]:
    """All rows; those that the file holds already are not computed again."""
    rows = [json.loads(line) for line in args.rows.read_text().splitlines()] if args.rows.exists() else []
    done = {row["id"] for row in rows}
    count = args.sound + args.broken * len(BREAKAGES)
    open_ = [(part, number) for number in range(count) for part in ("calibrate", "held-out") if f"{part} {number}" not in done]
    open_ = [open_[n] for n in np.random.default_rng(0).permutation(len(open_))]  # so that an interrupted study has a bit of all
    shared = args.pairs, args.sound, args.broken, args.draw, args.preset
    with ProcessPoolExecutor(args.jobs, initializer=begin, initargs=shared) as pool:
        for future in as_completed([pool.submit(work, *which) for which in open_]):
            rows.append(future.result())
            with args.rows.open("a") as file:
                file.write(json.dumps(rows[-1]) + "\n")
    return rows


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, help="folder of real images: PAIR/moving.nii.gz")
    parser.add_argument("--jobs", type=int, default=2, help="processes, each with one thread")
    parser.add_argument("--rows", type=Path, default=Path("quality_control.jsonl"), help="where finished rows are kept")
    parser.add_argument("--sound", type=int, default=26, help="unbroken trials of each part")
    parser.add_argument("--broken", type=int, default=2, help="trials of each part and breakage")
    parser.add_argument("--draw", type=int, default=0, help="other pieces, warps and noise; thresholds were chosen on draw 0")
    parser.add_argument("--preset", choices=["cycle", "cycle-siren"], default="cycle-siren", help="what is judged")
    return parser.parse_args()


def main() -> None:
    """Run the study and print its tables."""
    os.environ.update(OMP_NUM_THREADS="1", OMP_WAIT_POLICY="PASSIVE")
    args = arguments()
    print("settings:", json.dumps(small(load_preset(args.preset).settings).to_json()))
    show(study(args))


if __name__ == "__main__":
    main()
