"""Which uncertainty is worth its cost, and how its raw value becomes an expected error in mm.

    python Testing/Benchmarks/calibration.py [--pairs PAIRS] [--presets auto ffd sinr idir idir-relu cycle] [--write]

Known random warps of generated and real images (``calibration_cases.py``) are registered with shortened presets. The
constants of each estimator are fitted on one half of the cases and judged on the other; no image is in both.

- rank: Spearman's correlation of the stated value and the true error over the points of a case; median and lowest case.
- within U, within 2 U: share of all points whose true error is at most once or twice the stated value.
- error / U: mean true error over mean stated value, averaged over cases.
- cost: processor time of the estimate over that of the fit.

The stated value is ``U = floor * spacing + scale * raw`` mm, where spacing is that of the finest fitted level: the mean
error of calibration points with this value. ``--write`` puts the constants where the engine reads them.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from calibration_cases import Case, cases
from calibration_others import bootstrap, discrepancy, ensemble, texture
from scipy.optimize import nnls
from scipy.stats import spearmanr

from inr_registration.core import Calibration, Settings, calibration, load_preset, method_of
from inr_registration.measure import ESTIMATORS, Sites, fitted_spacing, sites
from inr_registration.methods import PairFit, new_fit, prealign
from inr_registration.methods import prepared as prepare
from inr_registration.optimise import fit_stage

Array = npt.NDArray[np.float64]

WORKING_VOXELS = 40_000
NETWORK = {"iterations": 100, "points": 3000, "width": 64}
POINTS = 3000
NOT_OFFERED = ["bootstrap", "ensemble", "texture"]
WORTHWHILE = 0.2
"""An estimate with a lower rank correlation is not offered."""
COST_OF_RANK = 0.2
"""A fit's worth of time must bring this much more rank correlation."""
TABLE = Path(calibration.__file__).with_name("calibration.json")


