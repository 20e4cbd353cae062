"""PyTorch inside Slicer: whether it is there, and getting it there through the PyTorch extension. Never imports torch itself."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass

from inr_registration.core.errors import RegistrationError

OLDEST = (2, 3)
"""The first version that works with numpy 2, which Slicer has had since 5.10."""
REQUIREMENT = f">={OLDEST[0]}.{OLDEST[1]}"
EXTENSION = (
    "PyTorch is missing, and the extension that installs it too. Open View > Extensions Manager, install 'PyTorch', restart Slicer "
    "and register again."
)
INSTALLS = "PyTorch is not installed. A click on Register installs it; for scripts, the PyTorch Utils module does."


@dataclass(frozen=True)
class TorchStatus:
    """What is known without importing it.

    Args:
        ready: Whether a registration can start at once.
        version: As installed; empty where it is not.
        words: For the panel.
    """

    ready: bool
    version: str
    words: str


def torch_status() -> TorchStatus:
    """Look for torch by its metadata. Fast; imports nothing."""
    try:
        version = importlib.metadata.version("torch") or "of unknown version"
    except importlib.metadata.PackageNotFoundError:
        return TorchStatus(False, "", INSTALLS if importlib.util.find_spec("PyTorchUtils") else EXTENSION)
    except (TypeError, KeyError):  # an uninstallation that was interrupted leaves a folder without a description in it
        version = "of unknown version"
    if importlib.util.find_spec("torch") is None or not _numbers(version):
        return TorchStatus(False, version, f"PyTorch {version}: its files are missing. Reinstall it in the PyTorch Utils module.")
    if _numbers(version) < OLDEST:
        return TorchStatus(False, version, f"PyTorch {version} is too old; {REQUIREMENT} is needed. Update it in the PyTorch Utils module.")
    without = "" if importlib.util.find_spec("numba") else ", without numba (slow where there is no NVIDIA GPU)"
    return TorchStatus(True, version, f"PyTorch {version}{without}")


def ensure_torch(confirm: Callable[[str], bool], wait: Callable[[], object] | None = None) -> None:
    """Make sure that torch can be imported. To be called on the main thread.

    Args:
        confirm: Asks the user a question; without a yes nothing is downloaded.
        wait: Called just before a download that takes minutes, to show that something goes on.

    Raises:
        RegistrationError: It is not there and did not come; the text says why and what to do.
    """
    status = torch_status()
    if status.ready:
        return
    if status.version:
        raise RegistrationError(status.words)
    _refuse_old_macs()
    try:
        import PyTorchUtils  # type: ignore[import-not-found]  # a module of the PyTorch extension
    except ImportError as error:
        raise RegistrationError(EXTENSION) from error
    if not confirm("PyTorch is needed to register. It will now be downloaded (up to 3 GB) and installed into Slicer. Go on?"):
        raise RegistrationError("PyTorch was not installed, so nothing was registered. Click Register again to install it.")
    if wait is not None:
        wait()
    try:
        installed = PyTorchUtils.PyTorchUtilsLogic().installTorch(torchVersionRequirement=REQUIREMENT)
    except Exception as error:  # whatever the installer raises: the user needs its cause in words, and a way on
        raise RegistrationError(explain(error)) from error
    importlib.invalidate_caches()
    if installed is None or not torch_status().ready:
        raise RegistrationError("PyTorch was not installed. Open the PyTorch Utils module, install it there, and click Register again.")


def explain(error: BaseException) -> str:
    """The cause of a failed installation or import, in words, and what to do."""
    text = f"{error}\n{getattr(error, 'stderr', '') or ''}\n{getattr(error, 'output', '') or ''}"
    words = _cause(text)
    if words:
        return words
    first = next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)
    return f"PyTorch could not be installed ({first}). The Python console holds the details; the PyTorch Utils module can try again."


def why_not_loaded(error: ImportError | OSError) -> str:
    """Why importing the engine failed, in words; empty where that was not because of PyTorch."""
    if isinstance(error, ModuleNotFoundError):
        return torch_status().words if error.name == "torch" else ""
    return _cause(str(error)) or f"PyTorch cannot be loaded ({error}). Uninstall and reinstall it in the PyTorch Utils module."


def _cause(text: str) -> str:
    return next((words for pattern, words in _CAUSES if re.search(pattern, text, re.IGNORECASE)), "")


_CAUSES = (
    (
        r"WinError 206|path too long|filename or extension is too long",
        "PyTorch could not be installed: a path became too long for Windows. Enable long paths in Windows, or install Slicer in a shorter "
        "folder such as C:\\S, and try again.",
    ),
    (
        r"No space left|Errno 28|disk full",
        "PyTorch could not be installed: the disk is full. It needs up to 6 GB; make room and try again.",
    ),
    (
        r"ConnectionError|NewConnectionError|Max retries|timed out|getaddrinfo|name resolution|ProxyError|SSLError|Network is unreachable",
        "PyTorch could not be downloaded: there seems to be no connection to the internet (or a proxy is in the way). Connect and try "
        "again, or ask your administrator to install PyTorch into Slicer's Python.",
    ),
    (
        r"No matching distribution|Could not find a version",
        f"There is no PyTorch {REQUIREMENT} for this Python ({platform.python_version()}, {platform.machine()}); use a current Slicer.",
    ),
    (
        r"Permission denied|Access is denied|WinError 5\b|Errno 13",
        "PyTorch could not be installed: Slicer's folder cannot be written to. Start Slicer with the right to write there, or install it "
        "in your own folder.",
    ),
    (
        r"_ARRAY_API|compiled using NumPy 1|DLL load failed|undefined symbol|cannot open shared object|WinError 1114|WinError 126",
        "PyTorch is installed but cannot be loaded: it does not fit this Slicer, or its installation is damaged. Uninstall and reinstall "
        "it in the PyTorch Utils module.",
    ),
)
"""Pattern in the error's text, and what to tell the user; the first that fits."""


def _refuse_old_macs() -> None:
    if sys.platform == "darwin" and platform.machine() == "x86_64":
        raise RegistrationError(
            "PyTorch no longer exists for Macs with an Intel processor in a version that fits this Slicer. Use another computer, or Slicer "
            "5.8 with PyTorch 2.2."
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:2])
