"""What the README tells people to type must work."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

import pytest

from inr_registration.app.cli import VERBS, parse

ROOT = Path(__file__).resolve().parents[2]


def blocks(language: str) -> list[str]:
    """Code blocks of the README in one language."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


def test_the_python_examples_run() -> None:
    examples = blocks("python")
    assert examples
    for example in examples:
        names: dict[str, object] = {"__name__": "readme"}
        exec(compile(example, "README.md", "exec"), names)
        assert names["result"].outcome.usable  # type: ignore[attr-defined]


def commands() -> list[str]:
    return [line.strip() for block in blocks("sh") for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize("command", [line for line in commands() if line.startswith("inr-register")])
def test_the_command_line_understands_the_commands(command: str) -> None:
    verb, _ = parse(shlex.split(command)[1:])
    assert verb in VERBS


def test_every_option_that_is_named_exists() -> None:
    known = {"--help"}
    for verb in VERBS.values():
        parser = argparse.ArgumentParser()
        verb.describe(parser)
        known |= {option for action in parser._actions for option in action.option_strings}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert len(named) > 8
    assert named - known == set()


def test_links_to_files_of_the_repository_lead_somewhere() -> None:
    for page in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if not link.startswith("http")]
        assert [link for link in links if not (ROOT / link).exists()] == [], page


def test_continuous_integration_runs_the_readmes_test_command() -> None:
    command = "python Testing/check.py"
    assert command in commands()
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").rstrip().splitlines()[-1] == f"{command} --all"
    assert f"run: {command} --all" in (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
