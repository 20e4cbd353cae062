"""Importing a layer must not bring in what the layer must not know; each is imported in a Python of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCE = ROOT / "INRRegistration"
LIBRARY = "inr_registration"

PYSIDE = {"PySide6", "PyQt5", "PyQt6"}
WINDOWS = PYSIDE | {"qt", "ctk"}
SLICER = WINDOWS | {"slicer", "vtk", "vtkmodules"}
FILES = {"SimpleITK", "nibabel", "PIL", "rich"}
FORBIDDEN = {
    "core": SLICER | FILES | {"torch", "scipy", "safetensors"},
    "engine": SLICER | FILES,
    "report": SLICER | {"torch", "scipy", "SimpleITK", "nibabel", "safetensors", "rich"},
    "cli": SLICER,
    "job": SLICER | FILES | {"torch", "scipy", "numpy", "safetensors"},
    "scene": WINDOWS | FILES | {"torch", "safetensors"},
    "logic": WINDOWS | {"torch", "SimpleITK", "nibabel", "rich", "safetensors", "PyTorchUtils", "SampleData"},
    "ui": PYSIDE | {"torch", "SimpleITK", "nibabel", "rich", "safetensors", "PyTorchUtils", "SampleData"},
}
BELOW = {
    "core": set(),
    "engine": {"core"},
    "report": {"core"},
    "cli": {"core", "engine", "report"},
    "job": {"core"},
    "scene": {"core"},
    "logic": {"core", "report", "job", "scene"},
    "ui": {"core", "report", "job", "scene", "logic"},
}
"""What a layer may bring in at import. The engine, and the phantom of the command line, come only when they are needed."""
BEFORE = {"scene": ["slicer"], "logic": ["slicer"], "ui": ["stand_in"]}
"""What is there in Slicer before a layer is imported: its own doing does not count."""
NEEDED = {"scene": ["slicer"], "logic": ["slicer"], "ui": ["slicer", "PySide6"]}
"""Packages without which a layer cannot be imported here; they exist for Linux only."""

IMPORT_AND_LIST = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps(sorted(sys.modules)))
"""


def modules_of(package: Path, source: Path = SOURCE) -> list[str]:
    """Dotted names of every module below a package folder, as imported from ``source``."""
    names = [path.relative_to(source).with_suffix("").parts for path in sorted(package.rglob("*.py"))]
    return [".".join(parts).removesuffix(".__init__") for parts in names if parts[-1] != "__main__"]


def loaded_by(modules: list[str], source: Path = SOURCE) -> set[str]:
    """Names of all modules that a fresh Python holds after importing these."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(source), str(ROOT / "Testing")])}
    command = [sys.executable, "-c", IMPORT_AND_LIST, *modules]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def top_level(loaded: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in loaded}


def layers_in(loaded: set[str]) -> set[str]:
    return {name.split(".")[1] for name in loaded if name.startswith(LIBRARY + ".")}


@pytest.mark.parametrize("layer", FORBIDDEN)
def test_a_layer_brings_in_nothing_that_it_must_not_know(layer: str) -> None:
    for package in NEEDED.get(layer, []):
        pytest.importorskip(package)
    modules = modules_of(SOURCE / LIBRARY / layer)
    assert modules, f"the layer {layer} has no modules"
    before = BEFORE.get(layer, [])
    loaded = loaded_by([*before, *modules]) - (loaded_by(before) if before else set())
    assert f"{LIBRARY}.{layer}" in loaded
    assert not top_level(loaded) & FORBIDDEN[layer]
    assert layers_in(loaded) <= BELOW[layer] | {layer}


def test_the_check_can_fail(tmp_path: Path) -> None:
    package = tmp_path / "leaky"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "deep.py").write_text("def later():\n    import wave\n\nimport colorsys\n")
    assert modules_of(package, tmp_path) == ["leaky", "leaky.deep"]
    assert "colorsys" not in loaded_by(["leaky"], tmp_path)
    assert "colorsys" in top_level(loaded_by(modules_of(package, tmp_path), tmp_path))
    assert "torch" in top_level(loaded_by([f"{LIBRARY}.engine.device"]))


def test_every_layer_is_checked() -> None:
    folders = {path.name for path in (SOURCE / LIBRARY).iterdir() if (path / "__init__.py").is_file()}
    assert folders == set(FORBIDDEN) == set(BELOW)


def test_importing_the_package_imports_nothing_else() -> None:
    new = loaded_by([LIBRARY]) - loaded_by([])
    assert new == {LIBRARY}


def test_the_help_of_the_command_line_does_not_wait_for_torch() -> None:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-X", "importtime", "-m", LIBRARY, "--help"]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "inr-register" in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert f"{LIBRARY}.cli" in imported
    assert "torch" not in imported
