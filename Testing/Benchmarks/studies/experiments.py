"""Which variants run on which cases in each table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from inr_registration.core import Settings, load_preset
from studies import variants as v
from studies.cases import GAPS_S
from studies.runs import Job

LIVER, LUNG = "liver4d_19_cyc_1_6", "lung_ct_knownwarp"
HIPPO, T1_T2 = "hippo_004_006", "brain_spm_t1_t2_knownwarp"
FAILED_MM = 2.0
"""A registration failed where the mean error is larger than this, or than before."""


@dataclass(frozen=True)
class Experiment:
    """One table.

    Args:
        title: Its heading.
        jobs: All variants on all cases, for the seed 0.
        seeds: How often each is run.
    """

    title: str
    jobs: tuple[Job, ...]
    seeds: int

    def all_jobs(self, most: int | None = None) -> list[Job]:
        """Every job with every seed (at most ``most`` seeds), all variants of a seed together."""
        return [job.seeded(seed) for seed in range(self.seeds if most is None else min(self.seeds, most)) for job in self.jobs]


def weights() -> Experiment:
    """Single network against cycle-consistent pair, several weights of both terms."""
    settings = {f"single, Jacobian {alpha:g}": v.with_jacobian(v.PUBLISHED, alpha) for alpha in (0.2, 0.05, 0.005)}
    for alpha in (0.2, 0.05, 0.005):
        settings[f"cycle {v.CYCLE.weight:g}, Jacobian {alpha:g}"] = v.with_cycle(v.with_jacobian(v.PUBLISHED, alpha))
    for beta in (v.WEAK, v.STRONG):
        settings[f"cycle {beta:g}, Jacobian 0.05"] = v.with_cycle(v.PUBLISHED, weight=beta)
    settings["cycle as gradient 0.05, Jacobian 0.05"] = v.with_cycle(v.PUBLISHED, weight=0.05, form="gradient")
    return Experiment("Single network against cycle-consistent pair", _on((LIVER, LUNG), settings), 10)


def choices() -> Experiment:
    """ReLU against SIREN, masks, bending against symmetric Jacobian, each with and without cycle."""
    relu = replace(v.OURS, representation=replace(v.OURS.representation, kind="relu"))
    base = {"sine": v.OURS, "ReLU": relu, "sine, bending": v.bending(v.OURS)}
    settings = base | {f"{name}, cycle": v.with_cycle(one) for name, one in base.items()}
    masks = [
        Job(LUNG, f"{name}, masks", one, masked=True) for name, one in settings.items() if "bending" not in name and "ReLU" not in name
    ]
    return Experiment("Activation, regularity term, masks", (*_on((LIVER, LUNG), settings), *masks), 5)


def representations() -> Experiment:
    """SINR against IDIR against FFD, same and different modalities."""
    jobs = []
    for case, similarity in ((HIPPO, "ncc"), ("phantom 1", "ncc"), ("phantom 1 inverted", "nmi"), (T1_T2, "nmi")):
        for name in ("ffd", "sinr", "idir"):
            preset = load_preset(name).settings
            weight = {"ncc": 1.0, "nmi": 2.0}[similarity]
            jobs.append(Job(case, name, replace(preset, similarity={similarity: weight}, device="cpu")))
    return Experiment("SINR against IDIR against FFD", tuple(jobs), 3)


def series() -> Experiment:
    """Propagation over a generated 4D series with growing gaps of time; the seed of the series is part of the case."""
    settings = {"single": v.OURS, "cycle": v.with_cycle(v.OURS)}
    cases = [f"series {seed} {gap}" for gap in GAPS_S for seed in range(5)]
    return Experiment("Propagation over time", _on(cases, settings), 1)


def changes() -> Experiment:
    """What our changes bring, one at a time."""
    settings = {
        "all of ours": v.OURS,
        "random start": v.with_field(v.OURS, zero_start=False),
        "per-axis coordinates": v.with_field(v.OURS, coordinates="per-axis"),
        "one level": v.one_level(v.OURS),
        "weak Jacobian term": v.with_jacobian(v.OURS, 0.002),
        "discrete start": replace(v.OURS, start="discrete"),
    }
    cases = (LIVER, LUNG, "far 0")
    jobs = [*_on(cases, settings)]
    jobs += [Job(case, "weak Jacobian term, clipped", v.with_jacobian(v.OURS, 0.002), clipped=True) for case in cases]
    return Experiment("What our changes bring, one at a time", tuple(jobs), 5)


def _on(cases: tuple[str, ...] | list[str], settings: dict[str, Settings]) -> tuple[Job, ...]:
    return tuple(Job(case, name, one) for case in cases for name, one in settings.items())


EXPERIMENTS: dict[str, Callable[[], Experiment]] = {
    "weights": weights,
    "choices": choices,
    "representations": representations,
    "series": series,
    "changes": changes,
}
"""By the word that the command line takes."""
