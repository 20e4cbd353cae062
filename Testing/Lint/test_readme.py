"""What the documents tell people to type must work, and where they point to must exist."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

import pytest

from inr_registration.app.cli import VERBS, parse

ROOT = Path(__file__).resolve().parents[2]


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Code blocks of the documents in one language."""
    return [block for page in PAGES for block in re.findall(rf"```{language}\n(.*?)```", text_of(page), re.DOTALL)]


def test_the_python_examples_run() -> None:
    examples = blocks("python")
    assert examples
    for example in examples:
        names: dict[str, object] = {"__name__": "readme"}
        exec(compile(example, "a document", "exec"), names)
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
    known |= {"--index-url", "--all"}  # of pip, and of Testing/check.py
    named = {option for page in PAGES for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text_of(page))}
    assert len(named) > 15
    assert named - known == set()


def headings(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them."""
    titles = re.findall(r"(?m)^#+ (.*)$", text_of(page))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def everything(ending: str) -> list[Path]:
    """Files of the repository that end so; hidden folders, such as an environment, are not of it."""
    return [path for path in sorted(ROOT.rglob(f"*{ending}")) if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)]


@pytest.mark.parametrize("page", everything(".md"), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_to_files_of_the_repository_lead_somewhere(page: Path) -> None:
    for link, anchor in re.findall(r"\]\((?!http)([^)#]*)(?:#([^)]*))?\)", text_of(page)):
        goal = (page.parent / link).resolve() if link else page
        assert goal.exists(), f"{page.name}: {link}"
        assert not anchor or anchor in headings(goal), f"{page.name}: {link}#{anchor}"


def test_every_python_file_that_is_named_exists() -> None:
    there = [f"/{path.relative_to(ROOT).as_posix()}" for path in everything(".py")]
    named = {(page.name, name) for page in everything(".md") for name in re.findall(r"(?<![\w/-])(?:[\w-]+/)*[\w-]+\.py\b", text_of(page))}
    assert len(named) > 50
    assert {(page, name) for page, name in named if not any(path.endswith(f"/{name}") for path in there)} == set()


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\((\d{4}-[^)]*)\)", text_of(folder / "README.md"))
    assert listed == sorted(path.name for path in folder.glob("0*.md"))


def test_the_documents_are_as_short_as_they_promise() -> None:
    assert len(text_of(ROOT / "README.md").splitlines()) <= 120
    assert len(text_of(ROOT / "ARCHITECTURE.md").split()) <= 900
    assert len(text_of(ROOT / "CHANGELOG.md").splitlines()) <= 30


def test_continuous_integration_runs_the_readmes_test_command() -> None:
    command = "python Testing/check.py"
    assert command in commands()
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").rstrip().splitlines()[-1] == f"{command} --all"
    assert f"run: {command} --all" in (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
