"""Quality control: from the evidence on a registration to a colour with its reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from inr_registration.core.verdict import Level, Verdict
from inr_registration.measure.evidence import LARGEST_CHANGE, Evidence

LEAD, ERRORS = 0.1, 4.0
"""The lead over chance that is the least, as a share and in standard errors."""
FEWEST_BLOCKS, NOT_RED = 12, 1.01
"""Of so few independent places chance makes anything; and a value that is AMBER at worst."""
STRONG = 0.5
"""A stiff map that explains this much is no failure by itself where mirror images explain as much: the anatomy may be symmetric."""
MIRRORED, MIRRORED_ERRORS = 0.02, 4.0
"""A mirror image that explains so much more than the image itself means that one of the headers is wrong."""


@dataclass(frozen=True)
class Indicator:
    """One number of the evidence with its thresholds.

    Args:
        name: For tables.
        value: What is judged; None where it is not known.
        amber: From here on the verdict is AMBER.
        red: From here on the verdict is RED; None where it alone never is.
        seen: What was seen, a format with ``value``, ``limit`` and the evidence ``e``.
        check: What to look at.
        low_is_bad: The thresholds are reached from above.
    """

    name: str
    value: Callable[[Evidence], float | None]
    amber: float
    red: float | None
    seen: str
    check: str
    low_is_bad: bool = False

    def level(self, evidence: Evidence) -> Level:
        """GREEN where the number is not known; a number that is not finite is RED."""
        value = self.value(evidence)
        if value is None:
            return Level.GREEN
        sign = -1 if self.low_is_bad else 1
        if value != value or (self.red is not None and not sign * value < sign * self.red):
            return Level.RED
        return Level.AMBER if sign * value >= sign * self.amber else Level.GREEN

    def reason(self, evidence: Evidence) -> str:
        """What was seen, the threshold, what to check: one sentence for an indicator that is not GREEN."""
        limit = self.red if self.level(evidence) is Level.RED and self.red is not None else self.amber
        return f"{self.seen.format(value=self.value(evidence), limit=limit, e=evidence)}: {self.check}."


def _support(e: Evidence) -> float | None:
    """The lead over chance in units of the least one, by its share or its standard errors, whichever is less.

    It never falls to the RED limit where there are too few windows to tell, nor where a stiff map explains much.
    """
    told = e.explained < STRONG and e.lead.blocks >= FEWEST_BLOCKS
    share = e.lead.share / LEAD if told else max(e.lead.share / LEAD, NOT_RED)
    return min(share, max(e.lead.errors / ERRORS, NOT_RED))


def _mirrored(e: Evidence) -> float:
    """By how much a mirror image is better, in units of what is too much."""
    return min(e.mirror_lead.share / MIRRORED, e.mirror_lead.errors / MIRRORED_ERRORS)


def _worse(pair: tuple[float, float] | None) -> float | None:
    """After over before."""
    return None if pair is None else pair[1] / max(pair[0], 1e-9)


INDICATORS = (
    Indicator(
        "lead over chance",
        _support,
        1.6,
        1.0,
        "The map explains {e.explained:.0%} of the fixed image's structure, only {e.lead.share:.1%} more than mirror images of the moving "
        "image do, which have nothing to do with it ({value:.2f} times the least lead, limit {limit:g})",
        "make sure that both images show the same anatomy, that they are no cut-outs of different places, and that they are not far apart",
        low_is_bad=True,
    ),
    Indicator(
        "mirror image",
        _mirrored,
        0.7,
        1.0,
        "The moving image, turned around {e.mirror_axis}, explains {e.mirror_lead.share:.1%} more of the fixed image than it does as it is "
        "({value:.2f} times what is too much, limit {limit:g})",
        "one of the images is probably flipped in that direction and its header does not say so",
    ),
    Indicator(
        "without support, %",
        lambda e: e.doubt_percent,
        40.0,
        None,
        "In {value:.0f} % of the tissue mirror images explain the fixed image as well as the map does (limit {limit:g} %)",
        "look at the places that are listed",
    ),
    Indicator(
        "label map",
        lambda e: 1.0 if e.labels else 0.0,
        0.5,
        1.0,
        "{e.labels} has few whole values in flat patches, like a label map, and the other image has not ({value:.0f}, limit {limit:g})",
        "give the image itself, and the label map as labels or as a mask",
    ),
    Indicator(
        "order of the slices",
        lambda e: 1.0 if e.disorder else 0.0,
        0.5,
        1.0,
        "Neighbouring slices of {e.disorder} are no more alike than distant ones ({value:.0f}, limit {limit:g})",
        "its slices are probably in a wrong order; look at them from the side, and read the series again",
    ),
    Indicator(
        "end of the fit",
        lambda e: e.fit_share,
        0.75,
        0.5,
        "The map explains only {value:.2f} times as much as a coarse and stiff fit of the same images does (limit {limit:g})",
        "the fit was ended early, or went astray; use more iterations, another start or weaker regularisation",
        low_is_bad=True,
    ),
    Indicator(
        "landmarks",
        lambda e: e.landmark_ratio,
        0.3,
        0.6,
        "The landmarks end {e.landmarks_mm[1]:.3g} mm apart, {value:.2f} times their own mean distance from their centre (limit {limit:g})",
        "look whether they are paired rightly, in the same order in both files, and in the same frame (LPS or RAS)",
    ),
    Indicator(
        "landmarks, after over before",
        lambda e: None if e.landmarks_mm is None or e.landmarks_mm[1] < e.voxel_mm else _worse(e.landmarks_mm),
        1.05,
        1.5,
        "The landmarks are {value:.2f} times as far apart as before, {e.landmarks_mm[1]:.3g} mm (limit {limit:g})",
        "look at the images at these landmarks",
    ),
    Indicator(
        "labels, after over before",
        lambda e: _worse(e.dice),
        0.98,
        0.85,
        "The labels overlap less than before: mean Dice {e.dice[0]:.2f} to {e.dice[1]:.2f}, {value:.2f} times as much (limit {limit:g})",
        "look at the labelled structures, and whether the labels mean the same in both images",
        low_is_bad=True,
    ),
    Indicator(
        "P95 of U, voxel diagonals",
        lambda e: None if e.p95_mm is None else e.p95_mm / e.voxel_mm,
        1.0,
        2.0,
        "Forward and backward map differ by over {e.p95_mm:.2f} mm in 5 % of the tissue, {value:.2f} voxel diagonals (limit {limit:g})",
        "look where the uncertainty map is high, and use a better start or more iterations",
    ),
    Indicator(
        "mean U, voxel diagonals",
        lambda e: None if e.mean_mm is None else e.mean_mm / e.voxel_mm,
        0.4,
        0.6,
        "Forward and backward map differ by {e.mean_mm:.2f} mm on average, {value:.2f} voxel diagonals (limit {limit:g})",
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
        "extreme volume change, %",
        lambda e: e.extreme_percent,
        6.0,
        25.0,
        f"{{value:.1f}} % of the tissue changes its volume more than {LARGEST_CHANGE:g} times (limit {{limit:g}} %)",
        "look at the Jacobian and at the alignment before the fit",
    ),
    Indicator(
        "misplaced, %",
        lambda e: e.misplaced_percent,
        20.0,
        40.0,
        "In {value:.1f} % of the tissue the warped image would match better if it were shifted (limit {limit:g} %)",
        "compare both images there, and use more iterations, weaker regularisation or a better start",
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
        30.0,
        50.0,
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

Set on one half of the pairs of ``python Testing/Benchmarks/verdicts.py``, and judged on the other. See ``Testing/Benchmarks/VERDICTS.md``.
"""

