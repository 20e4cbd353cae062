"""What the command line says about a finished run."""

from __future__ import annotations

import sys
from pathlib import Path

from inr_registration.core.measures import UNCERTAINTY_MEANING, uncertainty_summary
from inr_registration.core.result import Outcome, Quality, Result
from inr_registration.core.verdict import Verdict
from inr_registration.core.volume import Volume


def print_summary(result: Result, folder: Path) -> None:
    """Say how it went and where the files are."""
    lines = [] if result.verdict is None else verdict_lines(result.verdict)
    lines += [result.message]
    if result.outcome is Outcome.STOPPED:
        lines += ["the same command with --resume goes on from where it was stopped"]
    lines += [f"warning: {sentence}" for sentence in result.warnings]
    lines += [f"note: {sentence}" for sentence in result.choices]
    if result.quality is not None:
        lines += quality_lines(result.quality)
    if result.uncertainty is not None:
        lines += uncertainty_lines(result.uncertainty)
    seconds = result.timings_s.get("total", 0.0)
    lines += [f"{seconds:.0f} s on {result.device}", f"results in {folder}; open {folder / 'report.html'}", "not for clinical use"]
    print("\n".join(lines))
    sys.stdout.flush()


def verdict_lines(verdict: Verdict) -> list[str]:
    """The quality control's judgement, its reasons, and what it cannot see."""
    return [f"quality control: {verdict.level.name}", *(f"  {reason}" for reason in verdict.reasons), f"  {verdict.blind_spots}"]


def uncertainty_lines(uncertainty: Volume) -> list[str]:
    """How uncertain the map is, in mm, and what that means."""
    known = uncertainty_summary(uncertainty)
    if not known:
        return ["uncertainty: nothing is known at any voxel"]
    median, high, share = (known[name] for name in ("median_mm", "p95_mm", "known_percent"))
    said = f"uncertainty: median {median:.2f} mm, 95th percentile {high:.2f} mm, known at {share:.0f} % of the voxels"
    return [said, f"  {UNCERTAINTY_MEANING}"]


def quality_lines(quality: Quality) -> list[str]:
    """The indicators in words, one a line."""
    lines = [f"{name}: {before:.3f} before, {after:.3f} after" for name, (before, after) in quality.similarity.items()]
    if quality.tre_mm:
        before, after = quality.tre_mm["before"], quality.tre_mm["after"]
        lines.append(f"landmarks apart: mean {before['mean']:.2f} mm before, {after['mean']:.2f} mm after")
    if quality.dice:
        means = [sum(pair[n] for pair in quality.dice.values()) / len(quality.dice) for n in (0, 1)]
        lines.append(f"overlap of {len(quality.dice)} labels (mean Dice): {means[0]:.3f} before, {means[1]:.3f} after")
    moved = quality.displacement_mm
    if moved:
        lines.append(f"deformation: mean {moved['mean']:.1f} mm, largest {moved['max']:.1f} mm")
        lines.append(f"folding: {quality.folding_percent:.4f} % of the voxels")
    lines += strain_lines(quality)
    return lines + [f"note: {sentence}" for sentence in quality.notes]


def strain_lines(quality: Quality) -> list[str]:
    """Mean strain of each direction over the whole wall; none where it was not measured."""
    return [f"{name} strain: mean {100 * parts['global']:.1f} %" for name, parts in quality.strain.items() if "global" in parts]
