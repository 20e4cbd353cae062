"""What is said about PyTorch, and how it gets into Slicer, with an installer that does what a test says."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from inr_registration.core import RegistrationError
from inr_registration.slicer.logic import ensure_torch, explain, torch_setup, torch_status

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Machine:
    """What a computer has.

    Attributes:
        version: Of torch; empty where it is not installed.
        files: Whether torch can be found, once it is installed.
        brings: What an installation installs; empty if it does not work.
        error: Raised by an installation.
        says: What an installation gives back.
        done: What happened, in order.
    """

    version: str = ""
    files: bool = True
    brings: str = "2.13.0"
    error: Exception | None = None
    says: Any = "torch"
    done: list[str] = field(default_factory=list)

    def confirm(self, question: str) -> bool:
        """A user who agrees."""
        assert "3 GB" in question
        self.done.append("asked")
        return True

    def refuse(self, _question: str) -> bool:
        """A user who does not."""
        self.done.append("asked")
        return False

    def wait(self) -> None:
        """The window is drawn."""
        self.done.append("waited")

    def install(self, torchVersionRequirement: str) -> Any:
        """As the logic of the PyTorch extension."""
        self.done.append(f"installed {torchVersionRequirement}")
        if self.error is not None:
            raise self.error
        self.version = self.brings
        return self.says


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A Linux computer without torch, on which the PyTorch extension is installed."""
    machine = Machine()

    def version(name: str) -> str:
        assert name == "torch"
        if not machine.version:
            raise importlib.metadata.PackageNotFoundError(name)
        return machine.version

    class PyTorchUtilsLogic:
        installTorch = staticmethod(machine.install)

    extension = ModuleType("PyTorchUtils")
    extension.PyTorchUtilsLogic = PyTorchUtilsLogic  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "PyTorchUtils", extension)
    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: object() if machine.files else None)
    monkeypatch.setattr(torch_setup.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(torch_setup.sys, "platform", "linux")
    return machine


def test_looking_for_torch_does_not_import_it() -> None:
    text = (
        "import sys; from inr_registration.slicer.logic.torch_setup import torch_status; torch_status()\n"
        "print(sorted({'torch', 'numpy', 'slicer', 'PyTorchUtils'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", text]
    done = subprocess.run(command, cwd=ROOT / "INRRegistration", capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


@pytest.mark.parametrize("version", ["2.3.0", "2.13.0+cu126", "3.0.0a0", "2.10"])
def test_a_version_that_fits_is_ready(machine: Machine, version: str) -> None:
    machine.version = version
    status = torch_status()
    assert (status.ready, status.version, status.words) == (True, version, f"PyTorch {version}")
    ensure_torch(machine.refuse, machine.wait)
    assert machine.done == []


def test_a_missing_numba_is_told_but_stops_nobody(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.version = "2.13.0"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "numba" else object())
    status = torch_status()
    assert status.ready
    assert status.words == "PyTorch 2.13.0, without numba (slow where there is no NVIDIA GPU)"


def test_a_version_that_is_too_old_is_named_with_the_one_needed(machine: Machine) -> None:
    machine.version = "2.2.2+cpu"
    status = torch_status()
    assert (status.ready, status.version) == (False, "2.2.2+cpu")
    assert "2.2.2+cpu is too old; >=2.3" in status.words
    with pytest.raises(RegistrationError, match=r"too old.*PyTorch Utils"):
        ensure_torch(machine.confirm)
    assert machine.done == [], "nobody's torch is replaced without their doing"


def test_an_installation_without_its_files_is_to_be_repaired(machine: Machine) -> None:
    machine.version, machine.files = "2.13.0", False
    assert not torch_status().ready
    with pytest.raises(RegistrationError, match=r"2\.13\.0: its files are missing. Reinstall"):
        ensure_torch(machine.confirm)
    assert machine.done == []


def test_without_torch_the_user_is_asked_and_it_is_installed(machine: Machine) -> None:
    status = torch_status()
    assert (status.ready, status.version) == (False, "")
    assert "not installed" in status.words
    assert "click on Register installs it" in status.words
    assert "for scripts" in status.words
    ensure_torch(machine.confirm, machine.wait)
    assert machine.done == ["asked", "waited", "installed >=2.3"]
    assert torch_status().ready


def test_the_window_need_not_be_drawn_meanwhile(machine: Machine) -> None:
    ensure_torch(machine.confirm)
    assert machine.done == ["asked", "installed >=2.3"]


def test_without_a_yes_nothing_is_downloaded(machine: Machine) -> None:
    with pytest.raises(RegistrationError, match="was not installed, so nothing was registered"):
        ensure_torch(machine.refuse, machine.wait)
    assert machine.done == ["asked"]


def test_without_the_extension_the_way_to_it_is_told_and_nothing_asked(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PyTorchUtils", None)  # so that importing it is an ImportError
    with pytest.raises(RegistrationError, match="Extensions Manager, install 'PyTorch', restart"):
        ensure_torch(machine.confirm)
    assert machine.done == []


def test_an_installation_that_the_user_called_off_is_no_success(machine: Machine) -> None:
    machine.says, machine.brings = None, ""
    with pytest.raises(RegistrationError, match=r"was not installed\. Open the PyTorch Utils module"):
        ensure_torch(machine.confirm)


@pytest.mark.parametrize("brings", ["", "1.13.1"])
def test_an_installation_that_brought_nothing_usable_is_no_success(machine: Machine, brings: str) -> None:
    machine.brings = brings
    with pytest.raises(RegistrationError, match=r"was not installed\. Open the PyTorch Utils module"):
        ensure_torch(machine.confirm)


def test_an_installation_that_failed_is_explained_and_its_cause_is_kept(machine: Machine) -> None:
    machine.error = OSError(28, "No space left on device")
    with pytest.raises(RegistrationError, match="the disk is full") as caught:
        ensure_torch(machine.confirm, machine.wait)
    assert caught.value.__cause__ is machine.error


def test_macs_with_intel_processors_are_told_the_truth_before_any_download(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_setup.sys, "platform", "darwin")
    with pytest.raises(RegistrationError, match="Intel processor"):
        ensure_torch(machine.confirm)
    assert machine.done == []
    monkeypatch.setattr(torch_setup.platform, "machine", lambda: "arm64")
    ensure_torch(machine.confirm)
    assert torch_status().ready


def failed_command(stderr: str = "", output: str = "") -> subprocess.CalledProcessError:
    """What pip's failure looks like to Slicer."""
    return subprocess.CalledProcessError(1, ["PythonSlicer", "-m", "pip"], output=output, stderr=stderr)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError("[WinError 206] The filename or extension is too long"), "too long for Windows"),
        (OSError(28, "No space left on device"), "disk is full"),
        (failed_command("ERROR: Could not install packages due to an OSError: [Errno 28]"), "disk is full"),
        (failed_command("NewConnectionError: Failed to establish a new connection"), "no connection to the internet"),
        (failed_command(output="ReadTimeoutError: Read timed out."), "no connection to the internet"),
        (RuntimeError("getaddrinfo failed"), "no connection to the internet"),
        (failed_command("ERROR: No matching distribution found for torch>=2.3"), "no PyTorch >=2.3 for this Python"),
        (PermissionError(13, "Permission denied"), "cannot be written to"),
        (OSError("[WinError 5] Access is denied"), "cannot be written to"),
        (ImportError("DLL load failed while importing _C"), "cannot be loaded"),
        (ImportError("libcudnn.so.9: cannot open shared object file"), "cannot be loaded"),
        (AttributeError("_ARRAY_API not found"), "cannot be loaded"),
    ],
)
def test_known_causes_are_explained_with_what_to_do(error: Exception, words: str) -> None:
    said = explain(error)
    assert words in said
    assert str(error) not in said


def test_an_unknown_cause_is_quoted_by_its_first_line() -> None:
    said = explain(ValueError("\n  the wheel is square\nand so on"))
    assert "(the wheel is square)" in said
    assert "Python console" in said


def test_an_error_without_words_is_named_by_its_kind() -> None:
    assert "(ZeroDivisionError)" in explain(ZeroDivisionError())
