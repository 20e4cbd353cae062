"""Whether the map depends on how the same pair is given: voxel order, flips, units of intensity, padding, place in the world, file format.

    python Testing/Benchmarks/invariance.py [PAIR] [--presets stiff quick auto ffd network] [--formats quick] [--seeds 1]

Without ``PAIR``, a folder with ``fixed.nii.gz`` and ``moving.nii.gz``, the textured ball is taken, whose warp is known. One table: for
each way to give the pair, the largest and the mean distance in mm between where the two maps take the same places in the body, after
the change of the world, if there was one, is undone. The first rows are the yardstick: the error against the truth, and what another
seed changes. With ``--seeds N``, a map is the mean over so many seeds: what is left then is not the noise of the fit. Formats are tried
with the presets that ``--formats`` names; they differ by the reader only.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import numpy.typing as npt
import torch
from metamorphic import textured_ball
from metamorphic.formats import FORMATS, through_file
from metamorphic.stiff import STIFF
from metamorphic.variations import Map, Pair, flipped, in_memory

from inr_registration.app import register
from inr_registration.core import Affine, Problem, Settings, Stage, load_preset
from inr_registration.io import read_image
from inr_registration.maps import load

Array = npt.NDArray[np.float64]

POINTS = 3000
NETWORK = "network"
"""A small one: what ``idir`` is, with fewer neurons and iterations."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pair", type=Path, nargs="?")
    parser.add_argument("--presets", nargs="+", default=["stiff", "quick", "auto", "ffd", NETWORK])
    parser.add_argument("--formats", nargs="*", default=["quick"])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    pair, points, truth = (
        given(arguments.pair) if arguments.pair else (textured_ball.pair(), textured_ball.places(POINTS), textured_ball.warp)
    )
    columns = [column(settings_of(name), arguments.seeds, pair, points, truth, name in arguments.formats) for name in arguments.presets]
    print(f"| largest, mean difference in mm | {' | '.join(arguments.presets)} |\n|---|{'---|' * len(columns)}")
    for name in dict.fromkeys(name for found in columns for name in found):
        print(f"| {name} | {' | '.join(found.get(name, '') for found in columns)} |")


def given(folder: Path) -> tuple[Pair, Array, None]:
    """A pair of files, and places where the fixed image is not background."""
    fixed, moving = (read_image(folder / f"{name}.nii.gz", lambda _: None) for name in ("fixed", "moving"))
    low, high = np.percentile(fixed.values, [1, 99])
    seen = np.argwhere(fixed.values > low + 0.1 * (high - low))[:, ::-1]
    chosen = np.random.default_rng(0).integers(len(seen), size=POINTS)
    return (fixed, moving), fixed.grid.to_world(seen[chosen]), None


def settings_of(name: str) -> Settings:
    if name == "stiff":
        return STIFF
    if name != NETWORK:
        return load_preset(name).settings
    idir = load_preset("idir").settings
    small = replace(idir.representation, width=32, depth=2)
    stages = (Stage(4, 100, 2e-3, 3000), Stage(2, 100, 1.4e-3, 3000))
    return replace(idir, representation=small, stages=stages, affine=Affine("affine", 60))


def fitted(pair: Pair, settings: Settings, seeds: int, first: int = 0) -> Map:
    """The map of a pair, the mean over some seeds."""
    maps = []
    for seed in range(first, first + seeds):
        result = register(Problem(*pair), replace(settings, seed=seed))
        assert result.model is not None, result.message
        maps.append(load(result.model).map)
    return lambda points: np.mean([phi(points) for phi in maps], axis=0)


def column(settings: Settings, seeds: int, pair: Pair, points: Array, truth: Map | None, with_formats: bool) -> dict[str, str]:
    """Differences by the name of what was changed."""
    found: dict[str, str] = {}

    def add(name: str, phi: Map) -> None:
        off = np.linalg.norm(phi(points) - reference, axis=1)
        found[name] = f"{off.max():.2g}, {off.mean():.2g}"
        print(f"{name}: {found[name]}", file=sys.stderr, flush=True)

    reference = fitted(pair, settings, seeds)(points)
    if truth is not None:
        add("(error against the truth)", truth)
    add("(the same again)", fitted(pair, settings, seeds))
    add("(another seed)", fitted(pair, settings, seeds, first=seeds))
    for variation in in_memory():
        add(variation.name, variation.back(fitted(variation(pair), settings, seeds)))
    if with_formats:
        for name, again in through_files(pair):
            add(name, fitted(again, settings, seeds))
    return found


def through_files(pair: Pair) -> Iterator[tuple[str, Pair]]:
    """Both images as each format gives them back; a left-handed moving image too, which has to become other headers."""
    for name, write in FORMATS.items():
        with tempfile.TemporaryDirectory() as folder:
            again = tuple(through_file(volume, write, Path(folder) / str(n)) for n, volume in enumerate((*pair, flipped(pair[1]))))
        yield name, (again[0], again[1])
        yield f"{name}; moving left-handed", (again[0], again[2])


if __name__ == "__main__":
    main()