_SEVERITY = (Level.GREEN, Level.AMBER, Level.RED)


def judge(evidence: Evidence) -> Verdict:
    """The worst of all indicators, with a sentence for each that is not GREEN; for GREEN, what was looked at."""
    levels = [indicator.level(evidence) for indicator in INDICATORS]
    worst = max(levels, key=_SEVERITY.index)
    if worst is Level.GREEN:
        return Verdict(worst, (_all_well(evidence),), measured=measured(evidence))
    order = sorted(zip(levels, INDICATORS, strict=True), key=lambda pair: -_SEVERITY.index(pair[0]))
    reasons = tuple(indicator.reason(evidence) for level, indicator in order if level is not Level.GREEN)
    return Verdict(worst, reasons, measured=measured(evidence))


def measured(evidence: Evidence) -> dict[str, Any]:
    """Every number that was looked at, by name, JSON-ready."""
    return {name: value for name, value in asdict(evidence).items() if value is not None and value != ""}


def _all_well(evidence: Evidence) -> str:
    before, after = evidence.similarity
    apart = masks = ""
    if evidence.mean_mm is not None:
        apart = f"difference of forward and backward map (mean {evidence.mean_mm:.2f} mm, 95 % below {evidence.p95_mm:.2f} mm), "
    if evidence.overlap_percent is not None:
        masks = f", overlap of the masks {evidence.overlap_percent:.0f} %"
    return (
        f"All within their limits: the map explains {evidence.explained:.0%} of the fixed image's structure, "
        f"{evidence.lead.share:.0%} more than chance does; {apart}folding {evidence.folding_percent:.2g} %, "
        f"local similarity {before:.2f} before and {after:.2f} after, better match elsewhere {evidence.misplaced_percent:.1f} %, "
        f"outside the moving image {evidence.left_percent:.0f} %{masks}."
    )
