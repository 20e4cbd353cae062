"""Points as Slicer and others write them, and landmarks that are paired by their names."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from inr_registration.core import InputError
from inr_registration.io import in_pairs, read_points, write_points

LPS = np.array([[10.0, 20.0, 30.0], [11.0, -21.0, 31.5]])
HEAD = "# Markups fiducial file version = 4.11\n"
COLUMNS = "# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID\n"
ROWS = "1,{},{},30,0,0,0,1,1,1,0,F-1,,\n2,{},{},31.5,0,0,0,1,1,1,0,F-2,,\n"
LISTS = {
    "LPS": HEAD + "# CoordinateSystem = LPS\n" + COLUMNS + ROWS.format(10, 20, 11, -21),
    "1": HEAD + "# CoordinateSystem = 1\n" + COLUMNS + ROWS.format(10, 20, 11, -21),
    "RAS": HEAD + "# CoordinateSystem = RAS\n" + COLUMNS + ROWS.format(-10, -20, -11, 21),
    "0": HEAD + "# CoordinateSystem = 0\n" + COLUMNS + ROWS.format(-10, -20, -11, 21),
    "nothing said": HEAD + ROWS.format(-10, -20, -11, 21),
    "Slicer 3": "# Fiducial List file x\n# columns = label,x,y,z,sel,visibility\nF-1,-10,-20,30,1,1\nF-2,-11,21,31.5,1,1\n",
}


@pytest.mark.parametrize("name", LISTS)
def test_lists_of_fiducials_are_read_and_written_in_their_frame(tmp_path: Path, name: str) -> None:
    path = tmp_path / "F.fcsv"
    path.write_text(LISTS[name])
    points = read_points(path)
    np.testing.assert_array_equal(points.positions, LPS)
    assert points.names == ("F-1", "F-2")
    write_points(tmp_path / "G.fcsv", points, LPS + 1)
    again = read_points(tmp_path / "G.fcsv")
    np.testing.assert_array_equal(again.positions, LPS + 1)
    assert again.names == points.names


TABLES = {
    "r,a,s": "label,r,a,s,defined,selected,visible,locked,description\nF-1,-10,-20,30,1,1,1,0,\nF-2,-11,21,31.5,1,1,1,0,\n",
    "l,p,s": "label,l,p,s,defined\nF-1,10,20,30,1\nF-2,11,-21,31.5,1\n",
    "ours": "name,x_lps_mm,y_lps_mm,z_lps_mm\nF-1,10,20,30\nF-2,11,-21,31.5\n",
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("ending", [".csv", ".tsv"])
def test_tables_of_control_points_are_read_and_written_in_their_frame(tmp_path: Path, name: str, ending: str) -> None:
    path = tmp_path / f"table{ending}"
    path.write_text(TABLES[name].replace(",", "\t") if ending == ".tsv" else TABLES[name])
    points = read_points(path)
    np.testing.assert_array_equal(points.positions, LPS)
    write_points(tmp_path / f"out{ending}", points, LPS - 2)
    np.testing.assert_array_equal(read_points(tmp_path / f"out{ending}").positions, LPS - 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x,y,z\n1,2,3\n", "RAS"),
        ("label,r,a,s,defined\nF-1,1,2,3,1\nF-2,0,0,0,0\n", "point 2 has no position"),
        ("label,r,a,s\n", "no points"),
        ("label,r,a,s\nF-1,1,2\n", "point 1 has 3 values"),
    ],
)
def test_tables_that_say_too_little_are_refused_with_the_reason(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=words):
        read_points(tmp_path / "t.csv")


def markups(path: Path, positions: np.ndarray, names: list[str], frame: str = "LPS") -> Path:
    shown = positions * ([-1, -1, 1] if frame == "RAS" else [1, 1, 1])
    points = [{"label": name, "position": p.tolist(), "positionStatus": "defined"} for name, p in zip(names, shown, strict=True)]
    path.write_text(json.dumps({"markups": [{"type": "Fiducial", "coordinateSystem": frame, "controlPoints": points}]}))
    return path


POINTS = np.random.default_rng(0).uniform(-20, 20, (6, 3)).round(3)
NAMES = [f"L{n}" for n in range(6)]
ORDER = [3, 0, 5, 1, 2, 4]


@pytest.mark.parametrize("frame", ["LPS", "RAS"])
def test_names_in_another_order_pair_the_points_and_it_is_said(tmp_path: Path, frame: str) -> None:
    said: list[str] = []
    fixed = read_points(markups(tmp_path / "a.mrk.json", POINTS, NAMES))
    moving = read_points(markups(tmp_path / "b.mrk.json", (POINTS + 1)[ORDER], [NAMES[n] for n in ORDER], frame))
    first, last = in_pairs(fixed, moving, said.append)
    np.testing.assert_allclose(last, first + 1)
    assert "paired by their names" in said[0]


def test_names_that_differ_leave_the_order_and_are_told(tmp_path: Path) -> None:
    said: list[str] = []
    fixed = read_points(markups(tmp_path / "a.mrk.json", POINTS, NAMES))
    moving = read_points(markups(tmp_path / "b.mrk.json", POINTS, [*NAMES[1:], "new"]))
    first, last = in_pairs(fixed, moving, said.append)
    np.testing.assert_array_equal(first, last)
    assert "'L0' and 'L1'" in said[0]


@pytest.mark.parametrize("names", [["F"] * 6, [""] * 6, ["a", "b", "c", "d", "e", "f"]], ids=["alike", "empty", "all others"])
def test_names_that_tell_nothing_leave_the_order_without_a_word(tmp_path: Path, names: list[str]) -> None:
    said: list[str] = []
    fixed = read_points(markups(tmp_path / "a.mrk.json", POINTS, NAMES))
    moving = read_points(markups(tmp_path / "b.mrk.json", POINTS, names))
    np.testing.assert_array_equal(*in_pairs(fixed, moving, said.append))
    assert not said
