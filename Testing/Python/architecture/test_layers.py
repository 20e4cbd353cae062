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
FITS = ("numerics", "terms", "fields", "images", "optimise", "maps", "start", "methods", "measure")
"""What fits and measures, from the bottom up."""
FORBIDDEN = {
    "core": SLICER | FILES | {"torch", "scipy", "safetensors"},
    **dict.fromkeys(FITS, SLICER | FILES),
    "report": SLICER | {"torch", "scipy", "SimpleITK", "nibabel", "safetensors", "rich"},
    "io": SLICER | {"torch"},
    "phantom": SLICER | FILES | {"torch"},
    "app": SLICER,
    "slicer.job": SLICER | FILES | {"torch", "scipy", "numpy", "safetensors"},
    "slicer.scene": WINDOWS | FILES | {"torch", "safetensors"},
    "slicer.logic": WINDOWS | {"torch", "SimpleITK", "nibabel", "rich", "safetensors", "PyTorchUtils", "SampleData"},
    "slicer.ui": PYSIDE | {"torch", "SimpleITK", "nibabel", "rich", "safetensors", "PyTorchUtils", "SampleData"},
}
BELOW = {
    "core": set(),
    **{floor: {"core", *FITS[:n]} for n, floor in enumerate(FITS)},
    "report": {"core"},
    "io": {"core", "maps"},
    "phantom": {"core"},
    "app": {"core", *FITS, "report", "io", "phantom"},
    "slicer.job": {"core", "slicer"},
    "slicer.scene": {"core", "slicer"},
    "slicer.logic": {"core", "report", "slicer", "slicer.job", "slicer.scene"},
    "slicer.ui": {"core", "report", "slicer", "slicer.job", "slicer.scene", "slicer.logic"},
}
"""What a layer may bring in at import. In Slicer and where files are read, what needs torch comes only when it is needed."""
BEFORE = {"slicer.scene": ["slicer"], "slicer.logic": ["slicer"], "slicer.ui": ["stand_in"]}
"""What is there in Slicer before a layer is imported: its own doing does not count."""
NEEDED = {"slicer.scene": ["slicer"], "slicer.logic": ["slicer"], "slicer.ui": ["slicer", "PySide6"]}
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
    """Floors by name; of the package slicer, its own floors too."""
    found = {tuple(name.split(".")[1:3]) for name in loaded if name.startswith(LIBRARY + ".")}
    return {".".join(parts) if parts[0] == "slicer" else parts[0] for parts in found}


@pytest.mark.parametrize("layer", FORBIDDEN)
def test_a_layer_brings_in_nothing_that_it_must_not_know(layer: str) -> None:
    for package in NEEDED.get(layer, []):
        pytest.importorskip(package)
    modules = modules_of(SOURCE.joinpath(LIBRARY, *layer.split(".")))
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
    assert "torch" in top_level(loaded_by([f"{LIBRARY}.numerics.device"]))


def test_every_layer_is_checked() -> None:
    library = SOURCE / LIBRARY
    folders = {path.name for path in library.iterdir() if (path / "__init__.py").is_file()} - {"slicer"}
    inside = {f"slicer.{path.name}" for path in (library / "slicer").iterdir() if (path / "__init__.py").is_file()}
    assert folders | inside == set(FORBIDDEN) == set(BELOW)


def test_importing_the_package_imports_next_to_nothing() -> None:
    new = loaded_by([LIBRARY]) - loaded_by([])
    assert {name for name in new if name.startswith(LIBRARY)} == {LIBRARY, *(f"{LIBRARY}.core{part}" for part in ("", ".lazy", ".version"))}
    assert top_level(new) <= {LIBRARY, *sys.stdlib_module_names}


def test_the_help_of_the_command_line_does_not_wait_for_torch() -> None:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-X", "importtime", "-m", LIBRARY, "--help"]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "inr-register" in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert f"{LIBRARY}.app.cli" in imported
    assert "torch" not in imported
