"""Many registrations one after the other in one process, some of which end badly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from Benchmarks.lasting.marks import Mark, mark

from inr_registration.app import register
from inr_registration.core import Command, Grid, InputError, Problem, Progress, Settings, Volume, load_preset
from inr_registration.report import report_html

PRESETS = ("auto", "quick", "ffd", "idir", "cycle-siren")
ENDINGS = ("kept", "kept", "stopped", "cancelled", "broken", "refused")
ROUND = 30
"""After so many runs every preset has had every ending."""


def small(settings: Settings) -> Settings:
    """The same method with a few iterations."""
    stages = tuple(replace(stage, iterations=4, points=min(stage.points, 400)) for stage in settings.stages)
    network = replace(settings.representation, width=min(settings.representation.width, 16))
    return replace(settings, stages=stages, representation=network, affine=replace(settings.affine, iterations=3), device="auto")


def pair(number: int) -> Problem:
    """Two balls on grids that are never the same again."""
    size = 16 + number % 3
    grid = Grid.from_geometry((size, size, size), [3.0 + 0.001 * number] * 3, [-24.0] * 3, np.eye(3))
    points = grid.all_points()
    balls = [np.exp(-(((points - shift) / 12) ** 2).sum(-1)) + 0.05 * np.sin(points[..., 0] / 4) for shift in (0.0, 2.0)]
    return Problem(*(Volume(ball.astype(np.float32), grid, name) for ball, name in zip(balls, ("fixed", "moving"), strict=True)))


def one(number: int) -> str:
    """One run; gives how it ended."""
    settings, ending = small(load_preset(PRESETS[number % len(PRESETS)]).settings), ENDINGS[number % len(ENDINGS)]
    problem = pair(number)
    if ending == "refused":
        problem = replace(problem, moving=Volume(np.zeros(problem.moving.grid.shape, np.float32), problem.moving.grid, "moving"))

    def report(progress: Progress) -> Command:
        if progress.phase != "fit" or ending in ("kept", "refused"):
            return Command.CONTINUE
        if ending == "broken":
            raise ZeroDivisionError("on purpose")
        return Command.STOP if ending == "stopped" else Command.CANCEL

    try:
        result = register(problem, settings, report)
    except (InputError, ZeroDivisionError) as error:
        return type(error).__name__
    if result.outcome.usable:
        report_html(problem, result)
    return result.outcome.name


def last(runs: int, every: int) -> Iterator[tuple[Mark, dict[str, int]]]:
    """Register again and again; a mark now and then, with how the runs have ended so far."""
    ended: dict[str, int] = {}
    for number in range(1, runs + 1):
        how = one(number)
        ended[how] = ended.get(how, 0) + 1
        if number % every == 0:
            yield mark(number), dict(ended)
