"""Bad input: exit status 2, one message, nothing written, inputs untouched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from small_pair import SmallPair, a_grid, run_cli, write_nifti

Words = list[object]
SHAPE = (18, 24, 26)
NOISE = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)


def zero_spacing(path: Path) -> Path:
    image = nibabel.Nifti1Image(NOISE, None)
    content = bytearray(image.to_bytes())
    content[80:84] = np.float32(0).tobytes()  # pixdim[1]
    path.write_bytes(content)
    return path


def file_with(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def folder_with(path: Path, content: bytes) -> Path:
    path.mkdir()
    (path / "IM0001.dcm").write_bytes(content)
    return path


def nifti(path: Path, values: np.ndarray) -> Path:
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), path)
    return path


def colours(path: Path) -> Path:
    kind = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    return nifti(path, np.zeros((8, 8, 8), kind))


def far_away(path: Path) -> Path:
    grid = a_grid()
    affine = grid.affine.copy()
    affine[:3, 3] += 500
    return write_nifti(path, NOISE, type(grid)(grid.size, affine))


IMAGES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing file": (lambda d: d / "nowhere.nii.gz", "no such file"),
    "no overlap": (lambda d: far_away(d / "far.nii.gz"), "do not overlap"),
    "constant image": (lambda d: write_nifti(d / "flat.nii.gz", np.full(SHAPE, 7, np.int16), a_grid()), "every voxel has the value 7"),
    "2D": (lambda d: nifti(d / "flat2d.nii.gz", np.zeros((9, 9), np.float32)), "2D"),
    "2D picture": (lambda d: file_with(d / "p.pgm", b"P5 2 2 255\n" + b"\x00\x01\x02\x03"), ""),
    "4D": (lambda d: nifti(d / "movie.nii.gz", np.zeros((8, 8, 8, 3), np.float32)), "3 frames"),
    "vector": (lambda d: nifti(d / "vector.nii.gz", np.zeros((8, 8, 8, 1, 3), np.float32)), "3 values"),
    "colours": (lambda d: colours(d / "rgb.nii.gz"), "3 values"),
    "complex": (lambda d: nifti(d / "complex.nii.gz", np.zeros((8, 8, 8), np.complex64)), "complex"),
    "all NaN": (lambda d: write_nifti(d / "nan.nii.gz", np.full(SHAPE, np.nan, np.float32), a_grid()), "finite"),
    "zero spacing": (lambda d: zero_spacing(d / "zero.nii"), "spacing"),
    "too thin": (lambda d: nifti(d / "thin.nii.gz", np.random.default_rng(1).normal(size=(20, 20, 3)).astype(np.float32)), "too thin"),
    "wrong extension": (lambda d: file_with(d / "notes.nii.gz", b"these are notes" * 30), "cannot be read"),
    "garbage": (lambda d: file_with(d / "garbage.nrrd", b"garbage" * 99), "cannot be read"),
    "no image at all": (lambda d: file_with(d / "letter.docx", b"Dear doctor" * 40), "cannot be read"),
    "empty file": (lambda d: file_with(d / "empty.nii.gz", b""), "empty"),
    "truncated file": (lambda d: file_with(d / "cut.nii", nibabel.Nifti1Image(NOISE, np.eye(4)).to_bytes()[:4000]), "cannot be read"),
    "empty DICOM folder": (lambda d: folder_with(d / "series", b""), "DICOM"),
    "unreadable DICOM folder": (lambda d: folder_with(d / "series", b"\x00" * 128 + b"DICM" + b"\xff" * 64), "DICOM"),
}


def both_landmarks(pair: SmallPair) -> Words:
    return ["--fixed-landmarks", pair.fixed_landmarks, "--moving-landmarks", pair.moving_landmarks]


def landmarks(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


HEADER = "x_lps_mm,y_lps_mm,z_lps_mm\n"
OPTIONS: dict[str, tuple[Callable[[Path, SmallPair], Words], str]] = {
    "empty mask": (lambda d, _: ["--fixed-mask", write_nifti(d / "m.nii.gz", np.zeros(SHAPE, np.uint8), a_grid())], "only 0 voxels"),
    "unknown preset": (lambda *_: ["--preset", "magic"], "no preset 'magic'"),
    "unknown method": (lambda *_: ["--method", "magic"], "unknown method 'magic'"),
    "unknown similarity": (lambda *_: ["--similarity", "magic"], "unknown similarity 'magic'"),
    "unknown weight": (lambda *_: ["--weight", "magic=3"], "unknown regularity 'magic'"),
    "weight without number": (lambda *_: ["--weight", "bending=much"], "NAME=VALUE"),
    "negative weight": (lambda *_: ["--weight", "bending=-1"], "from 0 up"),
    "centreline in vain": (lambda *_: ["--centreline", "c.csv"], "--centreline is only for geometry"),
    "no centreline": (lambda *_: ["--method", "geometry"], "'geometry' needs --centreline"),
    "no long axis": (lambda *_: ["--method", "cardiac"], "'cardiac' needs --long-axis or --ventricle"),
    "steering without landmarks": (lambda *_: ["--landmark-weight", "1"], "--fixed-landmarks and --moving-landmarks"),
    "negative landmark weight": (lambda _, pair: [*both_landmarks(pair), "--landmark-weight", "-1"], "landmark_weight"),
    "unknown start": (lambda *_: ["--start", "magic"], "unknown start 'magic'; known are none, discrete"),
    "unknown uncertainty": (lambda *_: ["--uncertainty", "magic"], "unknown uncertainty 'magic'"),
    "untested uncertainty": (lambda *_: ["--method", "geometry", "--centreline", "c.csv", "--uncertainty", "laplace"], "not calibrated"),
    "uncertainty of two fields": (lambda *_: ["--uncertainty", "cycle"], "two fields"),
    "centreline of one point": (
        lambda d, _: ["--method", "geometry", "--centreline", landmarks(d / "c.csv", HEADER + "1,2,3\n")],
        "at least 2 points",
    ),
    "long axis of three points": (lambda _, pair: ["--method", "cardiac", "--long-axis", pair.fixed_landmarks], "two different points"),
    "unknown device": (lambda *_: ["--device", "abacus"], "abacus"),
    "unknown word": (lambda *_: ["--colour", "red"], "--colour"),
    "bad number": (lambda *_: ["--threads", "0"], "from 1 up"),
    "landmarks of one side": (lambda _, pair: ["--fixed-landmarks", pair.fixed_landmarks], "one image only"),
    "landmarks of other columns": (
        lambda d, pair: ["--fixed-landmarks", landmarks(d / "a.csv", "x,y,z\n1,2,3\n"), "--moving-landmarks", pair.moving_landmarks],
        "x_lps_mm,y_lps_mm,z_lps_mm",
    ),
    "landmarks of other count": (
        lambda d, pair: ["--fixed-landmarks", landmarks(d / "a.csv", HEADER + "1,2,3\n"), "--moving-landmarks", pair.moving_landmarks],
        "1 fixed and 40 moving",
    ),
    "landmarks that are words": (
        lambda d, pair: ["--fixed-landmarks", landmarks(d / "a.csv", HEADER + "one,2,3\n"), "--moving-landmarks", pair.moving_landmarks],
        "not points",
    ),
    "labels that are not whole": (lambda _, pair: ["--fixed-labels", pair.fixed, "--moving-labels", pair.moving], "whole numbers"),
    "start that is not finite": (
        lambda d, _: ["--initial-transform", undefined_field(d / "start.mha")],
        "next to none of its vectors are finite",
    ),
    "broken start": (lambda d, _: ["--initial-transform", file_with(d / "start.tfm", b"nonsense")], "transform"),
}


def spline(path: Path) -> Path:
    import SimpleITK as sitk

    sitk.WriteTransform(sitk.BSplineTransform(3, 3), str(path))
    return path


def undefined_field(path: Path) -> Path:
    import SimpleITK as sitk

    sitk.WriteImage(sitk.GetImageFromArray(np.full((4, 4, 4, 3), np.nan), isVector=True), str(path))
    return path


def contents(*folders: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for folder in folders for file in folder.rglob("*") if file.is_file()}


def assert_refused(words: Words, expected: str, *watched: Path) -> None:
    before = contents(*watched)
    done = run_cli(*words)
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert expected in done.stderr
    assert contents(*watched) == before


@pytest.mark.parametrize("what", IMAGES)
def test_an_image_that_cannot_be_registered_is_refused(what: str, a_pair: SmallPair, tmp_path: Path) -> None:
    make, expected = IMAGES[what]
    bad, output = make(tmp_path), tmp_path / "out"
    assert_refused([bad, a_pair.moving, "--output", output], expected, tmp_path, a_pair.folder)
    assert not output.exists()
    if bad.exists():
        assert_refused([a_pair.fixed, bad, "--output", output], bad.name if what != "no overlap" else expected, tmp_path)


@pytest.mark.parametrize("what", OPTIONS)
def test_an_option_that_makes_no_sense_is_refused(what: str, a_pair: SmallPair, tmp_path: Path) -> None:
    make, expected = OPTIONS[what]
    output = tmp_path / "out"
    assert_refused([a_pair.fixed, a_pair.moving, "--output", output, *make(tmp_path, a_pair)], expected, tmp_path, a_pair.folder)
    assert not output.exists()


def test_an_output_that_cannot_be_written_is_refused_before_the_work(a_pair: SmallPair, tmp_path: Path) -> None:
    file = file_with(tmp_path / "file", b"mine")
    assert_refused([a_pair.fixed, a_pair.moving, "--output", file / "below"], "cannot write", tmp_path)
    assert_refused([a_pair.fixed, a_pair.moving, "--output", file], "must be a folder", tmp_path)
    assert_refused(["demo", "--output", file / "below"], "cannot write", tmp_path)
    assert_refused([a_pair.fixed, a_pair.moving], "--output", tmp_path)


def test_an_input_is_never_overwritten(a_pair: SmallPair, tmp_path: Path) -> None:
    mine = tmp_path / "warped.nii.gz"
    mine.write_bytes(a_pair.moving.read_bytes())
    assert_refused([a_pair.fixed, mine, "--output", tmp_path], "would be overwritten", tmp_path)
    assert_refused(["apply", "t.h5", mine, mine], "would be overwritten", tmp_path)


def test_other_verbs_refuse_in_the_same_way(a_pair: SmallPair, tmp_path: Path) -> None:
    model = file_with(tmp_path / "model.safetensors", b"not a model")
    assert_refused(["apply", model, a_pair.moving, tmp_path / "o.nii.gz"], "not a model", tmp_path)
    assert_refused(["apply", spline(tmp_path / "t.tfm"), a_pair.moving, tmp_path / "o.nii.gz"], "--reference", tmp_path)
    assert_refused(["apply", tmp_path / "t.tfm", a_pair.moving, tmp_path / "o.txt"], "cannot write an image", tmp_path)
    assert_refused(["apply", tmp_path / "t.tfm", a_pair.fixed_landmarks, tmp_path / "o.mrk.json"], ".csv", tmp_path)
    assert_refused(["evaluate", tmp_path / "none.h5", "--fixed", a_pair.fixed], "no such transform", tmp_path)
    one_sided = ["--fixed-landmarks", a_pair.fixed_landmarks]
    assert_refused(["evaluate", tmp_path / "t.tfm", "--fixed", a_pair.fixed, *one_sided], "one image only", tmp_path)
    assert_refused(["presets", "magic"], "no preset 'magic'", tmp_path)
    assert_refused(["demo", "--size", "huge", "--output", tmp_path / "d"], "no demo of size", tmp_path)
