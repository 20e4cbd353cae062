"""Presets and SimpleITK's own methods on a folder of image pairs, in one run and one markdown table.

    python Testing/Benchmarks/pairs.py PAIRS [--presets auto quick] [--peers B-spline Demons] [--only NAME ...] [--threads 2]

A pair is a folder with ``fixed.nii.gz`` and ``moving.nii.gz``, and landmarks (``fixed_landmarks.csv``,
``moving_landmarks.csv``: LPS mm) or labels (``fixed_labels.nii.gz``, ``moving_labels.nii.gz``) or both.

Every method runs in a process of its own, which gives its peak memory, and writes an ITK transform; all transforms are
judged by ``inr-register evaluate``. Presets that need a centreline or an axis get that of the spine (``drawn.py``; CT only).
Seconds are from images in memory to the transform ready, imports left out. Folding (central differences that honour the
direction of the axes) and the SD of log det J are inside the fixed labels, or the Otsu foreground where there are none.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # idle threads that spin take the cores from other processes

from drawn import curves

PEERS = ["B-spline", "Demons"]


def main() -> None:
    arguments = parse()
    if arguments.worker:
        print(json.dumps(run_one(Path(arguments.pairs), arguments.worker, Path(arguments.transform), arguments.threads)))
        return
    names = sorted(entry.name for entry in Path(arguments.pairs).iterdir() if (entry / "fixed.nii.gz").exists())
    methods = [*arguments.presets, *(f"SimpleITK {peer}" for peer in arguments.peers)]
    print("| pair | method | TRE mm | Dice | folding % | SD log det | seconds | peak MiB |\n|---|---|---|---|---|---|---|---|")
    for name in arguments.only or names:
        with tempfile.TemporaryDirectory() as folder:
            for method in methods:
                print(row(Path(arguments.pairs) / name, method, Path(folder), arguments.threads), flush=True)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs")
    parser.add_argument("--presets", nargs="*", default=["auto"])
    parser.add_argument(
        "--peers", nargs="*", choices=["B-spline", "Demons"], default=["B-spline", "Demons"], help="SimpleITK's, beside them"
    )
    parser.add_argument("--only", nargs="+", help="names of pairs")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--transform", help=argparse.SUPPRESS)
    return parser.parse_args()


def row(pair: Path, method: str, folder: Path, threads: int) -> str:
    """One line of the table."""
    transform = folder / f"{method.replace(' ', '_')}.h5"
    command = [sys.executable, __file__, str(pair), "--worker", method, "--transform", str(transform), "--threads", str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"| {pair.name} | {method} | failed: {done.stderr.strip().splitlines()[-1][:80]} | | | | | |"
    cost = json.loads(done.stdout.splitlines()[-1])
    seen = judge(pair, transform, folder)
    tre, overlap = seen.get("tre_mm"), seen.get("dice")
    error = f"{tre['before']['mean']:.2f} → **{tre['after']['mean']:.2f}**" if tre else ""
    dice = ""
    if overlap:
        first, last = ([value[when] for value in overlap.values()] for when in ("before", "after"))
        dice = f"{sum(first) / len(first):.3f} → **{sum(last) / len(last):.3f}**"
    return (
        f"| {pair.name} | {method} | {error} | {dice} | {seen['folding_percent']:.4f} | {seen['sd_log_det']:.3f} "
        f"| {cost['seconds']:.1f} | {cost['peak_mib']:.0f} |"
    )


def judge(pair: Path, transform: Path, folder: Path) -> dict:
    """What ``inr-register evaluate`` says of a transform."""
    command = [sys.executable, "-m", "inr_registration", "evaluate", str(transform), "--fixed", str(pair / "fixed.nii.gz")]
    command += ["--fixed-mask", str(judging_mask(pair, folder))]
    for what, end in (("landmarks", "csv"), ("labels", "nii.gz")):
        if (pair / f"fixed_{what}.{end}").exists():
            command += [f"--fixed-{what}", str(pair / f"fixed_{what}.{end}"), f"--moving-{what}", str(pair / f"moving_{what}.{end}")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"evaluate failed on {pair.name}: {done.stderr}")
    return json.loads(done.stdout)


def judging_mask(pair: Path, folder: Path) -> Path:
    """The fixed labels, or the Otsu foreground of the fixed image."""
    import SimpleITK as sitk

    if (pair / "fixed_labels.nii.gz").exists():
        return pair / "fixed_labels.nii.gz"
    path = folder / "mask.nii.gz"
    if not path.exists():
        sitk.WriteImage(sitk.OtsuThreshold(sitk.ReadImage(str(pair / "fixed.nii.gz"), sitk.sitkFloat32), 0, 1), str(path))
    return path


def run_one(pair: Path, method: str, transform: Path, threads: int) -> dict[str, float]:
    """Register one pair by one method in this process; seconds and peak memory."""
    seconds = run_peer(pair, method, transform, threads) if method.startswith("SimpleITK") else run_preset(pair, method, transform, threads)
    return {"seconds": seconds, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def run_preset(pair: Path, preset: str, transform: Path, threads: int) -> float:
    import torch

    from inr_registration.app import register
    from inr_registration.core import Problem, load_preset
    from inr_registration.io import read_image, write_transform

    torch.set_num_threads(threads)
    fixed, moving = (read_image(str(pair / f"{side}.nii.gz"), lambda _: None) for side in ("fixed", "moving"))
    settings = load_preset(preset).settings
    problem = Problem(fixed, moving, **curves(settings.geometry, fixed))
    began = time.perf_counter()
    result = register(problem, settings)
    seconds = time.perf_counter() - began
    if result.transform is None:
        sys.exit(result.message)
    write_transform(transform, result.transform)
    return seconds


def run_peer(pair: Path, method: str, transform: Path, threads: int) -> float:
    import SimpleITK as sitk
    from simpleitk_peers import PEERS

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    fixed, moving = (sitk.ReadImage(str(pair / f"{side}.nii.gz"), sitk.sitkFloat32) for side in ("fixed", "moving"))
    began = time.perf_counter()
    result = PEERS[method](fixed, moving)
    seconds = time.perf_counter() - began
    if isinstance(result, sitk.CompositeTransform):
        result.FlattenTransform()
    sitk.WriteTransform(result, str(transform))
    return seconds


if __name__ == "__main__":
    main()
