"""``inr-register presets``."""

from __future__ import annotations

import argparse
import json

from INRRegistrationLib.core.presets import load_preset, preset_names


def run(arguments: argparse.Namespace) -> int:
    """List the presets, or print one."""
    if arguments.name is not None:
        preset = load_preset(arguments.name)
        about = {"name": preset.name, "title": preset.title, "description": preset.description}
        print(json.dumps({**about, "settings": preset.settings.to_json()}, indent=2))
        return 0
    presets = [load_preset(name) for name in preset_names()]
    if arguments.json:
        print(json.dumps([{"name": p.name, "title": p.title, "description": p.description} for p in presets], indent=2))
    else:
        print("\n".join(f"{p.name:<16}{p.title}. {p.description}" for p in presets))
    return 0
