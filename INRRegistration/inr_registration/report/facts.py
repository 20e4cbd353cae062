"""What changed, as facts in plain words; never a single score."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from inr_registration.core.result import Outcome, Quality, Result
from inr_registration.core.verdict import Level
from inr_registration.report.words import listed, number, percent

Trend = Literal["better", "worse", "same"]
Tone = Literal["good", "look", "bad", "none"]

SAME = 0.002
"""A change smaller than this share of the larger value is no change."""

LED = 0.01
"""A gain of local correlation that outweighs a correlation that fell."""
CLEAR = 0.02
"""Landmarks or labels that got worse by more than this share speak against the whole result."""

_MEANINGS = {
    "correlation": "how well the brightness of both images goes together over the whole image; 1 is best, -1 with opposite contrasts",
    "local correlation": "the same within small windows, so that slow shading does not matter; 1 is best",
}

_LIKENESS = "likeness of the images; higher is better"


@dataclass(frozen=True)
class Fact:
    """One indicator before and after.

    Args:
        name: Of the indicator.
        before: Under the initial alignment.
        after: Under the whole map.
        higher_is_better: Which way is good.
        unit: With a leading space, or nothing.
        meaning: For the non-expert.
        independent: Whether the fit could not see it, as landmarks and labels.
        either_sign: Whether its size counts, whatever its sign: images of opposite contrasts correlate with a sign.
    """

    name: str
    before: float
    after: float
    higher_is_better: bool
    unit: str
    meaning: str
    independent: bool = False
    either_sign: bool = False

    @property
    def trend(self) -> Trend:
        """Whether the indicator got better, worse or stayed."""
        gain = self._gain
        if not math.isfinite(gain) or abs(gain) <= SAME * max(abs(self.before), abs(self.after)):
            return "same"
        return "better" if gain > 0 else "worse"

    @property
    def clearly_worse(self) -> bool:
        """Whether it got worse by more than ``CLEAR``."""
        return self.trend == "worse" and abs(self._gain) > CLEAR * max(abs(self.before), abs(self.after))

    @property
    def sentence(self) -> str:
        """The fact as a sentence."""
        ends = f"{number(self.before)} to {number(self.after)}{self.unit}"
        if self.trend == "same":
            return f"{self.name} stayed at {number(self.after)}{self.unit}."
        if self.either_sign and min(self.before, self.after) < 0:
            return f"{self.name} went from {ends}; below 0, contrasts are opposite."
        return f"{self.name} {'rose' if self.after > self.before else 'fell'} from {ends}."

    @property
    def _gain(self) -> float:
        if self.either_sign:
            return abs(self.after) - abs(self.before)
        return (self.after - self.before) * (1 if self.higher_is_better else -1)


def facts(quality: Quality, steered: bool = False) -> list[Fact]:
    """Similarities, landmark distance and overlap of labels, those that were measured.

    Args:
        quality: What was measured.
        steered: Whether the landmarks steered the fit, so that their distance proves little.
    """
    found = [
        Fact(name.capitalize(), *pair, True, "", _MEANINGS.get(name, _LIKENESS), either_sign=name == "correlation")
        for name, pair in quality.similarity.items()
    ]
    if quality.tre_mm:
        before, after = quality.tre_mm["before"]["mean"], quality.tre_mm["after"]["mean"]
        meaning = "how far corresponding landmarks lie apart; 0 is best"
        meaning += "; these landmarks steered the fit, so this says little about other places" if steered else ""
        found.append(Fact("Mean landmark distance", before, after, False, " mm", meaning, not steered))
    if quality.dice:
        before, after = (float(np.mean([pair[n] for pair in quality.dice.values()])) for n in (0, 1))
        name = f"Mean Dice overlap of {len(quality.dice)} labels" if len(quality.dice) > 1 else "Dice overlap of the label"
        found.append(Fact(name, before, after, True, "", "how much labelled structures cover each other; 1 is best", True))
    return found


def were_steered(result: Result) -> bool:
    """Whether landmarks steered the fit."""
    return float(result.settings.get("landmark_weight", 0)) > 0


def headline(result: Result) -> tuple[Tone, str]:
    """The headline, and whether it is good news, a reason to look closely, bad news or no result.

    It is the quality control's judgement; that images look more alike than before is no evidence, since any two can be made to.
    """
    if not result.usable or result.warped is None:
        return "none", _NO_RESULT.get(result.outcome, "No usable result.")
    if result.outcome is Outcome.DIVERGED:
        return "bad", "Do not rely on this map: the fit diverged, and this is its best state before that."
    level = None if result.verdict is None else result.verdict.level
    if level is Level.RED:
        return "bad", "Do not rely on this map: the quality control is red."
    if result.quality is None or not facts(result.quality):
        return "look", "A map was found, but its quality was not measured: look at the images."
    known = facts(result.quality, were_steered(result))
    worse = [fact for fact in known if fact.trend == "worse"]
    against = [fact.name.lower() for fact in worse if fact.independent and fact.clearly_worse]
    if against:
        return "bad", f"Do not rely on this map: {listed(against)} got worse."
    if level is None:
        return "look", "A map was found, but nothing judged it: look at the images."
    if level is Level.AMBER:
        return "look", "Look closely before you use this map: the quality control is amber."
    if worse and not _led_by_windows(known):
        return "look", f"Mixed result: {listed([fact.name.lower() for fact in worse])} got worse. Look closely before using it."
    return _green(result.outcome, result.quality)


def _led_by_windows(known: list[Fact]) -> bool:
    """Whether small windows agree clearly more, and nothing got worse but the correlation of whole images, which shading can lower."""
    local = next((fact for fact in known if fact.name == "Local correlation"), None)
    led = local is not None and local.after > local.before + LED
    return led and all(fact.name == "Correlation" for fact in known if fact.trend == "worse")


def _green(outcome: Outcome, quality: Quality) -> tuple[Tone, str]:
    if quality.folding_percent > 0:
        return "look", "The quality control is green, but the map folds in places."
    if outcome is Outcome.STOPPED:
        return "look", "The quality control is green, although the run was stopped early."
    return "good", "The quality control is green: the map explains far more than chance does, and it does not fold."


_NO_RESULT = {
    Outcome.CANCELLED: "No result: the run was cancelled.",
    Outcome.DIVERGED: "No usable result: the fit diverged.",
    Outcome.OUT_OF_MEMORY: "No usable result: there was not enough memory.",
}


def deformation(quality: Quality) -> str:
    """How far and how unevenly the map moves things, as sentences."""
    said = []
    if quality.displacement_mm:
        moved = quality.displacement_mm
        parts = [f"{number(moved[key])} mm {words}" for key, words in _LENGTHS.items() if key in moved]
        said.append(f"Beyond the affine part, the map moves points by {listed(parts)}.")
    if "p1" in quality.det and "p99" in quality.det:
        low, high = (number(quality.det[key], 2) for key in ("p1", "p99"))
        said.append(f"Nearly everywhere (98 %) it changes local volume by ×{low} to ×{high}.")
    share = quality.folding_percent
    said.append("It folds nowhere in the measured region." if share == 0 else f"It folds in {percent(share)} of the measured voxels.")
    return " ".join(said)


_LENGTHS = {"mean": "on average", "p95": "at the 95th percentile", "max": "at most"}
