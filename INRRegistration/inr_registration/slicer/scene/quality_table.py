"""All quality tables in one table node: one value pair per line, so that it reads well in Slicer's own table view too."""

from __future__ import annotations

from dataclasses import astuple, fields

import slicer

from inr_registration.slicer.scene.quality import NAN, STRUCTURE_HEAD, QualityTables, Row, StructureRow
from inr_registration.slicer.scene.table_columns import Kind, fill, rows_of

COLUMNS: dict[str, Kind] = {
    "Group": "text",
    "Indicator": "text",
    "Before": "number",
    "After": "number",
    "Unit": "text",
    "What it says": "text",
}
_NOTE, _ABOUT, _INSIDE = "Note", "About", "det J inside "
_MEASURES = [field.name for field in fields(StructureRow) if field.name != "name"]


def write_table(node: slicer.vtkMRMLTableNode, tables: QualityTables) -> None:
    """Replace the node's content, which ``read_table`` gives back, also from a saved scene.

    Indicators come first, then each structure, then notes, then what is always said.
    """
    lines = [astuple(row) for row in tables.rows]
    for row in tables.structures:
        lines += [(_INSIDE + row.name, STRUCTURE_HEAD[name], NAN, getattr(row, name), "", "") for name in _MEASURES]
    lines += [(_NOTE, "", NAN, NAN, "", note) for note in tables.notes]
    lines += [(_ABOUT, name, NAN, NAN, "", said) for name, said in (("Direction", tables.direction), ("Use", tables.disclaimer))]
    fill(node, COLUMNS, lines)


def read_table(node: slicer.vtkMRMLTableNode) -> QualityTables:
    """The tables of a node, with six digits if it was saved; empty tables where it has other columns."""
    lines = [Row(group.replace("|J|", "det J"), *values) for group, *values in rows_of(node, list(COLUMNS))]  # as scenes of 0.1 have it
    about = {line.name: line.meaning for line in lines if line.group == _ABOUT}
    inside = [line for line in lines if line.group.startswith(_INSIDE)]
    size = len(_MEASURES)
    structures = (
        StructureRow(inside[n].group.removeprefix(_INSIDE), *(line.after for line in inside[n : n + size]))
        for n in range(0, len(inside), size)
    )
    plain = tuple(line for line in lines if line.group not in (_NOTE, _ABOUT) and not line.group.startswith(_INSIDE))
    return QualityTables(
        plain,
        tuple(structures),
        tuple(line.meaning for line in lines if line.group == _NOTE),
        about.get("Direction", ""),
        about.get("Use", ""),
    )
