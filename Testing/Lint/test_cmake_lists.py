"""Slicer ships only what CMake lists, so the lists must be the tree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from update_cmake_lists import listed, update, wanted

ROOT = Path(__file__).resolve().parents[2]
LISTS = wanted()


def complaint(entries: list[str], files: list[str]) -> str:
    """What to change so that the entries are the files; empty where nothing is."""
    new = [f"  {name}" for name in files if name not in entries]
    gone = [f"  {name}" for name in entries if name not in files]
    twice = [f"  {name}" for name in sorted(set(entries)) if entries.count(name) > 1]
    parts = [("add these lines:", new), ("remove these lines:", gone), ("listed twice:", twice)]
    return "\n".join(line for title, lines in parts if lines for line in (title, *lines))


@pytest.mark.parametrize(("name", "variable"), LISTS)
def test_the_list_is_the_tree(name: str, variable: str) -> None:
    entries, files = listed((ROOT / name).read_text(encoding="utf-8"), variable), LISTS[name, variable]
    text = complaint(entries, files)
    assert not text, f"{name}, {variable} (or run: python Testing/update_cmake_lists.py)\n{text}"
    assert entries == files, f"{name}, {variable} is not sorted; run: python Testing/update_cmake_lists.py"


def test_the_complaint_gives_the_lines_to_add_and_to_remove() -> None:
    assert complaint(["a.py", "c.py", "c.py"], ["a.py", "b.py"]) == (
        "add these lines:\n  b.py\nremove these lines:\n  c.py\n  c.py\nlisted twice:\n  c.py"
    )
    assert complaint(["a.py"], ["a.py"]) == ""


def test_updating_writes_the_lists_and_nothing_else(tmp_path: Path) -> None:
    module, tests = tmp_path / "INRRegistration", tmp_path / "Testing" / "Slicer"
    library = ("inr_registration/b.py", "inr_registration/a.py", "inr_registration/.cache/no.py")
    for path in ("INRRegistration.py", *library, "Resources/x.png"):
        (module / path).parent.mkdir(parents=True, exist_ok=True)
        (module / path).touch()
    tests.mkdir(parents=True)
    (module / "CMakeLists.txt").write_text("# first\nset(MODULE_PYTHON_SCRIPTS\n  old.py\n)\nset(MODULE_PYTHON_RESOURCES)\n# last\n")
    (tests / "CMakeLists.txt").write_text("set(SELF_TESTS\n)\n")
    changed = update(tmp_path)
    assert [line.partition(": ")[2] for line in changed] == ["MODULE_PYTHON_SCRIPTS", "MODULE_PYTHON_RESOURCES"]
    scripts = "  INRRegistration.py\n  inr_registration/a.py\n  inr_registration/b.py\n"
    expected = f"# first\nset(MODULE_PYTHON_SCRIPTS\n{scripts})\nset(MODULE_PYTHON_RESOURCES\n  Resources/x.png\n)\n# last\n"
    assert (module / "CMakeLists.txt").read_text() == expected
    assert update(tmp_path) == []


def test_a_missing_list_is_an_error() -> None:
    with pytest.raises(ValueError, match="sets no SELF_TESTS"):
        listed("set(OTHER a.py)", "SELF_TESTS")


def test_nothing_in_the_module_has_a_kind_that_no_list_takes() -> None:
    """A file of an unknown kind would be left out of the installed extension without a word."""
    taken = {entry for (name, _), entries in LISTS.items() if name.startswith("INRRegistration/") for entry in entries}
    module = ROOT / "INRRegistration"
    paths = [path for folder in ("inr_registration", "Resources") for path in (module / folder).rglob("*") if path.is_file()]
    names = {path.relative_to(module) for path in paths}
    ours = {name.as_posix() for name in names if not any(part.startswith(".") or part == "__pycache__" for part in name.parts)}
    assert ours - taken == set()


def test_the_module_is_built_and_tested_as_the_template_says() -> None:
    text = (ROOT / "INRRegistration" / "CMakeLists.txt").read_text(encoding="utf-8")
    call = re.search(r"slicerMacroBuildScriptedModule\(([^)]*)\)", text)
    assert call
    assert call.group(1).split() == [
        *("NAME", "${MODULE_NAME}"),
        *("SCRIPTS", "${MODULE_PYTHON_SCRIPTS}"),
        *("RESOURCES", "${MODULE_PYTHON_RESOURCES}"),
        "WITH_GENERIC_TESTS",
    ]
    assert "slicer_add_python_unittest(SCRIPT ${MODULE_NAME}.py)" in text
    assert "add_subdirectory(Slicer)" in (ROOT / "Testing" / "CMakeLists.txt").read_text(encoding="utf-8")
