"""Cases that are files beside the images: points, transforms."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from odd.case import SHIFT, Case, points

HEADER = "x_lps_mm,y_lps_mm,z_lps_mm\n"
ROWS = points()[:10]
FEW = HEADER + "".join("{:.6f},{:.6f},{:.6f}\n".format(*row) for row in ROWS + SHIFT)


def landmarks(what: str, name: str, content: str | bytes, refused: str = "not points", **more: Any) -> Case:
    """An odd file of fixed landmarks beside ordinary moving ones."""

    def words(folder: Path) -> list[Any]:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        (folder / "m.csv").write_text(FEW)
        return ["--fixed-landmarks", folder / name, "--moving-landmarks", folder / "m.csv"]

    return Case(what, refused, words=words, **more)


def markups(**changes: Any) -> str:
    rows = [{"position": row.tolist()} for row in ROWS]
    return json.dumps({"markups": [{"type": "Fiducial", "coordinateSystem": "LPS", "controlPoints": rows, **changes}]})


def csv(rows: np.ndarray) -> str:
    return HEADER + "".join(",".join(f"{value:g}" for value in row) + "\n" for row in rows)


POINTS = [
    landmarks("landmarks", "f.csv", csv(ROWS), ""),
    landmarks(
        "landmarks with a byte order mark, CRLF and spaces", "f.csv", b"\xef\xbb\xbf" + csv(ROWS).replace("\n", " \r\n").encode(), ""
    ),
    landmarks("landmarks with further columns", "f.csv", "name," + HEADER + "".join("a,{},{},{}\n".format(*row) for row in ROWS), ""),
    landmarks("landmarks with other columns", "f.csv", "x,y,z\n1,2,3\n", "x_lps_mm,y_lps_mm,z_lps_mm"),
    landmarks("landmarks with two coordinates", "f.csv", "x_lps_mm,y_lps_mm\n1,2\n", "must have the columns"),
    landmarks("a row that is too short", "f.csv", HEADER + "1,2,3\n1,2\n", "point 2 has 2 values"),
    landmarks("other count", "f.csv", csv(ROWS[:4]), "4 fixed and 10 moving"),
    landmarks("no points", "f.csv", HEADER, "no points"),
    landmarks("an empty file", "f.csv", "", "must have the columns"),
    landmarks("words", "f.csv", HEADER + "one,two,three\n"),
    landmarks("NaN and Inf", "f.csv", HEADER + "nan,1,2\ninf,1,2\n" * 5, "finite"),
    landmarks("coordinates of 10^300", "f.csv", HEADER + "1e300,1,2\n" * 10, "finite"),
    landmarks("decimal commas", "f.csv", "x_lps_mm;y_lps_mm;z_lps_mm\n1,5;2,5;3,5\n", "must have the columns"),
    landmarks("NUL bytes", "f.csv", HEADER.encode() + b"1,2,\0" * 40, "point 1 has 81 values"),
    landmarks("UTF-16", "f.csv", csv(ROWS).encode("utf-16")),
    landmarks("Latin-1", "f.csv", ("name," + HEADER).encode() + b"caf\xe9,1,2,3\n"),
    landmarks("a quote that is never closed", "f.csv", HEADER + '"1,2,3\n' * 10),
    landmarks("a field of 200 kB", "f.csv", HEADER + "1" * 200_000 + ",2,3\n"),
    landmarks("columns named twice", "f.csv", HEADER.strip() + ",x_lps_mm\n1,2,3,4\n", "twice"),
    landmarks("markups", "f.mrk.json", markups(), ""),
    landmarks("markups in RAS", "f.mrk.json", markups(coordinateSystem="RAS", controlPoints=[{"position": [0, 1, 2]}] * 10), ""),
    landmarks("markups in IJK", "f.mrk.json", markups(coordinateSystem="IJK"), "LPS or RAS"),
    landmarks("markups in a system that is a list", "f.mrk.json", markups(coordinateSystem=["LPS"])),
    landmarks("markups in metres", "f.mrk.json", markups(coordinateUnits="m"), "must be in mm"),
    landmarks("markups in units that are an empty list", "f.mrk.json", markups(coordinateUnits=[])),
    landmarks("markups without points", "f.mrk.json", markups(controlPoints=[]), "no control points"),
    landmarks("a point of two coordinates", "f.mrk.json", markups(controlPoints=[{"position": [1, 2]}] * 10)),
    landmarks("a point of words", "f.mrk.json", markups(controlPoints=[{"position": ["a", "b", "c"]}] * 10)),
    landmarks("a point of null", "f.mrk.json", markups(controlPoints=[{"position": None}] * 10)),
    landmarks("a point of whole numbers with 400 digits", "f.mrk.json", markups(controlPoints=[{"position": [10**400, 1, 1]}] * 10)),
    landmarks("JSON nested 100000 deep", "f.mrk.json", "[" * 100_000, "not points"),
    landmarks("JSON that is a list", "f.mrk.json", "[1, 2]"),
    landmarks("JSON that is no JSON", "f.mrk.json", "{nothing}"),
    landmarks("a number with 5000 digits", "f.mrk.json", '{"markups": ' + "9" * 5000 + "}"),
    landmarks("another ending", "f.pts", "1,2,3", ".csv, .fcsv, .tsv or .mrk.json"),
]


def start(what: str, write: Callable[[Path], object], refused: str, name: str = "start.tfm", **more: Any) -> Case:
    """An odd initial transform."""

    def words(folder: Path) -> list[Any]:
        write(folder / name)
        return ["--initial-transform", folder / name]

    return Case(what, refused, words=words, **more)


def saved(transform: sitk.Transform) -> Callable[[Path], object]:
    return lambda path: sitk.WriteTransform(transform, str(path))


def matrix(*values: float) -> sitk.Transform:
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(values)
    return transform


def text(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


LINES = b"#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_3_3\nParameters: "
STARTS = [
    start("an ordinary start", saved(sitk.TranslationTransform(3, [3, -2, 1])), ""),
    start("a start in 2D", saved(sitk.AffineTransform(2)), "2D points"),
    start("a start that flattens", saved(matrix(1, 0, 0, 0, 1, 0, 0, 0, 0)), "invertible"),
    start("a start of NaN", text(LINES + b"nan 0 0 0 1 0 0 0 1 0 0 0\nFixedParameters: 0 0 0\n"), "cannot be read"),
    start("a start with too few numbers", text(LINES + b"1 0 0\nFixedParameters: 0 0 0\n"), "cannot be read"),
    start("a start with words", text(LINES + b"one two\n"), "cannot be read"),
    start(
        "a start of an unknown kind", text(b"#Insight Transform File V1.0\nTransform: Magic_double_3_3\nParameters: 1\n"), "cannot be read"
    ),
    start("an empty start", text(b""), "cannot be read"),
    start("garbage", text(b"\xff\xfe nonsense" * 40), "cannot be read"),
    start(
        "HDF5 that is cut",
        lambda path: (saved(sitk.AffineTransform(3))(path), path.write_bytes(path.read_bytes()[:900])),
        "cannot be read",
        "s.h5",
    ),
    start("a start that bends", saved(sitk.BSplineTransform(3, 3)), ""),
    start(
        "a picture in place of displacements",
        lambda path: sitk.WriteImage(sitk.Image(5, 5, 5, sitk.sitkFloat32), str(path)),
        "is no transform",
        "s.nrrd",
    ),
    start("a mirror", saved(matrix(-1, 0, 0, 0, 1, 0, 0, 0, 1)), "", shift=None),
]


def words(what: str, refused: str, *given: str, **more: Any) -> Case:
    """Odd words on the command line."""
    return Case(what, refused, words=lambda _: list(given), **more)


WORDS = [
    words("a seed of 10^30", "--seed", "--seed", "1" + "0" * 30),
    words("10^12 threads", "up to 4096", "--threads", "1" + "0" * 12),
    words("10^30 voxels", "up to 9223372036854775807", "--max-voxels", "1" + "0" * 30),
    words("a number of 5000 digits", "whole number", "--max-voxels", "1" * 5000),
    words("digits of another script", "", "--seed", "٣"),
    words("a superscript for a number", "whole number", "--seed", "²"),
    words("a weight of NaN", "from 0 up", "--weight", "diffusion=nan"),
    words("an infinite weight", "from 0 up", "--weight", "diffusion=inf"),
    words("a weight of 10^300", "up to 1e+09", "--weight", "diffusion=1e300"),
    words("a weight of 10^9", "", "--weight", "diffusion=1e9", shift=None),
    words("a weight without a name", "unknown regularity ''", "--weight", "=1"),
    words("a weight of 0 for an unknown name", "unknown regularity 'nonsense'", "--weight", "nonsense=0"),
    words("a landmark weight of NaN", "landmark_weight", "--landmark-weight", "nan"),
    words("no device", "device", "--device", ""),
    words("a device with a huge number", "device", "--device", "cuda:99999999999999999999"),
    words("a negative device", "device", "--device", "cuda:-1"),
    words("the device meta", "not supported", "--device", "meta"),
    words("a processor with a number", "", "--device", "cpu:3"),
    words("an empty name of a mask", "name of a file is empty", "--fixed-mask", ""),
    words("an empty name of points", "name of a file is empty", "--fixed-landmarks", "", "--moving-landmarks", ""),
    words("a folder in place of a transform", "no such transform", "--initial-transform", "."),
]
