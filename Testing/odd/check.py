"""Run a case and look at what came of it."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from inr_registration.app.cli.main import main
from inr_registration.core import InputError, load_preset
from inr_registration.io import read_model
from odd.case import Case, error_mm

PRESET = "quick"


@dataclass(frozen=True)
class Verdict:
    """What came of a case.

    Args:
        done: In a few words, for a table.
        message: What was said.
        wrong: Which rules were broken.
    """

    done: str
    message: str = ""
    wrong: tuple[str, ...] = ()


def judge_cli(case: Case, folder: Path) -> Verdict:
    """Write the case's files, run the command line on them in this process, and look at everything it left."""
    given, output = folder / "given", folder / "out"
    given.mkdir()
    words = case.files(given)
    before = contents(given)
    with spoken() as said:
        try:
            status = main([*map(os.fspath, words), "--output", str(output), "--quiet", "--preset", PRESET])
        except Exception as error:  # whatever it is, it should have been turned into one message
            return Verdict("raised", f"{type(error).__name__}: {error}", (f"raised {type(error).__name__}",))
    message = "\n".join(said).strip()
    broken = _common(case, status, message)
    if contents(given) != before:
        broken.append("an input was changed")
    if status != 0 and output.exists():
        broken.append("something was written")
    if status == 0:
        broken += _result(case, output)
    return Verdict({0: "registered", 2: "refused"}.get(status, f"status {status}"), message.replace(f"{given}{os.sep}", ""), tuple(broken))


def judge_python(case: Case) -> Verdict:
    """The same by the Python call; what is refused may be refused where the problem is made."""
    from inr_registration.app import register
    from inr_registration.maps import load

    try:
        problem = case.problem()
        hashes = problem.fixed.sha256(), problem.moving.sha256()
        result = register(problem, replace(load_preset(PRESET).settings, **case.settings))
    except InputError as error:
        return Verdict("refused", str(error), tuple(_refused(case.python or case.refused, str(error))))
    except Exception as error:
        return Verdict("raised", f"{type(error).__name__}: {error}", (f"raised {type(error).__name__}",))
    broken = [] if not case.refused else ["should have been refused"]
    if hashes != (problem.fixed.sha256(), problem.moving.sha256()):
        broken.append("an input was changed")
    if not result.outcome.usable:
        return Verdict(result.outcome.name, result.message, tuple(broken))
    assert result.warped is not None
    assert result.model is not None
    if not np.isfinite(result.warped.values).all():
        broken.append("the warped image is not finite")
    if case.shift is not None:
        broken += _near(error_mm(load(result.model).map, case), case)
    return Verdict("registered", "; ".join(result.warnings), tuple(broken))


def contents(folder: Path) -> dict[str, Any]:
    """Everything in a folder, links as such."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        link = path.readlink() if path.is_symlink() else None
        found[str(path)] = link, path.read_bytes() if link is None and path.is_file() else None
    return found


@contextmanager
def spoken() -> Iterator[list[str]]:
    """Collects what is written to the standard streams, by libraries in C++ too, into the list that it gives."""
    said: list[str] = []
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    kept = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="backslashreplace") as file:
        try:
            for own in (1, 2):
                os.dup2(file.fileno(), own)
            with redirect_stdout(file), redirect_stderr(file):
                yield said
        finally:
            file.flush()
            for own, saved in zip((1, 2), kept, strict=True):
                os.dup2(saved, own)
                os.close(saved)
            file.seek(0)
            said += file.read().splitlines()


def _common(case: Case, status: int, message: str) -> list[str]:
    broken = []
    if "Traceback" in message:
        broken.append("a traceback")
    if status not in (0, 2, 3):
        broken.append(f"status {status}")
    if status != 0 and len(message.splitlines()) != 1:
        broken.append(f"{len(message.splitlines())} lines")
    if status == 0 and case.refused:
        broken.append("should have been refused")
    if status == 2:
        broken += _refused(case.refused, message)
    return broken


def _refused(expected: str, message: str) -> list[str]:
    return [] if expected and any(words in message for words in expected.split("|")) else [f"refused, but not with '{expected}'"]


def _result(case: Case, output: Path) -> list[str]:
    from inr_registration.maps import load

    model = load(read_model(output / "model.safetensors"))
    return [] if case.shift is None else _near(error_mm(model.map, case), case)


def _near(error: float, case: Case) -> list[str]:
    return [] if error < case.bound_mm else [f"error {error:.2f} mm"]
