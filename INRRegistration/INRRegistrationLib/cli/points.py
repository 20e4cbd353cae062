"""Landmarks from files and to files: CSV in LPS mm, or Slicer markups in LPS or RAS."""

from __future__ import annotations

import copy
import csv
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from INRRegistrationLib.core.errors import InputError
from INRRegistrationLib.core.grid import FARTHEST_MM
from INRRegistrationLib.core.sizes import POINTS_BYTES, check_size

Array = npt.NDArray[np.float64]

COLUMNS = ("x_lps_mm", "y_lps_mm", "z_lps_mm")
CSV, MARKUPS = ".csv", ".json"
FLIPS = {"LPS": np.array([1.0, 1.0, 1.0]), "RAS": np.array([-1.0, -1.0, 1.0])}


@dataclass(frozen=True, eq=False)
class Points:
    """Points, with all else that their file says.

    Args:
        positions: (n, 3) LPS mm.
        content: Of the file: rows of a CSV file (header first), or the document of a markups file.
    """

    positions: Array
    content: Any


def is_points_file(path: str | os.PathLike[str]) -> bool:
    """Whether a name is that of a file with points."""
    return Path(path).suffix.lower() in (CSV, MARKUPS)


def read_points(path: str | os.PathLike[str]) -> Points:
    """Read points.

    Raises:
        InputError: They cannot be read; the text says why.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{path}: there is no such file; check the path")
    try:
        check_size(file.stat().st_size, POINTS_BYTES, "the file", "give points, not an image or a model")
        if file.suffix.lower() == CSV:
            points = _from_rows(list(csv.reader(file.read_text(encoding="utf-8-sig").splitlines())))
        elif file.suffix.lower() == MARKUPS:
            points = _from_markups(json.loads(file.read_text(encoding="utf-8")))
        else:
            raise InputError("points must be in a .csv or .mrk.json file")
    except InputError as error:
        raise InputError(f"{file.name}: {error}") from error
    except OSError as error:
        raise InputError(f"{file.name}: cannot be read ({error.strerror}); check its permissions") from error
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError, csv.Error) as error:
        raise InputError(f"{file.name}: not points; give a CSV with the header {','.join(COLUMNS)}, or a .mrk.json") from error
    if not (np.abs(points.positions) <= FARTHEST_MM).all():
        raise InputError(f"{file.name}: coordinates must be finite numbers, in mm; remove the undefined points")
    return points


def read_line(path: str | os.PathLike[str]) -> list[Array]:
    """Ordered points along lines, each (n, 3) LPS mm: one of a CSV file, one for each markup of a markups file.

    Raises:
        InputError: They cannot be read, or a line is closed or has a single point.
    """
    points = read_points(path)
    lines = [points.positions]
    if isinstance(points.content, dict):
        markups = points.content["markups"]
        if any(markup.get("type") == "ClosedCurve" for markup in markups):
            raise InputError(f"{Path(path).name}: a centreline has two ends, but this is a closed curve; give an open one")
        lines = np.split(points.positions, np.cumsum([len(markup["controlPoints"]) for markup in markups])[:-1])
        lines = [line for line in lines if len(line)]
    if any(len(line) < 2 for line in lines):
        raise InputError(f"{Path(path).name}: a line needs at least 2 points; add some")
    return lines


def read_axis(path: str | os.PathLike[str]) -> Array:
    """Two points, (2, 3) LPS mm, in the order of the file.

    Raises:
        InputError: They cannot be read, or are not two different ones.
    """
    positions = read_points(path).positions
    if len(positions) != 2 or np.allclose(*positions):
        raise InputError(f"{Path(path).name}: the long axis needs two different points, apex and base; got {len(positions)}")
    return positions


def write_points(path: Path, points: Points, positions: Array) -> None:
    """Write other positions (n, 3) LPS mm in the format of ``points``; names and further columns are kept."""
    if isinstance(points.content, list):
        header, *rows = points.content
        places = [header.index(column) for column in COLUMNS]
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(header)
            for row, position in zip(rows, positions, strict=True):
                cells = dict(zip(places, (f"{value:.6f}" for value in position), strict=True))
                writer.writerow([cells.get(n, cell) for n, cell in enumerate(row)])
        return
    document, rest = copy.deepcopy(points.content), iter(positions)
    for markup in document["markups"]:
        markup.pop("measurements", None)  # lengths and angles of the old positions
        for point in markup["controlPoints"]:
            point["position"] = (next(rest) * _flip(markup)).tolist()
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")


def _from_rows(rows: list[list[str]]) -> Points:
    rows = [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)]
    header = rows[0] if rows else []
    if any(column not in header for column in COLUMNS):
        raise InputError(f"the header must have the columns {','.join(COLUMNS)}, got '{','.join(header)}'; rename them")
    twice = [column for column in COLUMNS if header.count(column) > 1]
    if twice:
        raise InputError(f"the header names {twice[0]} twice; leave one of these columns out")
    if len(rows) < 2:
        raise InputError("there are no points below the header; add some")
    for number, row in enumerate(rows[1:], 1):
        if len(row) != len(header):
            raise InputError(f"point {number} has {len(row)} values where the header has {len(header)} columns; repair this row")
    places = [header.index(column) for column in COLUMNS]
    return Points(np.array([[float(row[place]) for place in places] for row in rows[1:]]), rows)


def _from_markups(document: Any) -> Points:
    found: list[Array] = []
    for markup in document["markups"]:
        units = markup.get("coordinateUnits", "mm")
        if (units if isinstance(units, str) else units[0]) != "mm":
            raise InputError(f"coordinates must be in mm, got {units}; convert them")
        for point in markup["controlPoints"]:
            if point.get("positionStatus", "defined") != "defined":
                raise InputError(f"point '{point.get('label', len(found))}' has no position yet; place or remove it")
            found.append(np.array(point["position"], dtype=np.float64).reshape(3) * _flip(markup))
    if not found:
        raise InputError("there are no control points; add some")
    return Points(np.stack(found), document)


def _flip(markup: Any) -> Array:
    """Signs that take a markup's coordinates to LPS, and back."""
    system = markup.get("coordinateSystem", "LPS")
    if system not in FLIPS:
        raise InputError(f"coordinateSystem must be LPS or RAS, got {system!r}; save the markups again")
    return FLIPS[system]
