"""Landmarks from files and to files: CSV in LPS mm, or what Slicer writes: markups, tables of control points, lists of fiducials."""

from __future__ import annotations

import copy
import csv
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from inr_registration.core.errors import InputError
from inr_registration.core.grid import FARTHEST_MM
from inr_registration.core.sizes import POINTS_BYTES, check_size
from inr_registration.io.point_tables import COLUMNS, FLIPS, Table, read_fcsv, read_table

Array = npt.NDArray[np.float64]

MARKUPS = ".json"
ENDINGS = {".csv": ",", ".tsv": "\t", ".fcsv": ","}
"""Of tables, and what separates their cells."""


@dataclass(frozen=True, eq=False)
class Points:
    """Points, with all else that their file says.

    Args:
        positions: (n, 3) LPS mm.
        content: Of the file: a ``Table``, or the document of a markups file.
        names: What the points are called, (n,); empty where not all have a name of their own.
    """

    positions: Array
    content: Any
    names: tuple[str, ...] = ()


def is_points_file(path: str | os.PathLike[str]) -> bool:
    """Whether a name is that of a file with points."""
    return Path(path).suffix.lower() in (*ENDINGS, MARKUPS)


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
        if file.suffix.lower() in ENDINGS:
            points = _from_table(file.suffix.lower(), file.read_text(encoding="utf-8-sig"))
        elif file.suffix.lower() == MARKUPS:
            points = _from_markups(json.loads(file.read_text(encoding="utf-8")))
        else:
            raise InputError(f"points must be in a file of the kind {', '.join(sorted(ENDINGS))} or .mrk.json")
    except InputError as error:
        raise InputError(f"{file.name}: {error}") from error
    except OSError as error:
        raise InputError(f"{file.name}: cannot be read ({error.strerror}); check its permissions") from error
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError, csv.Error) as error:
        raise InputError(f"{file.name}: not points; give a CSV with the header {','.join(COLUMNS)}, or a .mrk.json") from error
    if not (np.abs(points.positions) <= FARTHEST_MM).all():
        raise InputError(f"{file.name}: coordinates must be finite numbers, in mm; remove the undefined points")
    return points


def in_pairs(fixed: Points, moving: Points, say: Callable[[str], None]) -> tuple[Array, Array]:
    """Positions (n, 3) of both, row i of one belonging to row i of the other.

    Where both files hold the same names in another order, the names count. Where names differ, the order does, and it is said.
    """
    first, last = fixed.names, moving.names
    if not first or not last or first == last or len(first) != len(last):
        return fixed.positions, moving.positions
    if set(first) == set(last):
        say("the landmarks are in another order in both files; they were paired by their names")
        return fixed.positions, moving.positions[[last.index(name) for name in first]]
    if set(first) & set(last):
        place = next(n for n, (a, b) in enumerate(zip(first, last, strict=True)) if a != b)
        say(
            f"the landmarks were paired by their order, but their names differ, such as '{first[place]}' and '{last[place]}' "
            f"(number {place + 1}); look whether they belong together"
        )
    return fixed.positions, moving.positions


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
    if isinstance(points.content, Table):
        path.write_text(points.content.text(positions), encoding="utf-8", newline="")
        return
    document, rest = copy.deepcopy(points.content), iter(positions)
    for markup in document["markups"]:
        markup.pop("measurements", None)  # lengths and angles of the old positions
        for point in markup["controlPoints"]:
            point["position"] = (next(rest) * _flip(markup)).tolist()
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")


def _from_table(ending: str, text: str) -> Points:
    table = read_fcsv(text) if ending == ".fcsv" else read_table(text, ENDINGS[ending])
    return Points(table.positions, table, _own_names(table.names))


def _own_names(names: Sequence[str]) -> tuple[str, ...]:
    """The names where each point has one of its own."""
    return tuple(names) if all(names) and len(set(names)) == len(names) else ()


def _from_markups(document: Any) -> Points:
    found: list[Array] = []
    names: list[str] = []
    for markup in document["markups"]:
        units = markup.get("coordinateUnits", "mm")
        if (units if isinstance(units, str) else units[0]) != "mm":
            raise InputError(f"coordinates must be in mm, got {units}; convert them")
        for point in markup["controlPoints"]:
            if point.get("positionStatus", "defined") != "defined":
                raise InputError(f"point '{point.get('label', len(found))}' has no position yet; place or remove it")
            found.append(np.array(point["position"], dtype=np.float64).reshape(3) * _flip(markup))
            names.append(str(point.get("label", "")))
    if not found:
        raise InputError("there are no control points; add some")
    return Points(np.stack(found), document, _own_names(names))


def _flip(markup: Any) -> Array:
    """Signs that take a markup's coordinates to LPS, and back."""
    system = markup.get("coordinateSystem", "LPS")
    if system not in FLIPS:
        raise InputError(f"coordinateSystem must be LPS or RAS, got {system!r}; save the markups again")
    return FLIPS[system]
