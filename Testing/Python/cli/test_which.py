"""``--series`` and ``--frame``: which of several images in one place is meant, on the command line and for files of any kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from dicom_files import TRUTH, segmentation, series
from small_pair import a_grid, blobs, run_cli, true_map

from inr_registration.app.cli import parse, read_problem
from inr_registration.app.cli.which import which
from inr_registration.core import InputError
from inr_registration.io import read_image

FRAMES = np.stack([TRUTH, TRUTH + 100, TRUTH + 200])


def as_nifti(path: Path, slope: float | None = None) -> Path:
    image = nibabel.Nifti1Image(FRAMES.transpose(3, 2, 1, 0), np.diag([2.0, 2, 3, 1]))
    if slope is not None:
        image.header.set_slope_inter(slope, 0)
    nibabel.save(image, path)
    return path


def as_itk(path: Path) -> Path:
    sitk.WriteImage(sitk.JoinSeries([sitk.GetImageFromArray(frame) for frame in FRAMES]), str(path))
    return path


KINDS: dict[str, Callable[[Path], Path]] = {
    "NIfTI": lambda d: as_nifti(d / "a.nii"),
    "NIfTI, compressed": lambda d: as_nifti(d / "a.nii.gz"),
    "NRRD": lambda d: as_itk(d / "a.nrrd"),
    "MetaImage": lambda d: as_itk(d / "a.mha"),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_frame_of_a_4d_file_can_be_chosen(name: str, tmp_path: Path) -> None:
    path = KINDS[name](tmp_path)
    for n, frame in enumerate(FRAMES, 1):
        np.testing.assert_array_equal(read_image(path, pytest.fail, frame=n).values, frame)
    with pytest.raises(InputError, match=r"4D image of 3 frames.*choose one with --frame N"):
        read_image(path, pytest.fail)
    for wrong in (0, 4):
        with pytest.raises(InputError, match=f"there is no frame {wrong}: this image has 3"):
            read_image(path, pytest.fail, frame=wrong)


def test_the_slope_of_a_4d_file_holds_for_its_frames(tmp_path: Path) -> None:
    path = as_nifti(tmp_path / "a.nii.gz", slope=0.5)
    expected = nibabel.load(path).get_fdata()[..., 1].transpose(2, 1, 0)
    np.testing.assert_array_equal(read_image(path, pytest.fail, frame=2).values, expected)


def test_a_3d_file_has_one_frame_and_no_series(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(TRUTH.transpose(2, 1, 0), np.eye(4)), tmp_path / "a.nii")
    assert read_image(tmp_path / "a.nii", pytest.fail, frame=1).grid.size == (10, 12, 8)
    with pytest.raises(InputError, match="there is no frame 2: this image has 1"):
        read_image(tmp_path / "a.nii", pytest.fail, frame=2)
    with pytest.raises(InputError, match="no DICOM"):
        read_image(tmp_path / "a.nii", pytest.fail, series=1)


def test_an_own_choice_goes_before_the_one_for_both() -> None:
    words = parse(["f", "m", "--output", "o", "--frame", "2", "--moving-frame", "3", "--fixed-series", "1.2.3"])[1]
    assert which(words, "fixed") == {"series": "1.2.3", "frame": 2}
    assert which(words, "moving") == {"series": None, "frame": 3}
    assert which(words, "fixed_mask") == {"series": None, "frame": None}
    words = parse(["f", "m", "--output", "o", "--fixed-mask-frame", "2", "--moving-labels-series", "3"])[1]
    assert which(words, "fixed_mask") == {"series": None, "frame": 2}
    assert which(words, "moving_labels") == {"series": "3", "frame": None}
    assert which(words, "fixed") == {"series": None, "frame": None}


def test_apply_and_evaluate_know_the_options() -> None:
    words = parse(["apply", "t.h5", "a", "b.nii", "--frame", "2", "--reference-frame", "1"])[1]
    assert which(words) == {"series": None, "frame": 2}
    assert which(words, "reference") == {"series": None, "frame": 1}
    words = parse(["evaluate", "t.h5", "--fixed", "a", "--frame", "2", "--moving-series", "7"])[1]
    assert which(words, "moving") == {"series": "7", "frame": 2}


@pytest.mark.parametrize("word", ["0", "-1", "two", "1.5", ""])
def test_a_frame_is_a_whole_number_from_1(word: str) -> None:
    with pytest.raises(InputError, match="needs a whole number from 1 up"):
        parse(["f", "m", "--output", "o", f"--frame={word}"])


def test_both_images_come_from_one_folder(tmp_path: Path) -> None:
    for time in range(3):
        series(tmp_path, prefix=f"{time}-", values=FRAMES[time], TemporalPositionIdentifier=time + 1)
    words = parse([str(tmp_path), str(tmp_path), "--output", "o", "--fixed-frame", "1", "--moving-frame", "3", "--quiet"])[1]
    problem = read_problem(words)
    np.testing.assert_array_equal(problem.fixed.values, FRAMES[0])
    np.testing.assert_array_equal(problem.moving.values, FRAMES[2])


def test_a_segment_can_be_the_mask(tmp_path: Path) -> None:
    series(tmp_path / "ct")
    mask = segmentation(tmp_path / "seg.dcm", [(1, 2, TRUTH[2] > 0), (2, 4, TRUTH[4] > 400)])
    folder = str(tmp_path / "ct")
    words = parse([folder, folder, "--output", "o", "--fixed-mask", str(mask), "--fixed-mask-frame", "2"])[1]
    problem = read_problem(words)
    assert problem.fixed_mask is not None
    assert int(problem.fixed_mask.inside().sum()) == int((TRUTH[4] > 400).sum())


def test_frames_are_registered_applied_and_evaluated(tmp_path: Path) -> None:
    grid = a_grid()
    points = grid.all_points().astype(float)
    frames = np.stack([blobs(true_map(points)), np.zeros(grid.shape), blobs(points)]).astype(np.float32)
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    nibabel.save(nibabel.Nifti1Image(frames.transpose(3, 2, 1, 0), flip @ grid.affine), tmp_path / "a.nii.gz")
    out, image = tmp_path / "out", tmp_path / "a.nii.gz"
    asked = run_cli(image, image, "--output", out)
    assert asked.returncode == 2
    assert "choose one with --frame N" in asked.stderr
    choice = ["--fixed-frame", 1, "--moving-frame", 3]
    run = run_cli(image, image, "--output", out, *choice, "--preset", "quick", "--max-voxels", 3000, "--threads", 1)
    assert run.returncode == 0, run.stderr
    applied = run_cli(
        "apply", out / "transform.h5", image, tmp_path / "b.nii.gz", "--frame", 3, "--reference", image, "--reference-frame", 1
    )
    judged = run_cli("evaluate", out / "transform.h5", "--fixed", image, "--moving", image, *choice)
    assert (applied.returncode, judged.returncode) == (0, 0), applied.stderr + judged.stderr
    correlation = json.loads(judged.stdout)["similarity"]["correlation"]
    assert correlation["after"] > correlation["before"]
    np.testing.assert_allclose(
        read_image(tmp_path / "b.nii.gz", pytest.fail).values, read_image(out / "warped.nii.gz", pytest.fail).values, atol=2
    )
