"""The page of results says what the tables beside it say, and the README what the page says."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "Testing" / "Benchmarks" / "results.py"))


def test_the_page_is_what_the_script_prints(results: dict[str, Any]) -> None:
    page = (ROOT / "Testing" / "Benchmarks" / "README.md").read_text(encoding="utf-8")
    assert page == results["page"](), "run python Testing/Benchmarks/results.py > Testing/Benchmarks/README.md"


def test_a_table_that_is_missing_is_told(results: dict[str, Any]) -> None:
    with pytest.raises(LookupError, match="no table that begins with 'tool'"):
        results["rows"]("PEERS.md", "Peers", "tool")


def test_the_best_is_the_least_error_or_the_most_overlap_and_may_be_shared(results: dict[str, Any]) -> None:
    pairs = [
        {"measure": "TRE mm", "a": "**1.80** (SD 0.2)", "b": "1.80", "c": "2.00"},
        {"measure": "Dice", "a": "0.7", "b": "0.6", "c": "**0.8** (folds 0.1 %)"},
    ]
    assert [results["best_on"](pairs, name, "abc") for name in "abc"] == [1, 1, 1]


def test_the_readme_says_what_the_tables_say(results: dict[str, Any]) -> None:
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    for section, words in (("Peers", "on {} of {} pairs"), ("Other pairs", "on {} of {} others")):
        pairs = results["rows"]("PEERS.md", section, "pair")
        tools = [name for name in pairs[0] if name not in ("pair", "measure", "before")]
        assert words.format(results["best_on"](pairs, "auto", tools), len(pairs)) in readme
    lattice, network = ("lattice", "network of the control points")
    found = {
        row["what moves the control points"]: row
        for row in results["rows"]("METHODS.md", "Does a network beat the lattice?", "what moves the control points")
    }
    for name in (lattice, network):
        error, _, seconds = found[name]["trunk_ct_knownwarp: TRE mm (SD), objective, s"].split(", ")
        assert f"{results['number'](error):.3g} mm in {seconds} s" in readme
    wrong = results["rows"]("VERDICTS.md", "Wrong pairs", "kind")
    assert f"Of {sum(int(row['cases']) for row in wrong)} wrong pairs {sum(int(row['RED']) for row in wrong)} are RED" in readme
