"""On the CPU the same run gives the same model, bit for bit, in another process and with another number of threads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import inr_registration

pytestmark = pytest.mark.slow

PACKAGE = Path(inr_registration.__file__).parents[1]
TESTING = Path(__file__).resolve().parents[2]

PROGRAM = """
import hashlib
import sys
from dataclasses import replace

import torch

from inr_registration.core.presets import load_preset
from inr_registration.core.problem import Problem
from inr_registration.app.registration import register
from metamorphic import textured_ball

torch.set_num_threads(int(sys.argv[1]))
problem = Problem(*textured_ball.pair(2.0))
for preset, iterations in (("auto", 3), ("idir", 5)):
    settings = load_preset(preset).settings
    affine = replace(settings.affine, iterations=8)
    settings = replace(settings, affine=affine, stages=tuple(replace(stage, iterations=iterations) for stage in settings.stages))
    result = register(problem, replace(settings, device="cpu"))
    digest = hashlib.sha256()
    for name, tensor in sorted(result.model.tensors.items()):
        digest.update(name.encode() + tensor.tobytes())
    print(preset, digest.hexdigest())
"""


def models(threads: int) -> list[str]:
    """Digests of the models that a process of its own fits."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PACKAGE), str(TESTING)]), "OMP_NUM_THREADS": "3"}
    command = [sys.executable, "-c", PROGRAM, str(threads)]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_another_process_with_other_threads_fits_the_same_model() -> None:
    others = 3 if torch.backends.mkl.is_available() else 1  # without MKL, matrix products may depend on the number of threads
    first, second = models(1), models(others)
    assert [line.split()[0] for line in first] == ["auto", "idir"]
    assert first == second