@dataclass(frozen=True, eq=False)
class Seen:
    """One estimator on one case: raw value and true error at the same points, mm."""

    raw: Array
    error: Array
    spacing: float
    cost: float


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fit at its end, and what the estimators need."""

    case: Case
    settings: Settings
    prepared: prepare.Prepared
    affine: Array
    fit: PairFit
    where: Sites
    seconds: float

    def start(self, prepared: prepare.Prepared, seed: int) -> PairFit:
        """A fit at its beginning, on other images."""
        return new_fit(self.case.problem, prepared, self.settings, self.affine, torch.Generator().manual_seed(seed))


def nothing(_done: int, _terms: dict[str, float]) -> None:
    """Goes on."""


def raw(name: str, made: Fitted) -> torch.Tensor:
    """One estimator on one fit, (D, H, W) mm."""
    generator = torch.Generator().manual_seed(1)
    if name in ESTIMATORS:
        return ESTIMATORS[name](made.fit, made.prepared, made.settings, made.where, generator, lambda _share: None)
    if name == "bootstrap":
        return bootstrap(made.fit, made.prepared, made.settings, made.where, generator)
    if name == "ensemble":
        return ensemble(made.start, made.prepared, made.settings, made.where, generator)
    return {"texture": texture, "cycle": discrepancy}[name](made.fit, made.where)


def shortened(name: str) -> Settings:
    """A preset, small enough for many runs."""
    settings = replace(load_preset(name).settings, max_voxels=WORKING_VOXELS, device="cpu")
    if settings.stages[0].points == 0:
        return settings
    stages = [replace(s, iterations=min(s.iterations, NETWORK["iterations"]), points=NETWORK["points"]) for s in settings.stages]
    return replace(settings, stages=tuple(stages), representation=replace(settings.representation, width=NETWORK["width"]))


def fitted(case: Case, settings: Settings) -> Fitted:
    """Register one case."""
    began = time.process_time()
    prepared = prepare.prepare(case.problem, settings, torch.device("cpu"))
    affine, closest = prealign(prepared, settings, np.eye(4))[:2]
    prepared.choose_similarity(settings, closest)
    fit = new_fit(case.problem, prepared, settings, affine, torch.Generator().manual_seed(settings.seed))
    for stage in prepared.usable_stages(settings):
        fit_stage(stage, fit.begin(stage), settings, nothing)
    seconds = time.process_time() - began
    return Fitted(case, settings, prepared, affine, fit, sites(prepared, fit.model(), fitted_spacing(prepared, settings)), seconds)


def observe(made: Fitted, names: list[str]) -> dict[str, Seen]:
    """Estimators on one fit."""
    where = made.where
    chosen = np.flatnonzero(where.counted.numpy().ravel() > 0)
    chosen = np.random.default_rng(0).permutation(chosen)[:POINTS]
    error = np.linalg.norm(where.mapped[chosen] - made.case.truth(where.points[chosen]), axis=1)
    seen = {}
    for name in names:
        began = time.process_time()
        values = raw(name, made).numpy().ravel()[chosen].astype(float)
        seen[name] = Seen(values, error, fitted_spacing(made.prepared, made.settings), (time.process_time() - began) / made.seconds)
    return seen


def constants(seen: list[Seen]) -> tuple[float, float]:
    """Floor and scale for which the mean error of points with the value U is U: least squares of relative errors, none negative."""
    columns = np.concatenate([np.stack([np.full_like(s.raw, s.spacing), s.raw], axis=1) for s in seen])
    error = np.concatenate([s.error for s in seen])
    weight = 1 / np.concatenate([np.full_like(s.error, s.error.mean()) for s in seen])
    for _ in range(20):
        found = nnls(columns * weight[:, None], error * weight)[0]
        weight = 1 / np.maximum(columns @ found, 1e-6)
    return float(found[0]), float(found[1])


def judged(numbers: tuple[float, float], seen: list[Seen]) -> dict[str, float]:
    """What the table shows, on these cases."""
    ratio = np.concatenate([s.error / np.maximum(numbers[0] * s.spacing + numbers[1] * s.raw, 1e-9) for s in seen])
    ranks = [float(spearmanr(s.raw, s.error)[0]) for s in seen]
    return {
        "rank": float(np.median(ranks)),
        "lowest": min(ranks),
        "within": float((ratio <= 1).mean()),
        "within_twice": float((ratio <= 2).mean()),
        "mean_ratio": float(np.mean([s.error.mean() / (numbers[0] * s.spacing + numbers[1] * s.raw).mean() for s in seen])),
        "cost": float(np.median([s.cost for s in seen])),
    }


def study(preset: str, pairs: Path | None, more: bool) -> tuple[str, dict[str, dict[str, float]]]:
    """The estimators with one preset, ``more`` with those that the engine does not offer: the method's name, and a row for each."""
    settings = shortened(preset)
    names = ["cycle", "laplace"] if settings.cycle else [*ESTIMATORS, *(NOT_OFFERED if more else [])]
    parts = {part: [observe(fitted(case, settings), names) for case in cases(part, pairs)] for part in ("calibrate", "test")}
    rows = {}
    for name in names:
        numbers = constants([seen[name] for seen in parts["calibrate"]])
        rows[name] = {"floor": numbers[0], "scale": numbers[1], **judged(numbers, [seen[name] for seen in parts["test"]])}
    return method_of(settings), rows


def kept(method: str, rows: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """The rows that the engine can use and that say something: the best for its cost first."""
    known = {name: row for name, row in rows.items() if (name in ESTIMATORS or method == name) and row["rank"] >= WORTHWHILE}
    columns = [field.name for field in fields(Calibration)]
    best = sorted(known, key=lambda name: known[name]["cost"] * COST_OF_RANK - known[name]["rank"])
    return {name: {column: round(known[name][column], 4) for column in columns} for name in best}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, help="folder of pairs, of which one moving image of each kind is warped anew")
    parser.add_argument("--presets", nargs="+", default=["auto", "ffd", "sinr", "idir", "idir-relu", "cycle-siren"])
    parser.add_argument("--compare", nargs="*", default=["auto"], help="presets for which all estimators are compared")
    parser.add_argument("--write", action="store_true", help="keep the constants of these presets for the engine")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print("| method | estimator | rank: median | lowest | within U | within 2 U | error / U | cost |\n|---|---|---|---|---|---|---|---|")
    for preset in arguments.presets:
        method, rows = study(preset, arguments.pairs, preset in arguments.compare)
        for name, row in rows.items():
            figures = " | ".join(f"{row[key]:.2f}" for key in ("rank", "lowest", "within", "within_twice", "mean_ratio", "cost"))
            print(f"| {method} ({preset}) | {name} | {figures} |", flush=True)
        if arguments.write:
            table = json.loads(TABLE.read_text(encoding="utf-8"))
            table["methods"][method] = kept(method, rows)
            table["command"] = "python Testing/Benchmarks/calibration.py --pairs PAIRS --write"
            TABLE.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
