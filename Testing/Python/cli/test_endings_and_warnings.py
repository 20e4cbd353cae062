"""What the exit status says of a result that was kept, and that no warning is lost on its way into the reports."""

from __future__ import annotations

import html
import json
import signal
from argparse import Namespace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from scipy import ndimage
from small_pair import Registered, SmallPair, run_cli
from test_interrupted import ended_while_fitting, words

from inr_registration.app import unnamed
from inr_registration.app.cli import NAME
from inr_registration.app.cli import main as cli
from inr_registration.core import from_bytes


def other_anatomy(pair: SmallPair, path: Path) -> Path:
    """Smooth noise on the moving image's grid."""
    like = nibabel.load(pair.moving)
    values = ndimage.gaussian_filter(np.random.default_rng(2).normal(size=like.shape), 2.0)
    nibabel.save(nibabel.Nifti1Image(values.astype(np.float32), like.affine), path)
    return path


def test_a_red_verdict_has_a_status_of_its_own_stands_first_and_the_result_is_there(a_pair: SmallPair, tmp_path: Path) -> None:
    moving = other_anatomy(a_pair, tmp_path / "other.nii.gz")
    done = run_cli(a_pair.fixed, moving, "--output", tmp_path / "out", "--preset", "quick")
    assert done.returncode == cli.RED == 5, done.stderr
    assert done.stdout.startswith("quality control: RED\n")
    report = json.loads((tmp_path / "out/report.json").read_text(encoding="utf-8"))
    assert report["verdict"]["level"] == "RED"
    assert report["verdict"]["measured"]["lead"]["share"] < 0.1
    assert "Do not rely on this map" in (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert (tmp_path / "out/transform.h5").exists()


def test_a_sound_run_says_green_first(a_registration: Registered) -> None:
    assert a_registration.process.returncode == cli.KEPT
    assert a_registration.process.stdout.startswith("quality control: GREEN\n")


def test_a_stopped_run_has_a_status_of_its_own_and_goes_on_to_the_same_end(a_registration: Registered, tmp_path: Path) -> None:
    pair = a_registration.pair
    stopped = ended_while_fitting(signal.SIGINT, [*words(pair, tmp_path)[:-1], 3600])  # no checkpoint falls due but the one of the stop
    assert stopped.returncode == cli.STOPPED == 6, stopped.stderr
    assert "--resume goes on from where it was stopped" in stopped.stdout
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["outcome"] == "STOPPED"
    assert (tmp_path / NAME).exists()
    resumed = run_cli(*words(pair, tmp_path, "--resume"))
    assert resumed.returncode == cli.KEPT, resumed.stderr
    assert not (tmp_path / NAME).exists()
    one, other = (from_bytes((folder / "model.safetensors").read_bytes()) for folder in (tmp_path, a_registration.output))
    for name, array in other.tensors.items():
        np.testing.assert_array_equal(one.tensors[name], array)


def test_what_was_said_of_a_file_is_in_every_report_also_with_quiet_and_without_its_name(a_pair: SmallPair, tmp_path: Path) -> None:
    fixed, image = tmp_path / "Miller_Anna.nii.gz", nibabel.load(a_pair.fixed)
    twice = nibabel.Nifti1Image(np.asarray(image.dataobj), image.affine)
    other = image.affine.copy()
    other[:3, 3] += 7
    twice.set_sform(image.affine, 1)
    twice.set_qform(other, 1)
    nibabel.save(twice, fixed)
    out = tmp_path / "out"
    done = run_cli(fixed, a_pair.moving, "-o", out, "--preset", "quick", "--quiet")
    assert done.returncode == 0, done.stderr
    assert done.stdout == done.stderr == ""
    (warning,) = [line for line in json.loads((out / "report.json").read_text(encoding="utf-8"))["warnings"] if "qform" in line]
    assert "fixed" in warning
    page, log = ((out / name).read_text(encoding="utf-8") for name in ("report.html", "run.log"))
    assert warning in log
    assert html.escape(warning, quote=False)[:60] in page
    assert not [text for text in (warning, log) if "Miller" in text]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("/data/Miller/scan.nii.gz: turned", "fixed mask: turned"),
        ("scan.nii.gz holds 3 volumes", "fixed mask holds 3 volumes"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_files_are_called_by_what_they_are(sentence: str, expected: str) -> None:
    assert unnamed(sentence, "/data/Miller/scan.nii.gz", "fixed_mask") == expected


def test_unknown_uncertainty_is_no_length_in_a_file_and_never_zero(a_pair: SmallPair, tmp_path: Path) -> None:
    like = nibabel.load(a_pair.fixed)
    mask = np.zeros(like.shape, np.uint8)
    mask[6:-6, 6:-6, 4:-4] = 1
    nibabel.save(nibabel.Nifti1Image(mask, like.affine), tmp_path / "mask.nii.gz")
    out = tmp_path / "out"
    given = ("--preset", "cycle", "--uncertainty", "cycle", "--fixed-mask", tmp_path / "mask.nii.gz")
    done = run_cli(a_pair.fixed, a_pair.moving, "--output", out, "--quiet", *given)
    assert done.returncode in (cli.KEPT, cli.RED), done.stderr
    values = np.asarray(nibabel.load(out / "uncertainty.nii.gz").dataobj)
    assert np.isfinite(values).all()
    assert (values[mask == 0] == -1).mean() > 0.95
    assert (values[mask == 1] >= 0).all()
    assert json.loads((out / "report.json").read_text(encoding="utf-8"))["uncertainty"]["in_files_where_unknown"] == -1


def test_a_green_verdict_does_not_hide_a_stop() -> None:
    from inr_registration.app.cli import exit_status
    from inr_registration.core import Level, Outcome, Verdict

    def status(outcome: Outcome, level: Level) -> int:
        return exit_status(Namespace(outcome=outcome, verdict=Verdict(level, ())))

    assert [status(Outcome.ITERATION_LIMIT, level) for level in Level] == [0, 0, 5]
    assert status(Outcome.STOPPED, Level.GREEN) == status(Outcome.STOPPED, Level.RED) == 6
    assert status(Outcome.DIVERGED, Level.RED) == 4
