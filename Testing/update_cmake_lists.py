"""Rewrite the sorted file lists in the CMake files: ``python Testing/update_cmake_lists.py``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

RESOURCES = {".json", ".ui", ".png", ".svg", ".txt", ".html", ".css", ".js", ".qrc", ".typed"}


def wanted(root: Path = ROOT) -> dict[tuple[str, str], list[str]]:
    """What the tree holds, for each (CMake file, variable): paths relative to the CMake file, sorted."""
    module = root / "INRRegistration"
    library = [path for path in (module / "inr_registration").rglob("*") if not _hidden(path, module)]
    resources = [path for path in (module / "Resources").rglob("*") if not _hidden(path, module)]
    scripts = [*module.glob("*.py"), *(path for path in library if path.suffix == ".py")]
    data = [path for path in [*library, *resources] if path.suffix in RESOURCES]
    return {
        ("INRRegistration/CMakeLists.txt", "MODULE_PYTHON_SCRIPTS"): _relative(scripts, module),
        ("INRRegistration/CMakeLists.txt", "MODULE_PYTHON_RESOURCES"): _relative(data, module),
        ("Testing/Slicer/CMakeLists.txt", "SELF_TESTS"): _relative((root / "Testing" / "Slicer").glob("*.py"), root / "Testing" / "Slicer"),
    }


def listed(text: str, variable: str) -> list[str]:
    """Entries of ``set(variable ...)`` in the text of a CMake file.

    Raises:
        ValueError: The text sets no such variable.
    """
    found = _pattern(variable).search(text)
    if not found:
        raise ValueError(f"the CMake file sets no {variable}; add an empty set({variable} ... )")
    return re.sub(r"#.*", "", found.group(1)).split()


def replaced(text: str, variable: str, entries: list[str]) -> str:
    """The text of a CMake file with these entries in ``set(variable ...)``."""
    lines = "".join(f"  {entry}\n" for entry in entries)
    return _pattern(variable).sub(lambda _: f"set({variable}\n{lines})", text)


def update(root: Path = ROOT) -> list[str]:
    """Write the lists; names the files that changed."""
    changed = []
    for (name, variable), entries in wanted(root).items():
        path = root / name
        text = path.read_text(encoding="utf-8")
        if listed(text, variable) != entries:
            path.write_text(replaced(text, variable, entries), encoding="utf-8", newline="\n")
            changed.append(f"{name}: {variable}")
    return changed


def _pattern(variable: str) -> re.Pattern[str]:
    return re.compile(rf"^set\({variable}\b([^)]*)\)", re.MULTILINE)


def _hidden(path: Path, top: Path) -> bool:
    """Caches of tools are no part of the tree."""
    return any(part.startswith(".") or part == "__pycache__" for part in path.relative_to(top).parts)


def _relative(paths: Iterable[Path], folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in paths)


if __name__ == "__main__":
    sys.stdout.write("".join(f"{line}\n" for line in update()) or "nothing to change\n")
