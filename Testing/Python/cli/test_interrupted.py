"""Runs of the command that are ended from outside: what is left, and how they go on."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from small_pair import Registered, SmallPair, command, environment, run_cli

from inr_registration.app.cli import NAME, CheckpointFile, Running, exit_status
from inr_registration.app.cli import main as cli
from inr_registration.app.cli.execute import execute
from inr_registration.core import (
    Affine,
    InputError,
    ModelState,
    Outcome,
    Problem,
    RegistrationError,
    Representation,
    Settings,
    Stage,
    from_bytes,
    load_preset,
    to_bytes,
)
from inr_registration.io import PREFIX, read_image

pytestmark = pytest.mark.slow

STATE = ModelState({"it": 1}, {"a": np.arange(5, dtype=np.float32)})


def words(pair: SmallPair, output: Path, *more: object) -> list[object]:
    """Two processes must run the same number of threads to agree to the last bit in what is not compiled."""
    return [pair.fixed, pair.moving, "--output", output, "--threads", 1, "--checkpoint-every", 0, *more]


def ended_while_fitting(number: int, given: list[object]) -> subprocess.CompletedProcess[str]:
    """Start the command, and send it a signal once the second stage is being fitted."""
    process = subprocess.Popen(command(*given), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment())
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith("fitting, stage 2"):
            process.send_signal(number)
            break
    stdout, stderr = process.communicate(timeout=120)
    return subprocess.CompletedProcess([], process.returncode, stdout, "".join(lines) + stderr)


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["terminated", "killed"])
def test_a_run_that_was_ended_goes_on_and_ends_like_another(number: int, a_registration: Registered, tmp_path: Path) -> None:
    pair, output = a_registration.pair, tmp_path / "out"
    output.mkdir()
    (output / "report.json").write_text("of an earlier run")
    ended = ended_while_fitting(number, words(pair, output))
    assert ended.returncode == (128 + number if number == signal.SIGTERM else -number)
    assert "Traceback" not in ended.stderr
    assert ("--resume goes on from the last checkpoint" in ended.stderr) is (number == signal.SIGTERM)
    left = content(output)
    assert left.pop("report.json") == b"of an earlier run"
    assert NAME in left
    assert all(name.startswith(PREFIX) for name in left)
    resumed = run_cli(*words(pair, output, "--resume"))
    assert resumed.returncode == 0, resumed.stderr
    assert "went on from iteration" in resumed.stdout
    assert not [name for name in content(output) if name.startswith(".")]
    one, other = (from_bytes((folder / "model.safetensors").read_bytes()) for folder in (output, a_registration.output))
    for name, array in other.tensors.items():
        np.testing.assert_array_equal(one.tensors[name], array)


def test_a_checkpoint_of_another_run_is_refused_and_stays(a_pair: SmallPair, tmp_path: Path) -> None:
    ended_while_fitting(signal.SIGTERM, words(a_pair, tmp_path))
    before = content(tmp_path)
    refused = run_cli(*words(a_pair, tmp_path, "--resume", "--weight", "diffusion=9"))
    assert refused.returncode == 2
    assert "of another run (other settings)" in refused.stderr
    assert content(tmp_path) == before
    (tmp_path / NAME).write_bytes(b"damaged")
    refused = run_cli(*words(a_pair, tmp_path, "--resume"))
    assert refused.returncode == 2
    assert "the checkpoint is damaged" in refused.stderr
    afresh = run_cli(*words(a_pair, tmp_path))
    assert afresh.returncode == 0
    assert "--resume would have gone on from it" in afresh.stderr
    assert not (tmp_path / NAME).exists()


def test_nothing_to_resume_is_no_trouble(a_pair: SmallPair, tmp_path: Path) -> None:
    done = run_cli(*words(a_pair, tmp_path, "--resume", "--preset", "quick"))
    assert done.returncode == 0, done.stderr
    assert "nothing to resume" in done.stderr


def test_two_runs_in_one_folder_do_not_mix(a_pair: SmallPair, tmp_path: Path) -> None:
    with FileLock(tmp_path / f"{PREFIX}run.lock"):
        refused = run_cli(*words(a_pair, tmp_path))
    assert refused.returncode == 2
    assert "another inr-register is at work in this folder" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert [file.name for file in tmp_path.iterdir()] == [f"{PREFIX}run.lock"]


def limited(size: int) -> Callable[[], None]:
    """No file of this process may grow larger: the next best thing to a full disk that needs no rights."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def without_room(pair: SmallPair, output: Path, size: int, every_s: float) -> subprocess.CompletedProcess[str]:
    """A run that may write no file larger than ``size``, and saves a checkpoint so often."""
    (output / "report.json").write_text("of an earlier run")
    given = command(pair.fixed, pair.moving, "--output", output, "--preset", "quick", "--quiet", "--checkpoint-every", every_s)
    done = subprocess.run(given, env=environment(), preexec_fn=limited(size), capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert "the results could not be written" in done.stderr
    assert f"may be larger than {size / 2**20:.3g} MB (ulimit -f)" in done.stderr
    return done


@pytest.mark.parametrize("size", [2_000, 60_000])
def test_results_that_find_no_room_are_told_in_one_line_and_the_old_ones_stay(size: int, a_pair: SmallPair, tmp_path: Path) -> None:
    done = without_room(a_pair, tmp_path, size, 10**6)  # no checkpoint falls due, however slow the machine
    assert len(done.stderr.strip().splitlines()) == 1
    assert content(tmp_path) == {"report.json": b"of an earlier run"}


def test_a_checkpoint_that_finds_no_room_is_told_too(a_pair: SmallPair, tmp_path: Path) -> None:
    done = without_room(a_pair, tmp_path, 2_000, 0)
    assert [line for line in done.stderr.splitlines() if "checkpoints cannot be written" in line]
    assert content(tmp_path) == {"report.json": b"of an earlier run"}


def test_a_fit_whose_results_cannot_be_written_is_kept(a_pair: SmallPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise RegistrationError("no room; make some")

    problem = Problem(read_image(a_pair.fixed, print), read_image(a_pair.moving, print))
    settings = load_preset("quick").settings
    with monkeypatch.context() as patch:
        patch.setattr("inr_registration.app.cli.execute.write_result", full)
        with pytest.raises(RegistrationError, match="no room; make some; the fit is kept, and the same command with --resume goes on"):
            execute(problem, settings, tmp_path, Running(quiet=True, every_s=0))
    assert list(content(tmp_path)) == [NAME]
    execute(problem, settings, tmp_path, Running(quiet=True, resume=True))
    assert "went on from iteration" in (tmp_path / "run.log").read_text()
    assert not [name for name in content(tmp_path) if name.startswith(".")]


def test_a_folder_in_the_place_of_a_result_is_refused_before_the_work(a_pair: SmallPair, tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    refused = run_cli(*words(a_pair, tmp_path))
    assert refused.returncode == 2
    assert "but this is a folder; rename it" in refused.stderr


def test_too_little_address_space_is_told_before_a_library_waits_for_more(a_pair: SmallPair, tmp_path: Path) -> None:
    given = command(a_pair.fixed, a_pair.moving, "--output", tmp_path / "out")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))

    done = subprocess.run(given, env=environment(), preexec_fn=limit, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "may use 1024 MB of address space" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_checkpoint_that_finds_no_room_costs_no_more_than_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoints = CheckpointFile(tmp_path, every_s=0)
    assert checkpoints.due()
    checkpoints.save(STATE)
    before = (tmp_path / NAME).read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    checkpoints.save(replace(STATE, metadata={"it": 2}))
    assert "checkpoints cannot be written (No space left on device)" in capsys.readouterr().err
    assert not checkpoints.due()
    assert content(tmp_path) == {NAME: before}


def test_a_checkpoint_is_due_after_a_while_or_when_asked_for(tmp_path: Path) -> None:
    asked = [False]
    checkpoints = CheckpointFile(tmp_path, every_s=1e6, asked=lambda: asked[0])
    assert not checkpoints.due()
    asked[0] = True
    assert checkpoints.due()
    (tmp_path / NAME).write_bytes(to_bytes(STATE))
    assert checkpoints.load() is None
    loaded = CheckpointFile(tmp_path, resume=True).load()
    assert loaded is not None
    assert loaded.metadata == STATE.metadata


def test_a_result_of_a_fit_that_diverged_is_kept_with_a_status_of_its_own(a_pair: SmallPair, tmp_path: Path) -> None:
    problem = Problem(read_image(a_pair.fixed, print), read_image(a_pair.moving, print))
    settings = Settings(
        representation=Representation("relu", 48, 8),
        similarity={"ncc": 1.0},
        regularity={"symmetric_jacobian": 0.01},
        affine=Affine("none"),
        stages=(Stage(1, 40, 100.0, 2500),),
    )
    result = execute(problem, settings, tmp_path, Running(quiet=True))
    assert result.outcome is Outcome.DIVERGED
    assert exit_status(result) == cli.DIVERGED
    assert "outcome: DIVERGED" in (tmp_path / "run.log").read_text()
    assert (tmp_path / "transform.h5").exists()


def test_a_mistake_of_the_program_is_one_line_and_a_log_without_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(*_: object) -> None:
        raise ValueError("miller_ct.nii is\nodd")

    monkeypatch.setattr(cli, "parse", wrong)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["inr-register", "miller_ct.nii"])
    assert cli.main() == cli.ERROR
    (line,) = capsys.readouterr().err.splitlines()
    (log,) = tmp_path.glob("inr-register-*.log")
    assert "internal error, please report it: ValueError: miller_ct.nii is odd" in line
    assert str(log) in line
    text = log.read_text()
    assert "Traceback" in text
    assert "miller" not in text


def test_the_log_of_a_run_has_what_a_bug_report_needs(a_registration: Registered) -> None:
    text = (a_registration.output / "run.log").read_text()
    for part in (
        "version: ",
        "torch ",
        "outcome: ITERATION_LIMIT",
        "seconds: ",
        "settings: {",
        "26 x 24 x 18 voxels",
        "choice: ",
        "ended: ",
    ):
        assert part in text
    assert "fixed.nii" not in text
    assert str(a_registration.pair.folder) not in text


def test_a_folder_that_cannot_be_made_is_bad_input(a_pair: SmallPair, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    problem = Problem(read_image(a_pair.fixed, print), read_image(a_pair.moving, print))
    with pytest.raises(InputError, match="cannot be used"):
        execute(problem, Settings(), tmp_path / "file" / "out", Running(quiet=True))
