"""Named settings for a task, kept as JSON files beside the code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from inr_registration.core.errors import InputError
from inr_registration.core.settings import Settings
from inr_registration.core.sizes import MODEL_BYTES, check_size

DEFAULT = "auto"
ENDING = ".json"


@dataclass(frozen=True)
class Preset:
    """A named choice of settings.

    Args:
        name: What the command line and the panel call it.
        title: A few words.
        description: One or two sentences for whoever chooses.
        settings: Complete.
    """

    name: str
    title: str
    description: str
    settings: Settings


def preset_names() -> list[str]:
    """Names of all presets, the default first."""
    folder = resources.files("inr_registration") / "presets"
    names = sorted(entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json"))
    return sorted(names, key=lambda name: name != DEFAULT)


def load_preset(name: str) -> Preset:
    """Read one preset.

    Raises:
        InputError: There is no preset of this name.
    """
    if name not in preset_names():
        raise InputError(f"there is no preset '{name}'; known are {', '.join(preset_names())}")
    text = (resources.files("inr_registration") / "presets" / f"{name}.json").read_text(encoding="utf-8")
    data = json.loads(text)
    return Preset(name, data["title"], data["description"], Settings.from_json(data["settings"]))


def find_preset(word: str) -> Preset:
    """A preset by its name, or from a JSON file.

    Raises:
        InputError: There is none.
    """
    return read_preset(Path(word)) if word.lower().endswith(ENDING) else load_preset(word)


def read_preset(path: Path) -> Preset:
    """A preset from a JSON file, as ``inr-register presets NAME`` prints one; settings alone will do.

    Raises:
        InputError: The file holds none.
    """
    try:
        check_size(path.stat().st_size, MODEL_BYTES, "the file", "give settings as 'inr-register presets NAME' prints them")
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); check the path") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path.name}: is no JSON; give settings as 'inr-register presets NAME' prints them") from error
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from error
    if not isinstance(data, dict):
        raise InputError(f"{path.name}: holds no settings; give them as 'inr-register presets NAME' prints them")
    settings = data.get("settings", data)
    try:
        made = Settings.from_json(settings if isinstance(settings, dict) else {"settings": settings})
    except InputError as error:
        raise InputError(f"{path.name}: {error}") from error
    return Preset(str(data.get("name", path.stem)), str(data.get("title", path.stem)), str(data.get("description", "")), made)
