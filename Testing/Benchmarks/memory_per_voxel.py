"""How much memory a registration takes for each voxel of its images, whatever it works on inside.

    python Testing/Benchmarks/memory_per_voxel.py [--sizes 192 256 320]

Two images of bytes, as large as each other, registered by ``quick`` on at most 100000 voxels; each size in a process of its own.
The slope of the peak by the number of voxels of one image is what both take together.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # for odd

import numpy as np
from odd.case import affine_of, blobs

from inr_registration.core import Grid, Problem, Volume, load_preset


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[192, 256, 320])
    parser.add_argument("--one", type=int, help="register this size here, and print the peak in bytes")
    arguments = parser.parse_args()
    if arguments.one:
        print(peak(arguments.one))
        return
    command = [sys.executable, __file__, "--one"]
    peaks = {n: int(subprocess.run([*command, str(n)], capture_output=True, text=True, check=True).stdout) for n in arguments.sizes}
    print("| voxels | peak MB |\n|---|---|")
    for n, size in peaks.items():
        print(f"| {n}^3 | {size / 1e6:.0f} |")
    voxels = [n**3 for n in peaks]
    print(f"\n{np.polyfit(voxels, list(peaks.values()), 1)[0]:.0f} bytes for each pair of voxels.")


def peak(n: int) -> int:
    """The most memory that this process had once it registered two images of n^3 voxels."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import resource

    from inr_registration.app import register

    side = 32
    grid = Grid((n, n, n), affine_of(2.0, (n, n, n)))
    small = blobs(Grid((side, side, side), affine_of(3.0, (side,) * 3)).all_points().astype(np.float64)) / 5
    repeated = np.tile(small.clip(0, 255).astype(np.uint8), (-(-n // side),) * 3)[:n, :n, :n]
    images = [Volume(np.ascontiguousarray(np.roll(repeated, by, axis=2)), grid, "image") for by in (0, 1)]
    register(Problem(*images), replace(load_preset("quick").settings, max_voxels=100_000))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
