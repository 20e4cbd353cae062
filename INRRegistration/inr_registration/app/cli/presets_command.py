"""``inr-register presets``."""

from __future__ import annotations

import argparse
import json
import shutil
import textwrap

from inr_registration.core.presets import Preset, load_preset, preset_names

WIDEST, INDENT = 100, " " * 20


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
        print("\n".join(listed(preset) for preset in presets))
    return 0


def listed(preset: Preset) -> str:
    """Name and title in one line, the description below it, no wider than the terminal."""
    width = max(min(shutil.get_terminal_size().columns, WIDEST), len(INDENT) + 20)
    about = textwrap.fill(preset.description, width, initial_indent=INDENT, subsequent_indent=INDENT, break_on_hyphens=False)
    return f"{preset.name:<{len(INDENT)}}{preset.title}\n{about}"
