"""No text of a problem or a result reaches the page as anything but text, whichever field it is in."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator, Mapping
from html import escape, unescape
from typing import Any

import numpy as np
import pytest

from inr_registration.core import Grid, Level, Verdict, Volume
from inr_registration.report import report_data, report_html

HOSTILE = """x" onload='1' <script>alert("&")</script> </title></style>-->{}"""
"""Ends an attribute, a title, a style and a comment, and starts a script; the number tells which text it was."""
FIXED_KEYS = {"tre_mm", "det", "displacement_mm"}
"""Fields whose keys are the program's own; others are looked up there and not shown."""
SHOWN_NOWHERE = {"problem.fixed_mask.name", "problem.moving_mask.name", "problem.fixed_labels.name", "problem.moving_labels.name"}


class Poison:
    """Puts a hostile text wherever a value holds one, and remembers where."""

    def __init__(self) -> None:
        self.places: list[str] = []

    def text(self, place: str) -> str:
        self.places.append(place)
        return HOSTILE.format(len(self.places) - 1)

    def into(self, value: Any, place: str) -> Any:
        """A copy with every text replaced; mappings keep their keys and get one more, with what their last one holds."""
        if isinstance(value, str):
            return self.text(place)
        if isinstance(value, np.ndarray | Grid | Level) or value is None:
            return value
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
            return dataclasses.replace(value, **{name: self.into(held, f"{place}.{name}") for name, held in fields.items()})
        if isinstance(value, Mapping):
            copied = {key: self.into(held, f"{place}[{key}]") for key, held in value.items()}
            if copied and place.rsplit(".", 1)[-1].split("[")[0] not in FIXED_KEYS:
                copied[self.text(f"{place}, a key")] = copied[list(copied)[-1]]
            return copied
        if isinstance(value, list | tuple):
            return type(value)(self.into(held, f"{place}[{n}]") for n, held in enumerate(value))
        return value


def full(case: Any) -> Any:
    """A case in which every field that the page can show holds something."""
    grid = case.problem.fixed.grid
    plain = Volume(np.linspace(0, 1, int(np.prod(grid.shape)), dtype=np.float32).reshape(grid.shape), grid, "a map")
    quality = dataclasses.replace(case.result.quality, strain={"radial": {"basal": 0.1, "global": 0.2}}, notes=("a note",))
    return case.with_result(
        warnings=("a warning",),
        verdict=Verdict(Level.AMBER, ("a reason",), "blind"),
        uncertainty=plain,
        maps={"strain_radial": plain},
        quality=quality,
    )


@pytest.fixture
def poisoned(a_case: Any) -> tuple[Poison, Any, Any]:
    poison, case = Poison(), full(a_case)
    return poison, poison.into(case.problem, "problem"), poison.into(case.result, "result")


def test_every_text_is_replaced(poisoned: tuple[Poison, Any, Any]) -> None:
    places = set(poisoned[0].places)
    expected = ["message", "device", "warnings[0]", "choices[0]", "history[0].name", "verdict.reasons[0]", "verdict.blind_spots"]
    expected += ["quality.notes[0]", "quality.dice, a key", "quality.similarity, a key", "quality.strain, a key", "maps, a key"]
    expected += ["timings_s, a key", "settings, a key", "settings[representation][kind]", "history[0].terms, a key"]
    assert {f"result.{name}" for name in expected} | {"problem.fixed.name", "problem.moving.name"} <= places


def test_no_text_becomes_a_part_of_the_page(poisoned: tuple[Poison, Any, Any], read_page: Callable[[str], Any]) -> None:
    poison, problem, result = poisoned
    page = report_html(problem, result)
    parsed = read_page(page)  # raises where tags do not balance
    assert "script" not in parsed.tags
    assert not re.search(r"<[^>]*\sonload\s*=\s*['\"]", re.sub(r'"[^"]*"', '""', page)), "an attribute was broken up"
    for number, place in enumerate(poison.places):
        assert HOSTILE.format(number) not in page, place
        assert HOSTILE.format(number).upper() not in page.upper(), place
    shown = {place for number, place in enumerate(poison.places) if escape(HOSTILE.format(number)).upper() in page.upper()}
    assert {"problem.fixed.name", "result.message", "result.device", "result.warnings[0]", "result.verdict.reasons[0]"} <= shown
    assert len(shown) > 30
    assert "<SCRIPT" not in page.upper()


def test_the_numbers_of_the_run_stay_json_whatever_the_texts(poisoned: tuple[Poison, Any, Any]) -> None:
    poison, problem, result = poisoned
    text = json.dumps(report_data(problem, result), allow_nan=False)
    held = set(texts(json.loads(text)))
    assert {HOSTILE.format(poison.places.index(place)) for place in ("problem.fixed.name", "result.message", "result.device")} <= held


def texts(value: Any) -> Iterator[str]:
    """All texts in JSON data, keys as well."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from value
        for held in value.values():
            yield from texts(held)
    elif isinstance(value, list):
        for held in value:
            yield from texts(held)


def test_the_page_fetches_nothing(poisoned: tuple[Poison, Any, Any]) -> None:
    page = report_html(*poisoned[1:])
    named = re.findall(r"""(?:href|src|srcset|action|data|poster|xlink:href)\s*=\s*["']?([^"'\s>]*)""", page)
    assert len(named) > 10
    assert {unescape(address).split(",")[0] for address in named} == {"data:image/png;base64"}
    assert not re.search(r"url\(|@import|<(link|iframe|object|embed|base|form|meta http)", page, re.IGNORECASE)
