"""A process that has registered and then forks, as multiprocessing does on Linux: its children register too."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

RUN = """
import multiprocessing, os, sys, warnings
from concurrent.futures import ProcessPoolExecutor
import numpy as np
import torch
from inr_registration.core.grid import Grid
from inr_registration.core.presets import load_preset
from inr_registration.core.problem import Problem
from inr_registration.core.volume import Volume
from inr_registration.app.registration import register

def run(_):
    grid = Grid((48, 48, 48), np.diag([2.0, 2, 2, 1]))
    p = grid.all_points().astype(float)
    ball = lambda c: Volume(np.exp(-((p - c) ** 2).sum(-1) / 400).astype(np.float32), grid)
    return register(Problem(fixed=ball([46, 46, 46]), moving=ball([50, 46, 44])), load_preset("quick").settings).warped.values.tobytes()

if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of forks where there are threads
    torch.set_num_threads(2)
    own = run(0)
    how = sys.argv[1]
    if how == "pool":
        with multiprocessing.get_context("fork").Pool(2) as pool:
            theirs = pool.map(run, range(2))
    elif how == "executor":
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
            theirs = [pool.submit(run, 0).result()]
    else:
        read, write = os.pipe()
        if os.fork() == 0:
            with os.fdopen(write, "wb") as out:
                out.write(run(0))
            os._exit(0)
        os.close(write)
        with os.fdopen(read, "rb") as answer:
            theirs = [answer.read()]
    assert run(0) == own  # the parent goes on as before
    assert torch.get_num_threads() == 2
    print(all(one == own for one in theirs))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.parametrize("how", ["pool", "executor", "fork"])
def test_forked_children_register_and_get_the_same_bits(how: str) -> None:
    done = subprocess.run([sys.executable, "-c", RUN, how], capture_output=True, text=True, timeout=900)
    assert done.stdout.strip() == "True", done.stderr
