"""Whether a discrete search before the fit helps where the motion is large: ``auto`` and ``large-motion`` on known diffeomorphisms.

    python Testing/Benchmarks/large_motion.py PAIRS [--only lung_ct_knownwarp ...] [--amplitudes 15 30] [--seeds 1] [--threads 2]

The moving image of each pair with landmarks is warped by the flow of a random smooth velocity (waves of 80 to 160 % of the wavelength),
scaled so that 95 % of the landmarks move by at most the amplitude, in mm; noise is added. A flow does not fold, however far it goes.
Landmarks whose fixed position leaves the image are left out.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage

from inr_registration.app import register
from inr_registration.core import Problem, Volume, load_preset
from inr_registration.io import read_image, read_points

Array = npt.NDArray[np.float64]

WAVELENGTH_MM = 150.0
WAVES = 24
STEPS = 8
NOISE = 0.01
"""Standard deviation, as a share of the intensity range from the first to the last percentile."""
RIM = 3
"""Voxels from the border within which landmarks are left out."""


class Flow:
    """Points carried by a stationary velocity for some time, by the midpoint rule."""

    def __init__(self, centre: Array, seed: int) -> None:
        generator = np.random.default_rng(seed)
        direction = generator.normal(size=(WAVES, 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        self.centre, self.time = centre, 1.0
        self.waves = direction * 2 * np.pi / (WAVELENGTH_MM * generator.uniform(0.8, 1.6, (WAVES, 1)))
        self.amplitudes, self.phases = generator.normal(size=(WAVES, 3)), generator.uniform(0, 2 * np.pi, WAVES)

    def velocity(self, points: Array) -> Array:
        return np.asarray(np.sin((points - self.centre) @ self.waves.T + self.phases) @ self.amplitudes)

    def __call__(self, points: Array, direction: float = 1.0) -> Array:
        step = direction * self.time / STEPS
        for _ in range(STEPS):
            points = points + step * self.velocity(points + step / 2 * self.velocity(points))
        return points

    def scaled(self, landmarks: Array, amplitude: float) -> Flow:
        """The same flow for so long that 95 % of these points come from at most ``amplitude`` mm away."""
        self.time = 1e-3
        for _ in range(30):
            self.time *= amplitude / np.percentile(np.linalg.norm(self(landmarks, -1.0) - landmarks, axis=1), 95)
        return self


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--amplitudes", type=float, nargs="+", default=[15.0, 30.0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print("| pair | amplitude mm | seed | before | auto | with the search | CPU s | with the search |\n|---|---|---|---|---|---|---|---|")
    for pair in sorted(entry for entry in arguments.pairs.iterdir() if (entry / "moving_landmarks.csv").exists()):
        if arguments.only and pair.name not in arguments.only:
            continue
        for amplitude in arguments.amplitudes:
            for seed in range(arguments.seeds):
                print(row(pair, amplitude, seed), flush=True)


def row(pair: Path, amplitude: float, seed: int) -> str:
    problem = warped(pair, amplitude, seed)
    errors, costs = [], []
    for preset in ("auto", "large-motion"):
        began = time.process_time()
        result = register(problem, load_preset(preset).settings)
        assert result.quality is not None, result.message
        costs.append(f"{time.process_time() - began:.0f}")
        errors.append(result.quality.tre_mm)
    before, *after = (f"{one['mean']:.2f} (95 %: {one['p95']:.2f})" for one in (errors[0]["before"], *(one["after"] for one in errors)))
    return f"| {pair.name} | {amplitude:g} | {seed} | {' | '.join([before, *after, *costs])} |"


def warped(pair: Path, amplitude: float, seed: int) -> Problem:
    """The pair's moving image, and the same through a flow as the fixed one."""
    moving = read_image(str(pair / "moving.nii.gz"), lambda _: None)
    grid, landmarks = moving.grid, read_points(pair / "moving_landmarks.csv").positions
    flow = Flow(grid.to_world((np.asarray(grid.size) - 1) / 2), seed).scaled(landmarks, amplitude)
    values = np.asarray(moving.values, np.float32)
    planes = [flow(plane.reshape(-1, 3).astype(np.float64)) for plane in grid.all_points()]
    index = np.stack([grid.to_index(plane).T[::-1] for plane in planes], axis=1)
    low, high = np.percentile(values, [1, 99])
    seen = ndimage.map_coordinates(values, index, order=1, mode="nearest").reshape(grid.shape)
    seen += np.random.default_rng(seed).normal(0, NOISE * (high - low), seen.shape).astype(np.float32)
    before = flow(landmarks, -1.0)
    assert np.abs(flow(before) - landmarks).max() < 0.05, "the flow needs more steps"
    place = grid.to_index(before)
    inside = ((place > RIM) & (place < np.asarray(grid.size) - 1 - RIM)).all(axis=1)
    return Problem(Volume(seen, grid, "fixed"), moving, fixed_landmarks=before[inside], moving_landmarks=landmarks[inside])


if __name__ == "__main__":
    main()
