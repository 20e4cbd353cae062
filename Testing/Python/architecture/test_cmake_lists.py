"""Slicer ships only what CMake lists, so the lists must be the tree."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
MODULE = ROOT / "INRRegistration"


def listed(name: str) -> list[str]:
    """Entries of one ``set(NAME ...)`` in the module's CMake file."""
    text = re.sub(r"#.*", "", (MODULE / "CMakeLists.txt").read_text(encoding="utf-8"))
    found = re.search(rf"set\({name}\s([^)]*)\)", text)
    assert found, f"CMakeLists.txt sets no {name}"
    return found.group(1).split()


def in_tree(suffixes: tuple[str, ...], *folders: str) -> list[str]:
    """Files with these endings below some folders of the module, as CMake would write them."""
    paths = [path for folder in folders for path in (MODULE / folder).rglob("*") if path.suffix in suffixes]
    return sorted(path.relative_to(MODULE).as_posix() for path in paths)


def test_every_script_is_listed_and_every_listed_script_exists() -> None:
    scripts = sorted([*in_tree((".py",), "INRRegistrationLib"), *(path.name for path in MODULE.glob("*.py"))])
    entries = listed("MODULE_PYTHON_SCRIPTS")
    assert set(scripts) - set(entries) == set(), "add these to INRRegistration/CMakeLists.txt"
    assert set(entries) - set(scripts) == set(), "remove these from INRRegistration/CMakeLists.txt"
    assert len(entries) == len(set(entries)), "listed twice"


def test_every_resource_is_listed_and_every_listed_resource_exists() -> None:
    kinds = (".json", ".ui", ".png", ".svg", ".txt", ".html", ".css", ".js")
    resources = in_tree(kinds, "INRRegistrationLib", "Resources")
    entries = listed("MODULE_PYTHON_RESOURCES")
    assert set(resources) - set(entries) == set(), "add these to INRRegistration/CMakeLists.txt"
    assert set(entries) - set(resources) == set(), "remove these from INRRegistration/CMakeLists.txt"
    assert len(entries) == len(set(entries)), "listed twice"


def test_the_extension_says_what_the_catalogue_needs() -> None:
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert re.search(r"^project\(INRRegistration\)$", text, re.MULTILINE)
    for key in ("HOMEPAGE", "CONTRIBUTORS", "DESCRIPTION", "ICONURL", "SCREENSHOTURLS", "DEPENDS"):
        assert re.search(rf'^set\(EXTENSION_{key} "[^"]+"\)$', text, re.MULTILINE), f"EXTENSION_{key} must be one quoted line"
    assert "## NEXT_MODULE" in text
