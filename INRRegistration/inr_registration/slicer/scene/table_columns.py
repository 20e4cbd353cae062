"""Columns in and out of a vtkMRMLTableNode, with types that survive saving and reopening a scene."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import slicer
import vtk

Kind = Literal["text", "number", "count", "flag"]
Value = str | float | int | bool

NOTHING = "–"
"""Stands for an empty text: an empty cell at the start of a row is lost when Slicer reads a table back."""

_ARRAYS = {"text": vtk.vtkStringArray, "number": vtk.vtkDoubleArray, "count": vtk.vtkIntArray, "flag": vtk.vtkBitArray}


def fill(node: slicer.vtkMRMLTableNode, kinds: Mapping[str, Kind], rows: Iterable[Sequence[Value]]) -> None:
    """Replace a table's content in one event.

    Args:
        node: The table.
        kinds: Column names and kinds, from left to right.
        rows: One value for each column. A number may be not a number.
    """
    columns = list(zip(*rows, strict=True)) or [()] * len(kinds)
    was = node.StartModify()
    try:
        node.RemoveAllColumns()
        for (name, kind), values in zip(kinds.items(), columns, strict=True):
            array = _ARRAYS[kind]()
            array.SetName(name)
            for value in values:
                array.InsertNextValue(_cell(value))
            node.AddColumn(array)
        node.SetUseColumnTitleAsColumnHeader(True)
        node.SetLocked(True)
    finally:
        node.EndModify(was)


def rows_of(node: slicer.vtkMRMLTableNode, names: Sequence[str]) -> list[tuple[Any, ...]]:
    """The rows of a table as tuples in the order of ``names``; empty where a column is missing.

    Files keep six digits of a number, and NaN; flags come as 0 and 1.
    """
    table = node.GetTable()
    columns = [table.GetColumnByName(name) for name in names]
    if any(column is None for column in columns):
        return []
    return [tuple(_value(column.GetValue(row)) for column in columns) for row in range(table.GetNumberOfRows())]


def _cell(value: Value) -> Value:
    """Text without the characters that separate cells in a file; never empty."""
    return (" ".join(value.split()) or NOTHING) if isinstance(value, str) else value


def _value(cell: Value) -> Value:
    return "" if cell == NOTHING else cell
