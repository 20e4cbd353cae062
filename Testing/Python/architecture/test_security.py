"""What the package never does: run what a file says, call a shell, or reach for the network."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "INRRegistration"

UNPICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle"}
NETWORK = {
    "socket",
    "ssl",
    "http",
    "urllib",
    "urllib3",
    "requests",
    "httpx",
    "aiohttp",
    "ftplib",
    "smtplib",
    "telnetlib",
    "xmlrpc",
    "webbrowser",
}
BUILT_IN = {"eval", "exec", "compile", "__import__"}
CALLS = {
    "torch.load", "torch.hub.load", "torch.jit.load", "numpy.load", "np.load", "numpy.fromregex", "yaml.load", "yaml.unsafe_load",
    "os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "tempfile.mktemp", "pandas.read_pickle",
}  # fmt: skip
FLAGS = {"shell": True, "allow_pickle": True, "weights_only": False}
"""Keyword arguments that must not have this value, nor one that is only known when the program runs."""


def dotted(node: ast.expr) -> str:
    """``a.b.c`` for a name or an attribute of one, else an empty text."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) and node.level == 0 else []


def dangers(text: str) -> Iterator[str]:
    """Everything in a program that could run what a file says, or leave this machine."""
    for node in ast.walk(ast.parse(text)):
        yield from (f"import {name}" for name in imported(node) if name.split(".")[0] in UNPICKLERS | NETWORK)
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names if f"{node.module}.{alias.name}" in CALLS)
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            if name in CALLS | BUILT_IN:
                yield name
            for keyword in node.keywords:
                constant = keyword.value.value if isinstance(keyword.value, ast.Constant) else FLAGS.get(keyword.arg or "")
                if keyword.arg in FLAGS and constant is FLAGS[keyword.arg]:
                    yield f"{keyword.arg}={FLAGS[keyword.arg]}"


def test_no_file_is_unpickled_no_text_is_run_and_no_shell_or_network_is_used() -> None:
    sources = sorted(PACKAGE.rglob("*.py"))
    assert len(sources) > 150
    found = {str(path.relative_to(ROOT)): list(dangers(path.read_text(encoding="utf-8"))) for path in sources}
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from pickle import loads",
        "import urllib.request",
        "from torch import load",
        "import torch\ntorch.load('a')",
        "np.load('a.npy', allow_pickle=True)",
        "read('a', allow_pickle=wish)",
        "eval('1')",
        "import yaml\nyaml.load('a')",
        "import subprocess\nsubprocess.run('ls', shell=True)",
        "import os\nos.system('ls')",
        "def f():\n    from requests import get",
    ],
)
def test_the_check_can_fail(text: str) -> None:
    assert list(dangers(text))
    assert not list(dangers("import json\nimport re\nre.compile('a')\nsubprocess.run(['ls'], shell=False)\nmodel.load('a')"))


OFFLINE = """
import sys

def refuse(event, arguments):
    if event.startswith("socket.") or event in ("urllib.Request", "webbrowser.open", "ftplib.connect", "smtplib.connect"):
        raise SystemExit(f"the network was asked for: {event} {arguments}")

sys.addaudithook(refuse)
"""
"""Ends a process at the first socket that Python makes; an audit hook cannot be taken away again."""

VERBS = """
import json
from pathlib import Path

from inr_registration.app.cli.main import main

here = Path.cwd()
small = ["--quiet", "--threads", "1"]

def run(*words):
    status = main([str(word) for word in words])
    assert status == 0, (words, status)

run("demo", "--size", "small", "--preset", "quick", "--output", here / "demo", *small)
images = [here / "demo" / f"{name}.nii.gz" for name in ("fixed", "moving")]
landmarks = [f"--{name}-landmarks={here / 'demo' / name}_landmarks.csv" for name in ("fixed", "moving")]
run(*images, "--output", here / "result", "--preset", "quick", "--max-voxels", 20000, *landmarks, *small)
run("apply", here / "result" / "model.safetensors", images[1], here / "warped.nii.gz")
run("apply", here / "result" / "transform.h5", here / "demo" / "fixed_landmarks.csv", here / "moved.csv", "--to", "moving")
run("evaluate", here / "result" / "transform.h5", "--fixed", images[0], "--moving", images[1], *landmarks)
run("presets")
run("presets", "auto", "--json")
assert "Not for clinical use" in (here / "result" / "report.html").read_text(encoding="utf-8")
json.loads((here / "result" / "report.json").read_text(encoding="utf-8"))
"""


def offline(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program in a Python that may make no socket."""
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    command = [sys.executable, "-c", OFFLINE + program]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", timeout=600, check=False)


def test_every_verb_works_without_a_network(tmp_path: Path) -> None:
    done = offline(VERBS, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "the network was asked for" not in done.stderr


ASKING = {"socket": "import socket; socket.socket()", "urllib": "import urllib.request; urllib.request.urlopen('http://localhost:9')"}


@pytest.mark.parametrize("program", ASKING.values(), ids=ASKING.keys())
def test_a_program_that_asks_for_the_network_is_caught(program: str, tmp_path: Path) -> None:
    done = offline(program, tmp_path)
    assert done.returncode != 0
    assert "the network was asked for" in done.stderr
