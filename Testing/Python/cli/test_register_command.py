"""``inr-register FIXED MOVING --output DIR`` as a user runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from small_pair import LPS_RAS, Registered, SmallPair, a_grid, blobs, command, environment, run_cli, true_map, write_nifti

from inr_registration.app.cli import NAME as CHECKPOINT
from inr_registration.core import Grid, load_preset

FILES = {"transform.h5", "warped.nii.gz", "jacobian.nii.gz", "model.safetensors", "report.json", "report.html", "run.log"}


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_all_promised_files_are_written_and_nothing_else(a_registration: Registered) -> None:
    assert a_registration.process.returncode == 0, a_registration.process.stderr
    assert names(a_registration.output) == FILES


def test_the_summary_says_quality_before_and_after_and_where_the_files_are(a_registration: Registered) -> None:
    text = a_registration.process.stdout
    assert "before" in text
    assert "after" in text
    assert str(a_registration.output) in text
    assert "not for clinical use" in text
    assert "Traceback" not in a_registration.process.stderr
    assert "fitting" in a_registration.process.stderr


def test_the_landmarks_and_labels_come_closer(a_registration: Registered) -> None:
    report = json.loads((a_registration.output / "report.json").read_text())
    quality = report["quality"]
    assert quality["tre_mm"]["after"]["mean"] < 0.5 * quality["tre_mm"]["before"]["mean"]
    assert all(pair["after"] > pair["before"] for pair in quality["dice"].values())


def test_simpleitk_alone_gives_the_warped_image_from_the_written_transform(a_registration: Registered) -> None:
    pair, out = a_registration.pair, a_registration.output
    fixed, moving = (sitk.ReadImage(str(path), sitk.sitkFloat32) for path in (pair.fixed, pair.moving))
    expected = sitk.GetArrayFromImage(sitk.Resample(moving, fixed, sitk.ReadTransform(str(out / "transform.h5")), sitk.sitkLinear, np.nan))
    warped = sitk.GetArrayFromImage(sitk.ReadImage(str(out / "warped.nii.gz")))
    judge = sitk.ReadTransform(str(out / "transform.h5"))
    mapped = np.array([judge.TransformPoint(p) for p in a_grid().all_points().astype(float).reshape(-1, 3).tolist()])
    inside = Grid((26, 24, 18), LPS_RAS @ nibabel.load(pair.moving).affine).contains(mapped, -0.01).reshape(expected.shape)
    difference = np.abs(expected - warped)[inside]
    assert inside.mean() > 0.5
    assert difference.max() < 0.05  # of 1000


def test_outputs_lie_on_the_fixed_grid(a_registration: Registered) -> None:
    expected = nibabel.load(a_registration.pair.fixed)
    for name in ("warped", "jacobian"):
        image = nibabel.load(a_registration.output / f"{name}.nii.gz")
        assert image.shape == expected.shape
        np.testing.assert_allclose(image.affine, expected.affine, atol=1e-4)


def test_the_same_seed_gives_the_same_warped_image_bit_for_bit(a_registration: Registered, tmp_path: Path) -> None:
    pair = a_registration.pair
    again = run_cli(pair.fixed, pair.moving, "--output", tmp_path, "--seed", 0, "--quiet", "--threads", 1)
    assert again.returncode == 0, again.stderr
    first, second = (nibabel.load(folder / "warped.nii.gz").get_fdata() for folder in (a_registration.output, tmp_path))
    np.testing.assert_array_equal(first, second)


def test_quiet_says_nothing_and_unrelated_files_stay_and_inputs_are_untouched(a_pair: SmallPair, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "uncertainty.nii.gz").write_text("of an earlier run")
    before = {file: file.read_bytes() for file in a_pair.folder.iterdir()}
    done = run_cli("register", a_pair.fixed, a_pair.moving, "--output", tmp_path, "--quiet", "--max-voxels", 3000, "--threads", 1)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert names(tmp_path) == FILES | {"notes.txt"}
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert before == {file: file.read_bytes() for file in a_pair.folder.iterdir()}


def test_settings_of_the_command_line_reach_the_run(a_pair: SmallPair, tmp_path: Path) -> None:
    mask = write_nifti(tmp_path / "mask.nii.gz", np.pad(np.ones((4, 5, 5), np.uint8), ((7, 7), (9, 10), (10, 11))), a_grid())
    start = tmp_path / "start.tfm"
    sitk.WriteTransform(sitk.TranslationTransform(3, (2.0, -1.5, 1.0)), str(start))
    words = [
        "--fixed-mask",
        mask,
        "--initial-transform",
        start,
        "--similarity",
        "ncc",
        "--weight",
        "bending=3",
        "--weight",
        "diffusion=0.2",
    ]
    done = run_cli(
        a_pair.fixed, a_pair.moving, "--output", tmp_path / "out", "--method", "auto", "--seed", 7, "--quiet", "--threads", 1, *words
    )
    assert done.returncode in (0, 5), done.stderr  # nothing can be told of so small a mask
    settings = json.loads((tmp_path / "out" / "report.json").read_text())["settings"]
    assert settings["similarity"] == {"ncc": 1.0}
    assert settings["seed"] == 7
    assert settings["regularity"] == {**load_preset("auto").settings.regularity, "diffusion": 0.2, "bending": 3.0}


def test_the_first_interrupt_keeps_the_result_so_far(a_pair: SmallPair, tmp_path: Path) -> None:
    output = tmp_path / "out"
    process = subprocess.Popen(
        command(a_pair.fixed, a_pair.moving, "--output", output, "--threads", 1),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(("preparing", "aligning", "fitting")):
            process.send_signal(signal.SIGINT)
            break
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 6, stderr
    report = json.loads((output / "report.json").read_text())
    assert report["outcome"] == "STOPPED"
    assert names(output) == {*FILES, CHECKPOINT}  # so that it can be gone on with
    assert "Traceback" not in stderr
    assert "Stopped by the user" in stdout


def test_the_second_interrupt_cancels_and_writes_nothing(a_pair: SmallPair, tmp_path: Path) -> None:
    output = tmp_path / "out"
    process = subprocess.Popen(
        command(a_pair.fixed, a_pair.moving, "--output", output, "--threads", 1),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("preparing"):
            process.send_signal(signal.SIGINT)
        if line.startswith("stopping"):
            process.send_signal(signal.SIGINT)
            break
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 3
    assert "cancelled" in stderr
    assert "Traceback" not in stderr
    assert not output.exists()


def test_a_sheared_fixed_image_is_registered_in_its_true_geometry(a_pair: SmallPair, tmp_path: Path) -> None:
    affine = a_grid().affine.copy()
    affine[:3, 2] += 0.3 * affine[:3, 1]
    affine[:3, 3] -= 0.3 * affine[:3, 1] * 8.5
    grid = Grid((26, 24, 18), affine)
    assert grid.is_sheared
    sheared = write_nifti(tmp_path / "sheared.nii.gz", blobs(true_map(grid.all_points().astype(float))).astype(np.float32), grid)
    done = run_cli(sheared, a_pair.moving, "--output", tmp_path / "out", "--quiet", "--threads", 1)
    assert done.returncode == 0, done.stderr
    warped = nibabel.load(tmp_path / "out" / "warped.nii.gz")
    np.testing.assert_allclose(warped.affine, LPS_RAS @ affine, atol=1e-4)
    inner = np.s_[4:-4, 4:-4, 3:-3]
    before = blobs(grid.all_points().astype(float)).transpose(2, 1, 0)[inner]
    truth = nibabel.load(sheared).get_fdata()[inner]
    assert np.abs(warped.get_fdata()[inner] - truth).mean() < 0.4 * np.abs(before - truth).mean()


def test_help_of_every_verb_answers_without_torch() -> None:
    code = "import sys; from inr_registration.app.cli.main import main\ntry: main({words})\nexcept SystemExit as e: assert not e.code\n"
    code += "heavy = set(sys.modules) & {{'torch', 'numpy', 'SimpleITK', 'scipy', 'rich'}}; assert not heavy, heavy"
    for words in (["--help"], ["register", "--help"], ["demo", "-h"], ["apply", "-h"], ["evaluate", "-h"], ["presets", "-h"]):
        python = command()[0]
        done = subprocess.run([python, "-c", code.format(words=words)], capture_output=True, text=True, env=environment())
        assert done.returncode == 0, done.stderr
        assert "usage: inr-register" in done.stdout


def test_help_is_immediate() -> None:
    def seconds(words: list[str]) -> float:
        start = time.perf_counter()
        subprocess.run(words, capture_output=True, env=environment(), check=True)
        return time.perf_counter() - start

    bare = min(seconds([command()[0], "-c", "pass"]) for _ in range(3))
    assert min(seconds(command("--help")) for _ in range(3)) - bare < 0.3


@pytest.mark.parametrize("spelling", [(), ("register",)])
def test_register_is_meant_without_a_verb(spelling: tuple[str, ...]) -> None:
    done = run_cli(*spelling, "missing.nii.gz", "other.nii.gz", "--output", "x")
    assert done.returncode == 2
    assert "missing.nii.gz" in done.stderr
