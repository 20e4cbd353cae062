"""Whether a registration on the CPU gives the same model, bit for bit, in another process and with another number of threads.

    python Testing/Benchmarks/determinism.py [PAIR] [--presets auto quick ffd idir cycle] [--threads 1 1 2 3]

Without ``PAIR``, a folder with ``fixed.nii.gz`` and ``moving.nii.gz``, the textured ball is taken. Each run is a process of its own. One
row a preset: the first digits of the SHA-256 of all tensors of the model for each run, and the largest distance in mm from the map of
the first run, at the fixed voxels that the table of invariance takes too.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
from invariance import given
from metamorphic import textured_ball

from inr_registration.app import register
from inr_registration.core import Problem, load_preset
from inr_registration.maps import load

DIGITS = 8
SPACING = 2.0
"""Of the textured ball, mm."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pair", nargs="?")
    parser.add_argument("--presets", nargs="+", default=["auto", "quick", "ffd", "idir", "cycle-siren"])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 1, 2, 3])
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        one(arguments.pair, arguments.presets[0], arguments.threads[0], Path(arguments.one))
        return
    print(f"| preset | {' | '.join(f'{n} threads' for n in arguments.threads)} | largest distance, mm |")
    print(f"|---|{'---|' * (len(arguments.threads) + 1)}")
    for preset in arguments.presets:
        print(row(arguments.pair, preset, arguments.threads), flush=True)


def row(pair: str | None, preset: str, threads: list[int]) -> str:
    """All runs of one preset."""
    digests, maps = [], []
    for count in threads:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "map.npy"
            words = [sys.executable, __file__, *([pair] if pair else []), "--presets", preset, "--threads", str(count), "--one", str(place)]
            digests.append(json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)["sha256"])
            maps.append(np.load(place))
    off = max(float(np.linalg.norm(mapped - maps[0], axis=1).max()) for mapped in maps)
    return f"| {preset} | {' | '.join(digest[:DIGITS] for digest in digests)} | {off:.2g} |"


def one(pair: str | None, preset: str, threads: int, place: Path) -> None:
    """One run: prints the digest of its model and writes where it takes the places."""
    torch.set_num_threads(threads)
    images, points, _ = given(Path(pair)) if pair else (textured_ball.pair(SPACING), textured_ball.places(), None)
    result = register(Problem(*images), load_preset(preset).settings)
    assert result.model is not None, result.message
    digest = hashlib.sha256()
    for name in sorted(result.model.tensors):
        digest.update(name.encode() + np.ascontiguousarray(result.model.tensors[name]).tobytes())
    np.save(place, load(result.model).map(points))
    print(json.dumps({"sha256": digest.hexdigest()}))


if __name__ == "__main__":
    main()
