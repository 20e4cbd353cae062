"""Any JSON as settings: accepted or refused in words, never anything else."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inr_registration.core import (
    REGULARITIES,
    SIMILARITIES,
    Cycle,
    Geometry,
    InputError,
    Representation,
    Settings,
    Stage,
    load_preset,
    preset_names,
)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.integers(10**300, 10**400)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=6
)


def parts(kind: Any) -> Any:
    """Objects with some of the keys of a dataclass and values of any kind."""
    names = [field.name for field in fields(kind)]
    numbers = st.floats(0, 100) | st.integers(0, 5000) | JSON
    return st.dictionaries(st.sampled_from(names), numbers, max_size=4)


NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "stages": st.lists(parts(Stage), max_size=3) | JSON,
        "representation": parts(Representation) | JSON,
        "cycle": parts(Cycle) | JSON,
        "geometry": parts(Geometry) | JSON,
        "similarity": st.dictionaries(st.sampled_from((*SIMILARITIES, "auto", "x")), st.floats() | JSON, max_size=3),
        "regularity": st.dictionaries(st.sampled_from((*REGULARITIES, "x")), st.floats() | JSON, max_size=3),
        "max_voxels": JSON,
        "seed": JSON,
        "device": JSON,
        "start": JSON,
        "uncertainty": st.sampled_from(["none", "auto", "cycle", "laplace"]) | JSON,
    },
)


@settings(max_examples=150)
@given(JSON | NEARLY)
def test_any_json_is_accepted_or_refused_in_words(data: Any) -> None:
    try:
        read = Settings.from_json(data)
    except InputError as error:
        str(error).encode("utf-8", "backslashreplace")
    else:
        assert Settings.from_json(json.loads(json.dumps(read.to_json()))) == read


@given(st.sampled_from(preset_names()), st.data())
def test_one_odd_value_in_a_preset_is_accepted_or_refused_in_words(name: str, data: st.DataObject) -> None:
    whole = load_preset(name).settings.to_json()
    key = data.draw(st.sampled_from(sorted(whole)))
    whole[key] = data.draw(JSON)
    with suppress(InputError):
        Settings.from_json(whole)


@pytest.mark.parametrize("number", [10**400, -(10**400), float("inf"), float("nan")])
def test_a_number_that_no_computer_holds_is_refused(number: float) -> None:
    with pytest.raises(InputError, match=r"settings.tolerance"):
        Settings.from_json({"tolerance": number})


def test_what_a_part_cannot_do_without_is_named() -> None:
    with pytest.raises(InputError, match=r"settings.stages\[0\] needs a value for 'iterations'"):
        Settings.from_json({"stages": [{"shrink": 2, "learning_rate": 0.5}]})
