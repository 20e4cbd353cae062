"""Points in tables: our own CSV, Slicer's tables of control points, and Slicer's old lists of fiducials (.fcsv)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from inr_registration.core.errors import InputError

Array = npt.NDArray[np.float64]

COLUMNS = ("x_lps_mm", "y_lps_mm", "z_lps_mm")
TABLES = {COLUMNS: "LPS", ("r", "a", "s"): "RAS", ("l", "p", "s"): "LPS"}
"""Columns of coordinates, and their frame: our own, and those of Slicer's tables of control points."""
FCSV = ("id", "x", "y", "z", "ow", "ox", "oy", "oz", "vis", "sel", "lock", "label", "desc", "associatedNodeID")
"""Columns of a list of fiducials that does not name them."""
FRAMES = {"0": "RAS", "RAS": "RAS", "1": "LPS", "LPS": "LPS"}
"""What such a list says of its frame; it is RAS where it says nothing."""
FLIPS = {"LPS": np.array([1.0, 1.0, 1.0]), "RAS": np.array([-1.0, -1.0, 1.0])}
NAMES = ("label", "name")
DEFINED = "defined"


@dataclass(frozen=True)
class Table:
    """A table of points.

    Args:
        above: Lines above the points, as they are to be written again; the header is among them.
        columns: Names of the columns.
        rows: Cells of the points.
        places: Columns of the three coordinates.
        frame: ``LPS`` or ``RAS``.
        between: What separates cells.
    """

    above: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    places: tuple[int, int, int]
    frame: str
    between: str = ","

    @property
    def positions(self) -> Array:
        """(n, 3) LPS mm; raises ValueError where a cell is no number."""
        return np.array([[float(row[place]) for place in self.places] for row in self.rows]) * FLIPS[self.frame]

    @property
    def names(self) -> tuple[str, ...]:
        """What the points are called, empty where they are not."""
        place = next((self.columns.index(name) for name in NAMES if name in self.columns), None)
        return () if place is None else tuple(row[place] for row in self.rows)

    def text(self, positions: Array) -> str:
        """The same table with other positions, (n, 3) LPS mm."""
        out = io.StringIO()
        out.writelines(f"{line}\n" for line in self.above)
        writer = csv.writer(out, lineterminator="\n", delimiter=self.between)
        for row, position in zip(self.rows, positions * FLIPS[self.frame], strict=True):
            cells = dict(zip(self.places, (f"{value:.6f}" for value in position), strict=True))
            writer.writerow([cells.get(n, cell) for n, cell in enumerate(row)])
        return out.getvalue()


def read_table(text: str, between: str = ",") -> Table:
    """A table with a header.

    Raises:
        InputError: It holds no points; the text says why.
    """
    rows = _cells(text.splitlines(), between)
    header = rows[0] if rows else ()
    found = [(columns, frame) for columns, frame in TABLES.items() if all(column in header for column in columns)]
    if not found:
        raise InputError(
            f"the header must have the columns {','.join(COLUMNS)} (LPS mm), or r,a,s (RAS mm) as in Slicer's tables; "
            f"got '{','.join(header)}'; "
            "name the columns after the frame that their numbers are in"
        )
    columns, frame = found[0]
    twice = [column for column in columns if header.count(column) > 1]
    if twice:
        raise InputError(f"the header names {twice[0]} twice; leave one of these columns out")
    points = _points(rows[1:], header)
    if DEFINED in header and columns != COLUMNS:
        without = [n for n, row in enumerate(points, 1) if row[header.index(DEFINED)].strip().lower() in ("0", "false")]
        if without:
            raise InputError(f"point {without[0]} has no position yet; place or remove it")
    i, j, k = (header.index(column) for column in columns)
    return Table((between.join(header),), header, points, (i, j, k), frame, between)


def read_fcsv(text: str) -> Table:
    """A list of fiducials of Slicer 3 and 4.

    Raises:
        InputError: It holds no points; the text says why.
    """
    lines = text.splitlines()
    above = tuple(line for line in lines if line.startswith("#"))
    said = {name.strip().lower(): value.strip() for line in above for name, found, value in [line.lstrip("# ").partition("=")] if found}
    frame = FRAMES.get(said.get("coordinatesystem", "RAS").upper())
    if frame is None:
        raise InputError(f"its coordinate system must be RAS or LPS, got '{said['coordinatesystem']}'; save the points again")
    columns = tuple(part.strip() for part in re.split(",", said.get("columns", ",".join(FCSV))))
    if any(column not in columns for column in "xyz"):
        raise InputError(f"its columns must have x, y and z, got '{','.join(columns)}'; save the points again")
    rows = tuple(row + ("",) * (len(columns) - len(row)) for row in _cells([line for line in lines if not line.startswith("#")], ","))
    i, j, k = (columns.index(column) for column in "xyz")
    return Table(above, columns, _points(rows, columns), (i, j, k), frame)


def _cells(lines: Sequence[str], between: str) -> tuple[tuple[str, ...], ...]:
    rows = csv.reader(lines, delimiter=between)
    return tuple(tuple(cell.strip() for cell in row) for row in rows if any(cell.strip() for cell in row))


def _points(rows: tuple[tuple[str, ...], ...], header: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    if not rows:
        raise InputError("there are no points below the header; add some")
    for number, row in enumerate(rows, 1):
        if len(row) != len(header):
            raise InputError(f"point {number} has {len(row)} values where the header has {len(header)} columns; repair this row")
    return rows
