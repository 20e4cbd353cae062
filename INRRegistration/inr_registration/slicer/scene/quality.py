"""How good a registration looks: indicators in plain words, never combined into a score.

Pure numpy, so that the worker can make the tables; ``quality_table`` puts them into a node.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from inr_registration.core.measures import UNCERTAINTY_MEANING, uncertainty_summary
from inr_registration.core.problem import Problem
from inr_registration.core.result import Quality, Result
from inr_registration.core.volume import Volume
from inr_registration.slicer.scene.resample import whole

if TYPE_CHECKING:
    from inr_registration.slicer.scene.structure import Structure

NAN = float("nan")

NOT_CLINICAL = "Not for clinical use"
DIRECTION = "The map takes each point of the fixed image to its partner in the moving image; det J above 1 means larger in the moving image"

_SIMILARITY = {
    "correlation": "how well the brightness of both images goes together over the whole image; 1 is best",
    "local correlation": "the same within small windows, so that slow shading does not matter; 1 is best",
}
_STATISTICS = {"mean": "mean", "sd": "SD", "median": "median", "p95": "95th percentile", "max": "largest"}
_DET = {"min": "smallest", "p1": "1st percentile", "median": "median", "p99": "99th percentile", "max": "largest"}
_MOVED = {"mean": "mean", "p95": "95th percentile", "max": "largest"}


@dataclass(frozen=True)
class Row:
    """One indicator.

    Args:
        group: What it belongs to, such as ``Similarity``.
        name: Of the indicator, in words.
        before: Under the initial alignment; not a number where this has no meaning.
        after: Under the whole map.
        unit: ``mm``, ``%`` or empty.
        meaning: For the non-expert; may be empty.
    """

    group: str
    name: str
    before: float
    after: float
    unit: str = ""
    meaning: str = ""


@dataclass(frozen=True)
class StructureRow:
    """det J inside one structure of the fixed image.

    Args:
        name: Of the structure.
        smallest: Smallest det J; then its 5th percentile, median, 95th percentile and largest value.
        p5: See ``smallest``.
        median: See ``smallest``.
        p95: See ``smallest``.
        largest: See ``smallest``.
        folding_percent: Share of its voxels with det J <= 0.
        volume_ml: In the fixed image.
        change_percent: How much larger it is in the moving image, by the map: 100 (mean det J - 1).
    """

    name: str
    smallest: float
    p5: float
    median: float
    p95: float
    largest: float
    folding_percent: float
    volume_ml: float
    change_percent: float


@dataclass(frozen=True)
class QualityTables:
    """All that was measured.

    Args:
        rows: Indicators in the order in which they are shown.
        structures: One for each structure of the fixed image.
        notes: Sentences that a reader should know.
        direction: Which way the map goes, as a sentence.
        disclaimer: Always shown.
    """

    rows: tuple[Row, ...] = ()
    structures: tuple[StructureRow, ...] = ()
    notes: tuple[str, ...] = ()
    direction: str = DIRECTION
    disclaimer: str = NOT_CLINICAL


def quality_tables(
    problem: Problem, result: Result, structures: Sequence[Structure] = (), label_names: Mapping[int, str] | None = None
) -> QualityTables:
    """Put what was measured into tables.

    Args:
        problem: The question; its fixed mask says where the result was measured.
        result: The answer. Without quality or det J the tables say so in their notes.
        structures: Of the fixed image, on its grid.
        label_names: What the labels of the problem mean; ``Label 3`` where one is not named.
    """
    quality, notes = result.quality, list(result.warnings)
    if quality is None:
        return QualityTables(notes=(result.message, *notes, "The quality of this result was not measured: look at the images."))
    steered = float(result.settings.get("landmark_weight", 0)) > 0
    rows = [*_similarity(quality), *_landmarks(quality, steered), *_dice(quality, label_names or {}), *_map_rows(quality)]
    rows += [*_uncertainty(result), *_strain(quality)]
    per_structure: tuple[StructureRow, ...] = ()
    if result.jacobian is not None:
        rows += _outside(problem, result.jacobian)
        per_structure = tuple(_structure(result.jacobian, structure) for structure in structures if structure.mask.any())
    return QualityTables(tuple(rows), per_structure, (*notes, *(_sentence(note) for note in quality.notes)))


def _similarity(quality: Quality) -> list[Row]:
    said = "likeness of the images; higher is better"
    return [Row("Similarity", name.capitalize(), *pair, "", _SIMILARITY.get(name, said)) for name, pair in quality.similarity.items()]


def _landmarks(quality: Quality, steered: bool) -> list[Row]:
    if not quality.tre_mm:
        return []
    before, after = quality.tre_mm["before"], quality.tre_mm["after"]
    said = "how far corresponding landmarks lie apart; 0 is best"
    meanings = {"mean": f"{said}; they steered the fit, so this says little about other places" if steered else said}
    shown = [(key, name) for key, name in _STATISTICS.items() if key in after]
    return [Row("Landmarks", f"Distance, {name}", before[key], after[key], "mm", meanings.get(key, "")) for key, name in shown]


def _dice(quality: Quality, names: Mapping[int, str]) -> list[Row]:
    rows = [
        Row("Dice", _label_name(label, names), *pair, "", "how much both structures cover each other; 1 is best")
        for label, pair in quality.dice.items()
    ]
    if len(rows) > 1:
        before, after = (float(np.mean([pair[n] for pair in quality.dice.values()])) for n in (0, 1))
        rows.append(Row("Dice", "Mean of all", before, after, "", "no structure counts more than another"))
    return rows


def _label_name(label: str, names: Mapping[int, str]) -> str:
    """``Quality`` writes labels as text; names are given by number."""
    number = float(label)
    return names.get(int(number), f"Label {label}") if number.is_integer() else f"Label {label}"


def _map_rows(quality: Quality) -> list[Row]:
    """Folding, det J and displacement where the result was measured."""
    rows = [Row("Folding", "Voxels with det J ≤ 0", NAN, quality.folding_percent, "%", "where the map turns tissue inside out; 0 is best")]
    meanings = {"median": "local volume in the moving image over that in the fixed image; 1 keeps volume"}
    rows += [
        Row("det J", name.capitalize(), NAN, quality.det[key], "", meanings.get(key, ""))
        for key, name in _DET.items()
        if key in quality.det
    ]
    rows.append(Row("det J", "SD of log det J", NAN, quality.sd_log_det, "", "how unevenly volume changes; 0 is even everywhere"))
    said = "how far points move beyond the affine part"
    moved = quality.displacement_mm
    return rows + [Row("Displacement", name.capitalize(), NAN, moved[key], "mm", said) for key, name in _MOVED.items() if key in moved]


def _uncertainty(result: Result) -> list[Row]:
    """How uncertain the map is, where something is known."""
    known = {} if result.uncertainty is None else uncertainty_summary(result.uncertainty)
    if not known:
        return []
    median = Row("Uncertainty", "Median", NAN, known["median_mm"], "mm", UNCERTAINTY_MEANING)
    return [median, Row("Uncertainty", "95th percentile", NAN, known["p95_mm"], "mm", UNCERTAINTY_MEANING)]


def _strain(quality: Quality) -> list[Row]:
    """Mean strain of the left ventricle's wall, by direction and part."""
    said = "mean change of length from the fixed to the moving image (Green-Lagrange); above 0 is longer"
    parts = [(name, part, value) for name, values in quality.strain.items() for part, value in values.items()]
    return [Row("Strain", f"{name.capitalize()}, {part}", NAN, value, "", said) for name, part, value in parts]


