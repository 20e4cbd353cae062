"""Closed-form derivatives beside the same mathematics through repeated ``autograd.grad``.

    python Testing/Benchmarks/derivatives.py [--points 4000] [--width 256] [--repeats 7] [--threads 2]

All arms evaluate the same sine network, form the same regularity term and take its gradient by the weights; they
alternate within one run. ``autograd.grad`` comes in two forms: with the Jacobian assembled in one tensor whose entries are
then differentiated, as the published INR code does, so that each entry's gradient runs through all rows; and row by row,
the leanest form that we know of. Printed: the largest relative difference of the term and of its gradient (float64), the
median seconds of an iteration (float32), and how many times slower than the closed form each is.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from torch import Tensor

from inr_registration.fields import Siren
from inr_registration.numerics import PAIRS
from inr_registration.terms import bending, symmetric_jacobian


def closed_form(network: Siren, points: Tensor, term: str) -> Tensor:
    """The term from derivatives carried forward with the value."""
    if term == "bending":
        second = network.evaluate(points, 2).second
        assert second is not None
        return bending(second)
    first = network.evaluate(points, 1).first
    assert first is not None
    return symmetric_jacobian(first)


def assembled(network: Siren, points: Tensor, term: str) -> Tensor:
    """The term by ``autograd.grad`` through one Jacobian tensor, as published."""
    x = points.detach().clone().requires_grad_(True)
    value = network(x)
    first = torch.stack([torch.autograd.grad(value[i].sum(), x, create_graph=True)[0] for i in range(3)])
    if term == "symmetric_jacobian":
        return symmetric_jacobian(first)
    full = [[torch.autograd.grad(first[i, d].sum(), x, create_graph=True)[0] for d in range(3)] for i in range(3)]
    return bending(_unique(full))


def row_by_row(network: Siren, points: Tensor, term: str) -> Tensor:
    """The term by ``autograd.grad`` through each row of the Jacobian alone."""
    x = points.detach().clone().requires_grad_(True)
    value = network(x)
    rows = [torch.autograd.grad(value[i].sum(), x, create_graph=True)[0] for i in range(3)]
    if term == "symmetric_jacobian":
        return symmetric_jacobian(torch.stack(rows))
    full = [[torch.autograd.grad(rows[i][d].sum(), x, create_graph=True)[0] for d in range(3)] for i in range(3)]
    return bending(_unique(full))


def _unique(full: list[list[Tensor]]) -> Tensor:
    return torch.stack([torch.stack([full[i][d][e] for d, e in PAIRS]) for i in range(3)])


ARMS = (closed_form, assembled, row_by_row)


def gradient(arm: Callable[..., Tensor], network: Siren, points: Tensor, term: str) -> tuple[Tensor, Tensor]:
    """The term and its gradient by all weights, joined."""
    value = arm(network, points, term)
    parts = torch.autograd.grad(value, list(network.parameters()), allow_unused=True)
    return value.detach(), torch.cat([p.reshape(-1) for p in parts if p is not None])


def difference(term: str, width: int) -> tuple[float, float]:
    """Largest relative differences of term and gradient between closed form and the others, float64, 500 points."""
    torch.set_default_dtype(torch.float64)
    network = Siren(width, 3, 32.0, False, torch.Generator().manual_seed(0))
    points = 2 * torch.rand(3, 500, generator=torch.Generator().manual_seed(1)) - 1
    (a, ga), *others = (gradient(arm, network, points, term) for arm in ARMS)
    torch.set_default_dtype(torch.float32)
    value = max(float((a - b).abs() / b.abs()) for b, _ in others)
    return value, max(float((ga - gb).abs().max() / gb.abs().max()) for _, gb in others)


def timings(term: str, width: int, count: int, repeats: int) -> list[float]:
    """Median seconds of an iteration of each arm, interleaved, the first round left out."""
    network = Siren(width, 3, 32.0, False, torch.Generator().manual_seed(0))
    points = 2 * torch.rand(3, count, generator=torch.Generator().manual_seed(1)) - 1
    seconds: list[list[float]] = [[] for _ in ARMS]
    for _ in range(repeats + 1):
        for arm, times in zip(ARMS, seconds, strict=True):
            began = time.perf_counter()
            gradient(arm, network, points, term)
            times.append(time.perf_counter() - began)
    return [statistics.median(times[1:]) for times in seconds]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=4000)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"SIREN 3x{arguments.width}, {arguments.points} points, {arguments.threads} threads, torch {torch.__version__}\n")
    print("| term | value differs by | gradient differs by | closed form s | as published s | row by row s |\n|---|---|---|---|---|---|")
    for term in ("symmetric_jacobian", "bending"):
        value, slope = difference(term, arguments.width)
        ours, published, lean = timings(term, arguments.width, arguments.points, arguments.repeats)
        times = f"{ours:.3f} | {published:.3f} ({published / ours:.1f}x) | {lean:.3f} ({lean / ours:.1f}x)"
        print(f"| {term} | {value:.1e} | {slope:.1e} | {times} |", flush=True)


if __name__ == "__main__":
    main()
