"""The page of settings, from the docstrings and defaults in the code, so that neither is said twice.

    python Testing/settings_page.py > docs/settings.md

A test compares the page with what this prints.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "INRRegistration"))

from inr_registration.core.catalogue import FIELD_KINDS, REGULARITY_TERMS, SIMILARITY_TERMS
from inr_registration.core.from_json import plain
from inr_registration.core.settings import Affine, Cycle, Geometry, Representation, Settings, Stage

INTRODUCTION = """\
# Settings

Everything that decides a registration apart from its images. `inr-register presets NAME` prints all of them for a preset, as JSON; a
file of that form goes to `--preset FILE`, and what it leaves out keeps the default below. In Python every one of the first table is a
keyword of `inr.register`.

This page is made by `python Testing/settings_page.py` from `core/settings.py` and `core/catalogue.py`.
"""
PARTS = {
    "Representation": ("`representation`", Representation),
    "Affine": ("`affine`", Affine),
    "Stage": ("`stages`: a list of", Stage),
    "Cycle": ("`cycle`", Cycle),
    "Geometry": ("`geometry`", Geometry),
}
DERIVATIVES = {1: "the Jacobian", 2: "second derivatives"}
POINTS = {"sampled": "random points", "whole": "whole levels", "either": "random points or whole levels"}


def described(kind: type) -> dict[str, str]:
    """What the docstring of a class says of each of its fields, in markdown."""
    text = inspect.getdoc(kind) or ""
    lines = re.sub(r"\n {8,}", " ", text.partition("Args:\n")[2]).splitlines()
    pairs = (line.strip().partition(": ") for line in lines if line.strip())
    return {name: words.replace("``", "`") for name, _, words in pairs}


def default(field: dataclasses.Field[object]) -> str:
    """As JSON; parts that have a table of their own are named."""
    value = field.default
    if field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    if value is dataclasses.MISSING:
        return "needed"
    if dataclasses.is_dataclass(value) or field.name == "stages":
        return "see below"
    return f"`{json.dumps(plain(value))}`"


def table(head: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    rows = [list(head), ["---"] * len(list(head)), *map(list, lines)]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows) + "\n"


def fields_of(kind: type) -> str:
    said = described(kind)
    return table(["setting", "default", "meaning"], ((f"`{one.name}`", default(one), said[one.name]) for one in dataclasses.fields(kind)))


def page() -> str:
    text = [INTRODUCTION, "## All\n", fields_of(Settings)]
    for title, kind in PARTS.values():
        text += [f"## {title}\n", f"{(inspect.getdoc(kind) or '').splitlines()[0]}\n", fields_of(kind)]
    stages = table(
        [field.name for field in dataclasses.fields(Stage)],
        ([str(value) for value in dataclasses.astuple(one)] for one in Settings().stages),
    )
    similarities = ((f"`{t.name}`", t.title, f"{t.weight:g}", t.looks_at, "yes" if t.crosses else "no") for t in SIMILARITY_TERMS.values())
    regularities = (
        (f"`{t.name}`", t.title, DERIVATIVES[t.order], "the velocity" if t.of_velocity else "the map") for t in REGULARITY_TERMS.values()
    )
    kinds = ((f"`{k.name}`", POINTS[k.points], "yes" if k.smooth else "no") for k in FIELD_KINDS.values())
    return "\n".join(
        [
            *text,
            "The stages by default:\n",
            stages,
            "## Similarity terms\n",
            table(["name", "what it is", "usual weight", "looks at", "for other contrasts"], similarities),
            "## Regularity terms\n",
            table(["name", "what it is", "needs", "with a velocity lattice, of"], regularities),
            "## Representations\n",
            table(["kind", "fitted on", "has second derivatives"], kinds),
        ]
    )


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.write(page())
