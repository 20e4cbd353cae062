"""The content of report.json."""

from __future__ import annotations

from typing import Any

import numpy as np

from inr_registration.core.measures import UNCERTAINTY_MEANING, UNKNOWN_MM, uncertainty_summary
from inr_registration.core.problem import Problem
from inr_registration.core.result import Curve, Quality, Result
from inr_registration.core.verdict import Verdict
from inr_registration.core.volume import Volume
from inr_registration.report.folding import find_folding
from inr_registration.report.words import DIRECTION, NOT_CLINICAL, plain


def report_data(problem: Problem, result: Result) -> dict[str, Any]:
    """Everything about a run that a script may want to read later, without the images.

    Args:
        problem: The question.
        result: The answer, whatever its outcome.

    Returns:
        JSON-ready; numbers that are not finite are None. ``quality`` and ``folding`` are None where nothing was measured.
    """
    ready: dict[str, Any] = plain(_content(problem, result))
    return ready


def _content(problem: Problem, result: Result) -> dict[str, Any]:
    return {
        "not_for_clinical_use": f"{NOT_CLINICAL}.",
        "outcome": result.outcome.name,
        "usable": result.usable,
        "message": result.message,
        "direction": DIRECTION,
        "fixed": _image(problem.fixed),
        "moving": _image(problem.moving),
        "verdict": None if result.verdict is None else _verdict(result.verdict),
        "doubts": [vars(doubt) for doubt in result.doubts],
        "quality": None if result.quality is None else _quality(result.quality),
        "folding": None if result.jacobian is None else _folding(result.jacobian),
        "uncertainty": None if result.uncertainty is None else _uncertainty(result.uncertainty),
        "inverse_max_error_mm": None if result.inverse is None else result.inverse.max_error_mm,
        "maps": {name: _map(volume) for name, volume in result.maps.items()},
        "warnings": result.warnings,
        "choices": result.choices,
        "settings": result.settings,
        "timings_s": result.timings_s,
        "device": result.device,
        "software": software(result),
        "history": [_curve(curve) for curve in result.history],
    }


def software(result: Result) -> dict[str, str]:
    """Versions by name, as the model remembers them; empty where there is no model."""
    known = {} if result.model is None else result.model.metadata.get("software", {})
    return {str(name): str(version) for name, version in known.items()}


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {"level": verdict.level.name, "reasons": verdict.reasons, "blind_spots": verdict.blind_spots, "measured": verdict.measured}


def _uncertainty(uncertainty: Volume) -> dict[str, Any]:
    return {**uncertainty_summary(uncertainty), "meaning": UNCERTAINTY_MEANING, "in_files_where_unknown": UNKNOWN_MM}


def _map(volume: Volume) -> dict[str, float]:
    """Percentiles of a map where it is defined; empty where it is so nowhere."""
    known = volume.values[np.isfinite(volume.values)]
    return dict(zip(("p5", "median", "p95"), np.percentile(known, [5, 50, 95]).tolist(), strict=True)) if known.size else {}


def _image(image: Volume) -> dict[str, Any]:
    grid = image.grid
    return {"name": image.name, "size": grid.size, "spacing_mm": grid.spacing, "affine_lps_mm": grid.affine}


def _quality(quality: Quality) -> dict[str, Any]:
    return {
        "similarity": {name: _pair(pair) for name, pair in quality.similarity.items()},
        "tre_mm": quality.tre_mm,
        "dice": {label: _pair(pair) for label, pair in quality.dice.items()},
        "folding_percent": quality.folding_percent,
        "det_jacobian": quality.det,
        "strain": quality.strain,
        "sd_log_det_jacobian": quality.sd_log_det,
        "displacement_mm": quality.displacement_mm,
        "notes": quality.notes,
    }


def _pair(pair: tuple[float, float]) -> dict[str, float]:
    return {"before": pair[0], "after": pair[1]}


def _folding(jacobian: Volume) -> dict[str, Any]:
    found = find_folding(jacobian)
    place = None if found.worst is None else jacobian.grid.to_world(found.worst)
    return {"regions": found.regions, "voxels": found.voxels, "worst_lps_mm": place}


def _curve(curve: Curve) -> dict[str, Any]:
    return {"stage": curve.name, "iterations": curve.iterations, "terms": curve.terms}
