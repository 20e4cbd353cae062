"""The faces of the packages: what they promise is there, and nothing is loaded before it is asked for."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import inr_registration

ROOT = Path(inr_registration.__file__).parent
INITS = [path for path in sorted(ROOT.rglob("__init__.py")) if "slicer" not in path.parts and "= face(" in path.read_text(encoding="utf-8")]
FACES = [".".join(("inr_registration", *path.parent.relative_to(ROOT).parts)) for path in INITS]


@pytest.mark.parametrize("name", FACES)
def test_every_name_of_a_face_is_there_and_is_no_module_of_the_package(name: str) -> None:
    package = import_module(name)
    for public in package.__all__:
        found = getattr(package, public)
        assert not isinstance(found, type(package)), f"{name}.{public} is a module: a file of this name hides what the face promises"
    with pytest.raises(AttributeError, match="has no attribute 'what_nobody_wrote'"):
        package.what_nobody_wrote  # noqa: B018


def test_faces_load_nothing_by_themselves() -> None:
    code = f"import sys, {', '.join(FACES)}; print('torch' in sys.modules, 'scipy' in sys.modules, 'SimpleITK' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False, cwd=ROOT.parent)
    assert done.stdout.split() == ["False"] * 3, done.stderr
