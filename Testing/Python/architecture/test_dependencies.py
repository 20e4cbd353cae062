"""Every dependency has a floor and a ceiling, and a workflow tests both ends of what they allow."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
WEEKLY = ROOT / ".github" / "workflows" / "weekly.yml"
REQUIREMENT = re.compile(r"^[A-Za-z][\w.-]*>=\d[\d.]*,<\d[\d.]*( *;.*)?$")


def requirements() -> list[str]:
    """What ``pyproject.toml`` asks for, with its extras; read by hand, since Python 3.10 has no parser for it."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lists = re.findall(r"^(?:dependencies|test|dev) = \[(.*?)\]$", text, re.MULTILINE | re.DOTALL)
    assert len(lists) == 3
    return [name for found in lists for name in re.findall(r'"([^"]+)"', found) if not name.startswith("inr-registration[")]


def workflow() -> dict[Any, Any]:
    data = yaml.safe_load(WEEKLY.read_text(encoding="utf-8"))
    assert isinstance(data, dict)
    return data


def test_every_dependency_has_a_floor_and_a_ceiling() -> None:
    assert len(requirements()) > 15
    assert [name for name in requirements() if not REQUIREMENT.match(name)] == []


@pytest.mark.parametrize("name", ["torch", "torch>=2.3", "torch<3", "torch==2.3"])
def test_a_dependency_without_both_is_seen(name: str) -> None:
    assert not REQUIREMENT.match(name)


def test_the_weekly_workflow_runs_by_itself_and_may_write_nothing() -> None:
    data = workflow()
    triggers = data[True]  # YAML reads the word "on" as true
    (cron,) = (entry["cron"] for entry in triggers["schedule"])
    assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", cron), "once a week"
    assert "workflow_dispatch" in triggers
    assert data["permissions"] == {"contents": "read"}


def test_the_weekly_workflow_tests_the_oldest_and_the_newest_versions() -> None:
    job = workflow()["jobs"]["test"]
    ends = job["strategy"]["matrix"]["include"]
    assert {end["versions"] for end in ends} == {"lowest-direct", "highest"}
    steps = [step.get("run", "") for step in job["steps"]]
    assert any('--resolution ${{ matrix.versions }} -e ".[test]"' in step for step in steps)
    assert "pytest ${{ matrix.options }}" in steps
    pythons = {end["python"] for end in ends}
    supported = re.search(r'requires-python = ">=(\d\.\d+),<(\d\.\d+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert supported
    first, beyond = (int(version.split(".")[1]) for version in supported.groups())
    assert {f"3.{first}", f"3.{beyond - 1}"} <= pythons
