"""What the Extensions Index asks of an extension before it is listed, as far as it can be asked without a network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
ENTRY = ROOT / "Resources" / "INRRegistration.json"
CMAKE = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")

REQUIRED = {"$schema", "category", "scm_url"}
KINDS = {
    **dict.fromkeys(("$schema", "category", "scm_url", "scm_revision", "scm_type", "build_subdirectory"), str),
    **{"build_dependencies": list, "enabled": bool, "tier": int},
}
"""Keys of catalogue schema 1.0.1, and nothing else is allowed."""
SCHEMA = "https://raw.githubusercontent.com/Slicer/Slicer/main/Schemas/slicer-extension-catalog-entry-schema-v1.0.1.json#"
RAW = "https://raw.githubusercontent.com/INRRegistration/SlicerINRRegistration/main/"
LICENCES = ("LICENSE", "LICENCE", "License.txt", "license.txt", "LICENSE.txt", "COPYING", "COPYING.txt")


def faults(entry: dict[str, object]) -> Iterator[str]:
    """Every rule of the schema that an entry breaks."""
    yield from (f"{key} is missing" for key in sorted(REQUIRED - set(entry)))
    yield from (f"{key} is not allowed" for key in sorted(set(entry) - set(KINDS)))
    for key, kind in KINDS.items():
        if key in entry and type(entry[key]) is not kind:
            yield f"{key} must be {kind.__name__}"
    if type(entry.get("tier", 1)) is int and entry.get("tier", 1) not in range(1, 6):
        yield "tier must be 1 to 5"
    if entry.get("scm_type", "git") not in ("git", "local"):
        yield "scm_type must be git or local"
    if not all(isinstance(name, str) for name in entry.get("build_dependencies", [])):  # type: ignore[attr-defined]
        yield "build_dependencies must be names"


def quoted(key: str) -> str:
    """One value of the extension's metadata, by the pattern of the index's own checks: one line, in double quotes."""
    found = re.findall(rf'set\s*\(EXTENSION_{key}\s*"([^"]+)"\)', CMAKE)
    assert len(found) == 1, f"EXTENSION_{key} must be set once, on one line, in double quotes"
    assert "\n" not in found[0]
    return str(found[0])


@pytest.fixture
def entry() -> dict[str, object]:
    data = json.loads(ENTRY.read_text(encoding="utf-8"))
    assert isinstance(data, dict)
    return data


def test_the_entry_follows_the_schema(entry: dict[str, object]) -> None:
    assert list(faults(entry)) == []
    assert entry["$schema"] == SCHEMA


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"tier": 6}, "tier must be 1 to 5"),
        ({"tier": "3"}, "tier must be int"),
        ({"homepage": "x"}, "homepage is not allowed"),
        ({"build_dependencies": [1]}, "build_dependencies must be names"),
        ({"scm_type": "svn"}, "scm_type must be git or local"),
    ],
)
def test_the_schema_check_can_fail(entry: dict[str, object], change: dict[str, object], fault: str) -> None:
    assert list(faults({**entry, **change})) == [fault]
    assert "scm_url is missing" in faults({"$schema": SCHEMA, "category": "Registration"})


def test_the_entry_is_written_as_the_index_formats_it(entry: dict[str, object]) -> None:
    raw = ENTRY.read_bytes()
    assert b"\r" not in raw
    assert b"\t" not in raw
    assert raw.decode("utf-8") == json.dumps(entry, indent=2) + "\n"
    assert list(entry) == sorted(entry)


def test_the_names_agree_everywhere(entry: dict[str, object]) -> None:
    name = ENTRY.stem
    projects = re.findall(r"project\s*\(\s*([^\s\)\n\r]+)", CMAKE, re.IGNORECASE)
    assert projects == [name]
    assert not name.lower().startswith("slicer")
    url = urlsplit(str(entry["scm_url"]))
    assert url.scheme in ("https", "git")
    assert url.path.rpartition("/")[2] == f"Slicer{name}.git"
    assert quoted("HOMEPAGE") == str(entry["scm_url"]).removesuffix(".git")
    assert (ROOT / name / f"{name}.py").is_file()


def test_the_dependencies_and_the_category_are_the_same_in_both_places(entry: dict[str, object]) -> None:
    assert quoted("DEPENDS").split() == entry["build_dependencies"] == ["PyTorch"]
    assert quoted("CATEGORY") == entry["category"] == "Registration"


def test_the_description_is_for_people() -> None:
    words = quoted("DESCRIPTION").split()
    assert 10 < len(words) < 60
    assert "Not for clinical use." in quoted("DESCRIPTION")


def test_the_icon_is_in_the_tree_and_has_the_right_size() -> None:
    assert quoted("ICONURL").startswith(RAW)
    path = ROOT / quoted("ICONURL").removeprefix(RAW)
    with Image.open(path) as image:
        assert (image.format, image.size) == ("PNG", (128, 128))
    module = ROOT / "INRRegistration" / "Resources" / "Icons" / "INRRegistration.png"
    assert module.read_bytes() == path.read_bytes(), "the module's icon is the extension's; run: python Resources/draw_icons.py"


def test_the_screenshots_are_in_the_tree_and_large_enough_to_read() -> None:
    urls = quoted("SCREENSHOTURLS").split()
    assert urls
    for url in urls:
        assert url.startswith(RAW), url
        with Image.open(ROOT / url.removeprefix(RAW)) as image:
            assert image.format == "PNG"
            assert min(image.size) >= 400, url


def test_there_is_a_licence_that_the_index_finds() -> None:
    found = [name for name in LICENCES if (ROOT / name).is_file()]
    assert found
    assert "Apache License" in (ROOT / found[0]).read_text(encoding="utf-8")


def test_no_internal_description_file_is_kept() -> None:
    assert list(ROOT.glob("*.s4ext")) == []


@pytest.mark.parametrize("path", sorted((ROOT / "INRRegistration" / "Resources" / "Icons").glob("*.png")), ids=lambda path: path.stem)
def test_an_icon_has_the_size_that_its_place_wants(path: Path) -> None:
    with Image.open(path) as image:
        assert image.format == "PNG"
        if path.stem == "INRRegistration":
            assert image.size == (128, 128)
        elif path.stem == "INRTrunk":
            assert image.size == (260, 280)  # what Sample Data shows
        else:
            assert image.size == (32, 32)
            assert image.mode == "RGBA"
            assert image.getpixel((0, 0))[3] == 0, "an icon has a clear ground, for light and dark themes"  # type: ignore[index]
