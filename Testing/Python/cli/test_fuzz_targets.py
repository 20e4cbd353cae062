"""The readers that are fuzzed by ``Testing/Benchmarks/fuzz.py``: valid content is accepted, and damage is an ``InputError`` at worst."""

from __future__ import annotations

import random

import pytest
from odd.targets import TARGETS, changed_within

CHANGES = 150


@pytest.mark.parametrize("name", TARGETS)
def test_valid_content_is_accepted(name: str) -> None:
    for seed in TARGETS[name].seeds():
        assert TARGETS[name].take(seed)


@pytest.mark.parametrize("name", [name for name, target in TARGETS.items() if target.structured])
def test_a_document_with_odd_values_is_accepted_or_refused(name: str) -> None:
    seeds, draw = TARGETS[name].seeds(), random.Random(7)
    found = [TARGETS[name].take(changed_within(draw.choice(seeds), draw.randrange)) for _ in range(CHANGES)]
    assert 0 < sum(found) < CHANGES


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_bytes_are_accepted_or_refused(name: str) -> None:
    seeds, draw = TARGETS[name].seeds(), random.Random(8)
    for _ in range(3 if name == "transform-h5" else CHANGES // 5):  # each of those takes a process of its own
        content = bytearray(draw.choice(seeds))
        for _ in range(draw.randrange(1, 8)):
            content[draw.randrange(len(content))] = draw.randrange(256)
        TARGETS[name].take(bytes(content))
        TARGETS[name].take(bytes(content[: draw.randrange(len(content))]))
