"""What is said about PyTorch, found or not, without importing it."""

from __future__ import annotations

import importlib.metadata
from typing import Any

import pytest

from inr_registration.core import RegistrationError
from inr_registration.slicer.logic import EXTENSION, torch_status, why_not_loaded, work


@pytest.mark.parametrize("answer", [None, TypeError("no metadata"), KeyError("Version")])
def test_an_installation_without_a_version_is_not_taken_for_a_good_one(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    def version(_: str) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(importlib.metadata, "version", version)
    status = torch_status()
    assert not status.ready
    assert "Reinstall" in status.words


def test_a_missing_torch_is_said_as_the_panel_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(_: str) -> str:
        raise importlib.metadata.PackageNotFoundError("torch")

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert torch_status().words == EXTENSION, "neither promises an installation that cannot be made here"
    assert why_not_loaded(ModuleNotFoundError("No module named 'torch'", name="torch")) == EXTENSION


def test_a_library_that_cannot_be_loaded_is_said_with_a_way_on() -> None:
    assert "reinstall" in why_not_loaded(OSError("[WinError 126] The specified module could not be found: fbgemm.dll"))
    assert "libfoo" in why_not_loaded(ImportError("libfoo is odd"))


def test_a_missing_module_of_somebody_else_keeps_its_traceback() -> None:
    assert why_not_loaded(ModuleNotFoundError("No module named 'other'", name="other")) == ""


def test_a_run_without_torch_ends_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "inr_registration.app.registration", None)
    monkeypatch.setattr(work, "why_not_loaded", lambda _: "in words")
    with pytest.raises(RegistrationError, match="in words"):
        work.perform(None, None)  # type: ignore[arg-type]
