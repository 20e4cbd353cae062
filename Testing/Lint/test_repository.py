"""What holds for every file."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import json
import os
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType

import pytest

from inr_registration.core import DEFAULT, Settings, load_preset, preset_names

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "INRRegistration" / "inr_registration"

MAX_BYTES = 1_000_000
MAX_MODULE_LINES = 300
MAX_BODY_LINES = 50
BINARY = {".png", ".gz", ".h5", ".safetensors"}
IGNORED = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines() if line.endswith("/")]
SOMEONES_MACHINE = re.compile(r"(?<![\w.])/(?:work|root|home|Users)/")


def files() -> Iterator[Path]:
    """Files that belong to the repository: what is in a folder that git ignores does not."""
    for folder, names, entries in os.walk(ROOT):
        names[:] = [name for name in names if name != ".git" and not any(fnmatch(name, pattern) for pattern in IGNORED)]
        yield from (Path(folder) / entry for entry in entries if not entry.endswith(".pyc"))


def sources(folder: Path = ROOT) -> list[Path]:
    return [path for path in files() if path.suffix == ".py" and path.is_relative_to(folder)]


FLOORS = (
    "core",
    "numerics",
    "terms",
    "fields",
    "images",
    "optimise",
    "maps",
    "start",
    "methods",
    "measure",
    "report",
    "io",
    "phantom",
    "app",
)


def modules(*floors: str) -> list[str]:
    found = {floor: sources(LIBRARY / floor) for floor in floors}
    assert all(found.values()), f"no modules in one of {floors}"
    paths = [path for floor in floors for path in found[floor]]
    return [".".join(path.relative_to(LIBRARY.parent).with_suffix("").parts).removesuffix(".__init__") for path in sorted(paths)]


def test_no_file_is_large() -> None:
    assert [path for path in files() if path.stat().st_size > MAX_BYTES] == []


def test_no_file_names_a_folder_of_someones_machine() -> None:
    texts = [path for path in files() if path.suffix not in BINARY]
    assert len(texts) > 50
    assert [path for path in texts if SOMEONES_MACHINE.search(path.read_text(encoding="utf-8"))] == []


def test_the_check_for_paths_can_fail() -> None:
    assert SOMEONES_MACHINE.search("open('" + "/ho" + "me/me/image.nii')")
    assert not SOMEONES_MACHINE.search("see docs/work/ and https://example.org/home/")


def test_no_module_is_long() -> None:
    counts = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}
    assert {path: n for path, n in counts.items() if n > MAX_MODULE_LINES} == {}


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function after its signature and docstring."""
    first = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return first[-1].end_lineno - first[0].lineno + 1 if first else 0  # type: ignore[operator]


def test_no_function_is_long() -> None:
    long = {}
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and body_lines(node) > MAX_BODY_LINES:
                long[f"{path.relative_to(ROOT)}:{node.name}"] = body_lines(node)
    assert long == {}


def test_the_length_of_a_body_leaves_out_signature_and_docstring() -> None:
    text = 'def f(\n    a,\n):\n    """Say.\n\n    More.\n    """\n    b = a\n    return b\n'
    function = ast.parse(text).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert body_lines(function) == 2


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_says_what_it_is_and_loads(name: str) -> None:
    data = json.loads((LIBRARY / "presets" / f"{name}.json").read_text(encoding="utf-8"))
    assert set(data) == {"title", "description", "settings"}
    preset = load_preset(name)
    assert preset.title
    assert not preset.title.endswith(".")
    assert preset.description.endswith(".")
    assert Settings.from_json(preset.settings.to_json()) == preset.settings


def test_the_default_preset_comes_first() -> None:
    assert preset_names()[0] == DEFAULT


def public_members(module: ModuleType) -> Iterator[tuple[str, object]]:
    """Public functions, classes, and methods and properties of those classes, that a module defines."""
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(value):
            yield name, value
        if inspect.isclass(value):
            yield name, value
            for member in vars(value):
                if not member.startswith("_"):
                    found = inspect.getattr_static(value, member)
                    yield f"{name}.{member}", getattr(found, "fget", None) or getattr(found, "func", None) or getattr(value, member)


def has_doc(owner: ModuleType, name: str, value: object) -> bool:
    """A method may inherit its docstring from the class that it extends."""
    holder, _, member = name.rpartition(".")
    if not holder:
        return bool(inspect.getdoc(value))
    classes = getattr(owner, holder).__mro__
    return any(getattr(vars(cls).get(member), "__doc__", None) for cls in classes)


@pytest.mark.parametrize("name", modules(*FLOORS))
def test_whatever_is_public_has_a_docstring_and_annotations(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__
    for label, value in public_members(module):
        if not (inspect.isfunction(value) or inspect.isclass(value)):
            continue
        assert has_doc(module, label, value), f"{name}.{label} has no docstring"
        if inspect.isfunction(value):
            signature = inspect.signature(value)
            bare = [p.name for p in signature.parameters.values() if p.annotation is p.empty and p.name not in ("self", "cls")]
            assert not bare, f"{name}.{label}: {bare} have no annotation"
            assert signature.return_annotation is not signature.empty, f"{name}.{label} does not say what it returns"


def test_the_examples_in_docstrings_are_true() -> None:
    results = [doctest.testmod(importlib.import_module(name)) for name in modules(*FLOORS)]
    assert sum(result.attempted for result in results) > 0
    assert sum(result.failed for result in results) == 0