def _outside(problem: Problem, jacobian: Volume) -> list[Row]:
    """Folding where the fixed mask is not: there nothing holds the map."""
    if problem.fixed_mask is None:
        return []
    outside = ~whole(problem.fixed_mask, jacobian.grid)
    if not outside.any():
        return []
    share = 100 * float((np.asarray(jacobian.values)[outside] <= 0).mean())
    return [Row("Folding", "The same outside the fixed mask", NAN, share, "%", "there the images did not count: do not use the map there")]


def _structure(jacobian: Volume, structure: Structure) -> StructureRow:
    i, j, k = structure.first
    depth, height, width = structure.mask.shape
    det = np.asarray(jacobian.values)[k : k + depth, j : j + height, i : i + width][structure.mask].astype(np.float64)
    spread = (float(value) for value in np.percentile(det, [0, 5, 50, 95, 100]))
    volume = len(det) * abs(float(np.linalg.det(jacobian.grid.affine[:3, :3]))) / 1000
    return StructureRow(structure.name, *spread, 100 * float((det <= 0).mean()), volume, 100 * float(det.mean() - 1))


def _sentence(note: str) -> str:
    """A note with a capital letter and a full stop. Warnings stay as they are: they start with the name of an image."""
    return note[:1].upper() + note[1:].removesuffix(".") + "."


STRUCTURE_HEAD = {
    "name": "Structure",
    "smallest": "Smallest det J",
    "p5": "5th percentile",
    "median": "Median",
    "p95": "95th percentile",
    "largest": "Largest",
    "folding_percent": "Folding (%)",
    "volume_ml": "Volume (ml)",
    "change_percent": "Larger in the moving image (%)",
}
"""Titles of a structure table by field of ``StructureRow``."""


def to_csv(tables: QualityTables) -> str:
    """All tables as comma-separated values, one below the other; what has no value stays empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([[tables.disclaimer], [tables.direction], []])
    writer.writerow(["Group", "Indicator", "Before", "After", "Unit", "What it says"])
    writer.writerows([_blank(value) for value in astuple(row)] for row in tables.rows)
    if tables.structures:
        writer.writerows([[], [STRUCTURE_HEAD[field.name] for field in fields(StructureRow)]])
        writer.writerows([_blank(value) for value in astuple(row)] for row in tables.structures)
    writer.writerows([[], *([note] for note in tables.notes)])
    return text.getvalue()


def _blank(value: str | float) -> str | float:
    return "" if isinstance(value, float) and np.isnan(value) else value
