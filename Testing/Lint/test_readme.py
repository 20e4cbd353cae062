"""What the documents tell people to type must work, and where they point to must exist."""

from __future__ import annotations

import argparse
import re
import runpy
import shlex
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

import inr_registration as inr
from inr_registration.app.cli import EXIT, RESULTS, VERBS, parse
from inr_registration.report import report_data

ROOT = Path(__file__).resolve().parents[2]


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Code blocks of the documents in one language."""
    return [block for page in PAGES for block in re.findall(rf"```{language}\n(.*?)```", text_of(page), re.DOTALL)]


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that the documents name, in the working folder."""
    monkeypatch.chdir(tmp_path)
    places = np.indices((24, 24, 24))[::-1].T * 2.0  # the middle of voxel (i, j, k), mm
    for name, middle in (("fixed", (22, 24, 24)), ("moving", (25, 23, 24))):
        ball = np.exp(-((places - middle) ** 2).sum(axis=-1) / 150)
        for ending, values in (("", 1000 * ball), ("_labels", (ball > 0.5).astype(np.uint8))):
            image = sitk.GetImageFromArray(values)
            image.SetSpacing((2.0, 2.0, 2.0))
            sitk.WriteImage(image, f"{name}{ending}.nii.gz")


@pytest.mark.usefixtures("images")
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
    known = {"--help", "--version"}
    for verb in VERBS.values():
        parser = argparse.ArgumentParser()
        verb.describe(parser)
        known |= {option for action in parser._actions for option in action.option_strings}
    known |= {"--index-url", "--all"}  # of pip, and of Testing/check.py
    named = {option for page in PAGES for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text_of(page))}
    assert len(named) > 15
    assert named - known == set()


def test_the_reference_has_every_option() -> None:
    told = text_of(ROOT / "docs" / "reference.md")
    for name, verb in VERBS.items():
        parser = argparse.ArgumentParser()
        verb.describe(parser)
        options = [option for action in parser._actions if action.help != argparse.SUPPRESS for option in action.option_strings]
        assert [option for option in options if not re.search(rf"`[^`]*{option}\b[^`]*`", told) and option not in ("-h", "--help")] == [], (
            name
        )


def test_the_reference_has_every_file_key_and_exit_status() -> None:
    told = text_of(ROOT / "docs" / "reference.md")
    image = inr.Volume(np.zeros((4, 4, 4)), inr.Grid((4, 4, 4), np.eye(4)))
    keys = report_data(inr.Problem(image, image), inr.Result(inr.Outcome.DIVERGED, "", {}))
    assert [name for name in [*RESULTS, *keys] if f"`{name}`" not in told] == []
    assert re.findall(r"(?m)^\| (\d+) \|", told) == re.findall(r"\b\d+\b", EXIT)


def test_the_page_of_presets_has_every_one() -> None:
    told = text_of(ROOT / "docs" / "presets.md")
    assert [name for name in inr.preset_names() if f"`{name}`" not in told] == []


def test_the_page_of_settings_is_what_the_script_prints() -> None:
    made = runpy.run_path(str(ROOT / "Testing" / "settings_page.py"))["page"]()
    assert text_of(ROOT / "docs" / "settings.md") == made, "run python Testing/settings_page.py > docs/settings.md"


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
