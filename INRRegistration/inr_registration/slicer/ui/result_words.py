"""What the panel says about a result: regions, indicators and the cursor, in plain words."""

from __future__ import annotations

import math
from collections.abc import Sequence

from slicer.i18n import tr as _

from inr_registration.core.result import Outcome
from inr_registration.core.verdict import Level
from inr_registration.slicer.scene.folding import FOLDING, UNSUPPORTED, Region
from inr_registration.slicer.scene.quality import QualityTables, Row, StructureRow
from inr_registration.slicer.scene.readout import Readout


def number(value: float, places: int = 2) -> str:
    """A number for a table; a dash where there is none."""
    return "–" if not math.isfinite(value) else f"{value:.{places}f}".replace("-", "−")


def regions_summary(regions: Sequence[Region], threshold: float, listed: int) -> str:
    """How many regions there are, how many of them were looked at, and whether the table holds fewer (``listed``) than all."""
    folding = sum(region.kind == FOLDING for region in regions)
    doubtful = sum(region.kind == UNSUPPORTED for region in regions)
    other, reviewed = len(regions) - folding - doubtful, sum(region.reviewed for region in regions)
    if not regions:
        return _("No folding: det J > 0 everywhere. No region below {threshold:.2f} either.").format(threshold=threshold)
    if not folding:
        first = _("No folding: det J > 0 everywhere.")
    else:
        first = _("{count} folding (det J of 0 or less).").format(count=_count(folding))
    second = _("{count} below {threshold:.2f}.").format(count=_count(other), threshold=threshold) if other else ""
    doubts = _("{count} where nothing speaks for the map.").format(count=_count(doubtful)) if doubtful else ""
    third = _("Reviewed: {reviewed} of {all}.").format(reviewed=reviewed, all=len(regions))
    more = len(regions) - listed
    fourth = _("The table lists the first {listed}; {more} smaller ones follow.").format(listed=listed, more=more) if more > 0 else ""
    return " ".join(part for part in (first, second, doubts, third, fourth) if part)


def _count(amount: int) -> str:
    return _("1 region") if amount == 1 else _("{amount} regions").format(amount=amount)


def region_columns() -> list[str]:
    """Headings of the table of regions."""
    return [_("#"), _("Kind"), _("mm³"), _("Lowest det J"), _("Structure"), _("Reviewed")]


def region_cells(place: int, region: Region) -> list[str]:
    """A row of the table of regions, without its check box."""
    kind = {FOLDING: _("folding"), UNSUPPORTED: _("no support")}.get(region.kind, _("compressed"))
    volume = number(region.volume_mm3, 0 if region.volume_mm3 >= 10 else 1)
    return [str(place), kind, volume, number(region.worst), near(region)]


def near(region: Region) -> str:
    """The structure in or near which a region lies."""
    if not region.structure:
        return "–"
    if region.distance_mm > 0:
        return _("{name}, {distance:.0f} mm away").format(name=region.structure, distance=region.distance_mm)
    return _("in {name}").format(name=region.structure)


def region_tip(region: Region) -> str:
    """Where a region lies and how large it is."""
    size = " × ".join(number(length, 0) for length in region.bounds_mm)
    if region.kind == UNSUPPORTED:
        said = _("Mirror images of the moving image explain this place as well as the map does. Least support at {place} mm. {size} mm.")
        return said.format(place=position(region.worst_ras), size=size)
    words = _("Lowest det J at {place} mm. {voxels} voxels, {size} mm.")
    return words.format(place=position(region.worst_ras), voxels=region.voxels, size=size)


def position(ras: Sequence[float], places: int = 0) -> str:
    """A world point or a step (RAS mm) in the patient's directions: ``L 12, A 30, S 5``."""
    letters = (("R", "L"), ("A", "P"), ("S", "I"))
    return ", ".join(f"{names[0] if value >= 0 else names[1]} {abs(value):.{places}f}" for names, value in zip(letters, ras, strict=True))


def ending_warning(outcome: str) -> str:
    """What to say of a result whose run ended badly; empty for the others. ``outcome`` is the name of an ``Outcome``."""
    if outcome not in Outcome.__members__ or Outcome[outcome].usable:
        return ""
    if outcome == Outcome.DIVERGED.name:
        return _("⚠ This fit diverged. What you see is the best state that it reached: do not rely on it.")
    return _("⚠ This run did not end as it should. What you see is what it reached: do not rely on it.")


def level(level: Level) -> str:
    """The quality control's colour as a word, and what it asks for."""
    return {
        Level.GREEN: _("GREEN: no indicator gives an alarm."),
        Level.AMBER: _("AMBER: look closely before you use this result."),
        Level.RED: _("RED: this registration has probably failed. Do not rely on it."),
    }[level]


def blind_spots(said: str) -> str:
    """What the quality control cannot see."""
    return _("What it cannot see: {said}").format(said=said)


def readout(read: Readout) -> str:
    """What the map does at the cursor, and which way."""
    moves = _("Moves {length:.1f} mm ({step})").format(length=read.displacement_mm, step=position(read.displacement_ras, 1))
    parts = [moves]
    if read.det is not None:
        said = _("det J {det}").format(det=number(read.det))
        parts.append(_("{said}, folds").format(said=said) if read.det <= 0 else said)
    if read.uncertainty_mm is not None:
        known = math.isfinite(read.uncertainty_mm)
        parts.append(_("uncertainty {sigma:.1f} mm").format(sigma=read.uncertainty_mm) if known else _("uncertainty unknown here"))
    return "  ·  ".join(parts)


def quality_rows(tables: QualityTables) -> list[tuple[list[str], str]]:
    """Rows of the table of indicators: indicator, before, after; and what it means."""
    rows = [([f"{row.group}: {row.name}", *_pair(row)], row.meaning) for row in tables.rows]
    for structure in tables.structures:
        rows += _structure(structure)
    return rows


def _pair(row: Row) -> list[str]:
    unit = f" {row.unit}" if row.unit else ""
    return ["–" if math.isnan(value) else significant(value) + unit for value in (row.before, row.after)]


def _structure(row: StructureRow) -> list[tuple[list[str], str]]:
    span = _("{low} to {high}").format(low=number(row.smallest), high=number(row.largest))
    change = ("+" if row.change_percent > 0 else "") + significant(row.change_percent)
    return [
        (
            [_("{name}: det J").format(name=row.name), "–", span],
            _("Smallest and largest det J in this structure; its median is {median}.").format(median=number(row.median)),
        ),
        (
            [_("{name}: folding").format(name=row.name), "–", f"{significant(row.folding_percent)} %"],
            _("Share of this structure with det J of 0 or less."),
        ),
        (
            [_("{name}: size").format(name=row.name), "–", f"{change} %"],
            _("How much larger it is in the moving image, by the map. It has {volume} ml in the fixed image.").format(
                volume=significant(row.volume_ml)
            ),
        ),
    ]


def significant(value: float) -> str:
    """A number with three significant digits and no exponent where it can be avoided."""
    if not math.isfinite(value):
        return "–"
    return f"{value:.3g}".replace("-", "−") if abs(value) < 1000 else f"{value:.0f}".replace("-", "−")
