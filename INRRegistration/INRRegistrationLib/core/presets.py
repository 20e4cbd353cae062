"""Named settings for a task, kept as JSON files beside the code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources

from INRRegistrationLib.core.errors import InputError
from INRRegistrationLib.core.settings import Settings

DEFAULT = "auto"


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
    folder = resources.files("INRRegistrationLib") / "presets"
    names = sorted(entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json"))
    return sorted(names, key=lambda name: name != DEFAULT)


def load_preset(name: str) -> Preset:
    """Read one preset.

    Raises:
        InputError: There is no preset of this name.
    """
    if name not in preset_names():
        raise InputError(f"there is no preset '{name}'; known are {', '.join(preset_names())}")
    text = (resources.files("INRRegistrationLib") / "presets" / f"{name}.json").read_text(encoding="utf-8")
    data = json.loads(text)
    return Preset(name, data["title"], data["description"], Settings.from_json(data["settings"]))
