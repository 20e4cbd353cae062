"""Feed readers with damaged bytes, guided by which lines of ours they reach.

    pip install . -r Testing/Benchmarks/requirements-fuzz.txt
    python Testing/Benchmarks/fuzz.py TARGET [--seconds 180] [--seed 1]

TARGET is one of those in ``Testing/odd/targets.py``. It ends at the first exception that is not ``InputError``, prints it and
leaves the bytes in a file ``crash-...`` in the current folder; a crash in a C++ library ends it likewise. The last lines say
how many inputs were tried.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # idle threads that spin take the cores from other processes
sys.path.append(str(Path(__file__).parents[1]))  # for odd

import atheris

with atheris.instrument_imports(include=["inr_registration"]):
    from odd.targets import TARGETS, changed_within

import torch

MEMORY = 6 * 2**30
"""Of this process, so that a header that declares more is refused as on a small computer."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=180)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    target = TARGETS[arguments.target]
    seeds = target.seeds()

    def mutated(data: bytes, most: int, seed: int) -> bytes:
        """Half of the time single places of a document, else single bytes."""
        draw = random.Random(seed)
        if target.structured and draw.random() < 0.5:
            return changed_within(draw.choice(seeds), draw.randrange)[:most]
        return atheris.Mutate(data, most)

    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds):
            (Path(folder) / f"seed-{number}").write_bytes(seed)
        longest = 2 * max(len(seed) for seed in seeds)
        options = [
            f"-max_total_time={arguments.seconds}",
            f"-seed={arguments.seed}",
            f"-max_len={longest}",
            "-rss_limit_mb=6000",
            "-timeout=60",
        ]
        words = [sys.argv[0], folder, "-print_final_stats=1", "-verbosity=1", *options]
        atheris.Setup(words, lambda data: (target.take(data), None)[1], custom_mutator=mutated)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
