"""Quality control of the cycle-consistent method: from evidence to a colour with its reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from INRRegistrationLib.core.verdict import Level, Verdict


@dataclass(frozen=True)
class Evidence:
    """What a fit of two fields shows about itself, over the voxels that count in the fixed image.

    Args:
        mean_mm: Mean distance of both maps, ``U = |phi_F(x) - phi_B^-1(x)|``.
        p95_mm: Its 95th percentile.
        voxel_mm: Diagonal of a voxel of the fixed image.
        unresolved_percent: Share of points at which the backward map could not be inverted.
        folding_percent: Share of voxels with det J <= 0.
        similarity: Mean squared local correlation before and after, each from 0 to 1.
        misplaced_percent: Share of voxels around which the warped image would match better if it were shifted.
        left_percent: Share of points that the map takes out of the moving image.
        overlap_percent: Overlap of both masks under the map, of the smaller one; None where not both were given.
    """

    mean_mm: float
    p95_mm: float
    voxel_mm: float
    unresolved_percent: float
    folding_percent: float
    similarity: tuple[float, float]
    misplaced_percent: float
    left_percent: float
    overlap_percent: float | None = None


@dataclass(frozen=True)
class Indicator:
    """One number of the evidence with its thresholds.

    Args:
        name: For tables.
        value: What is judged; None where it is not known.
        amber: From here on the verdict is AMBER.
        red: From here on the verdict is RED.
        seen: What was seen, a format with ``value``, ``limit`` and the evidence ``e``.
        check: What to look at.
        low_is_bad: The thresholds are reached from above.
    """

    name: str
    value: Callable[[Evidence], float | None]
    amber: float
    red: float
    seen: str
    check: str
    low_is_bad: bool = False

    def level(self, evidence: Evidence) -> Level:
        """GREEN where the number is not known; a number that is not finite is RED."""
        value = self.value(evidence)
        if value is None:
            return Level.GREEN
        sign = -1 if self.low_is_bad else 1
        if not sign * value < sign * self.red:
            return Level.RED
        return Level.AMBER if sign * value >= sign * self.amber else Level.GREEN

    def reason(self, evidence: Evidence) -> str:
        """What was seen, the threshold, what to check: one sentence for an indicator that is not GREEN."""
        limit = self.red if self.level(evidence) is Level.RED else self.amber
        return f"{self.seen.format(value=self.value(evidence), limit=limit, e=evidence)}: {self.check}."


INDICATORS = (
    Indicator(
        "P95 of U, voxel diagonals",
        lambda e: e.p95_mm / e.voxel_mm,
        0.5,
        1.0,
        "Forward and backward map differ by over {e.p95_mm:.2f} mm in 5 % of the tissue, {value:.2f} voxel diagonals (limit {limit:g})",
        "look where the uncertainty map is high, and use a better start or more iterations",
    ),
    Indicator(
        "mean U, mm",
        lambda e: e.mean_mm,
        1.0,
        1.5,
        "Forward and backward map differ by {value:.2f} mm on average (limit {limit:g} mm)",
        "look at the uncertainty map, and use a better start or more iterations",
    ),
    Indicator(
        "no inverse, %",
        lambda e: e.unresolved_percent,
        1.0,
        5.0,
        "The backward map has no inverse in {value:.1f} % of the tissue (limit {limit:g} %)",
        "look at the Jacobian, and use stronger regularisation",
    ),
    Indicator(
        "folding, %",
        lambda e: e.folding_percent,
        0.05,
        0.5,
        "{value:.2f} % of the voxels fold (limit {limit:g} %)",
        "look at the Jacobian, and use stronger regularisation",
    ),
    Indicator(
        "misplaced, %",
        lambda e: e.misplaced_percent,
        4.0,
        15.0,
        "In {value:.1f} % of the tissue the warped image would match better if it were shifted (limit {limit:g} %)",
        "compare both images there, and use more iterations, weaker regularisation or a better start",
    ),
    Indicator(
        "local similarity after",
        lambda e: e.similarity[1],
        0.25,
        0.1,
        "The local similarity is only {value:.2f} (limit {limit:g})",
        "make sure that both images show the same anatomy, and that the similarity suits their contrasts",
        low_is_bad=True,
    ),
    Indicator(
        "loss of similarity",
        lambda e: e.similarity[0] - e.similarity[1],
        0.02,
        0.05,
        "The local similarity fell from {e.similarity[0]:.2f} to {e.similarity[1]:.2f}, by {value:.2f} (limit {limit:g})",
        "compare the warped image with the one before, and use stronger regularisation or a better start",
    ),
    Indicator(
        "left the moving image, %",
        lambda e: e.left_percent,
        15.0,
        30.0,
        "{value:.0f} % of the tissue is mapped out of the moving image (limit {limit:g} %)",
        "look at the alignment before the registration, and at the part that both images show",
    ),
    Indicator(
        "overlap of the masks, %",
        lambda e: e.overlap_percent,
        85.0,
        75.0,
        "Under the map, the masks cover only {value:.0f} % of each other (limit {limit:g} %)",
        "look at both masks; one of them may belong to another image or structure",
        low_is_bad=True,
    ),
)
"""Every indicator with its thresholds.

Chosen on ``python Testing/Benchmarks/quality_control.py --pairs PAIRS``; then, unchanged, tried on other images with new warps
(``--draw 1``, held-out part): all 12 failures RED, none of 26 sound trials RED (one AMBER), and of 12 with an error in between
7 RED, 2 AMBER. See ``Testing/Benchmarks/README.md``.
"""

_SEVERITY = (Level.GREEN, Level.AMBER, Level.RED)


def judge(evidence: Evidence) -> Verdict:
    """The worst of all indicators, with a sentence for each that is not GREEN; for GREEN, what was looked at."""
    levels = [indicator.level(evidence) for indicator in INDICATORS]
    worst = max(levels, key=_SEVERITY.index)
    if worst is Level.GREEN:
        return Verdict(worst, (_all_well(evidence),))
    order = sorted(zip(levels, INDICATORS, strict=True), key=lambda pair: -_SEVERITY.index(pair[0]))
    return Verdict(worst, tuple(indicator.reason(evidence) for level, indicator in order if level is not Level.GREEN))


def _all_well(evidence: Evidence) -> str:
    before, after = evidence.similarity
    masks = "" if evidence.overlap_percent is None else f", overlap of the masks {evidence.overlap_percent:.0f} %"
    return (
        f"All within their limits: difference of forward and backward map (mean {evidence.mean_mm:.2f} mm, 95 % below "
        f"{evidence.p95_mm:.2f} mm), folding {evidence.folding_percent:.2g} %, local similarity {before:.2f} before and {after:.2f} "
        f"after, better match elsewhere {evidence.misplaced_percent:.1f} %, outside the moving image {evidence.left_percent:.0f} %{masks}."
    )
