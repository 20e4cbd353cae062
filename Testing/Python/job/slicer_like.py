"""Runs under a Qt event loop that holds the interpreter lock, as 3D Slicer's does: one way of driving a fit, in a process of its own.

    python slicer_like.py WAY KIND [SECONDS]     prints one line of JSON

WAY is ``pump`` (as the product does it, from start to end), ``turns`` (the pump, and by turns the main thread asleep, when nothing
holds the fit up: the rate to compare with), ``naive`` (a thread, an event loop and nothing else), ``cancel`` (the pump, with a cancel
and a second run after it) or ``import`` (the pump, while torch is imported). KIND is a kind of representation. SECONDS is the longest
time for the event loop. Except for ``import``, torch is loaded beforehand. Needs INRRegistration on PYTHONPATH.
"""

from __future__ import annotations

import ctypes
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from inr_registration.core import Affine, Command, Grid, Problem, Progress, Report, Representation, Settings, Stage, Volume
from inr_registration.slicer.job import Ending, Finished, Pump, Run, Updated, living, prepare_environment, stop_all

SIZE = (40, 38, 36)
ITERATIONS = 150
ENDLESS = 1_000_000
TURN_S = 0.7


def a_problem() -> Problem:
    """Two smooth images that differ by a shift of two voxels."""
    grid = Grid.from_geometry(SIZE, (1.5, 1.5, 1.5), (0.0, 0.0, 0.0), np.eye(3))
    points = grid.all_points().astype(np.float64)
    images = [np.sin((points - shift) / [6, 7, 8]).prod(axis=-1).astype(np.float32) for shift in (0.0, 3.0)]
    return Problem(Volume(images[0], grid, "fixed"), Volume(images[1], grid, "moving"))


def settings_for(kind: str, iterations: int) -> Settings:
    network = kind == "siren"
    return Settings(
        representation=Representation("siren", 64, 2) if network else Representation("velocity"),
        similarity={"ncc": 1.0} if network else {"local_ncc": 1.0},
        regularity={"bending": 0.1} if network else {"diffusion": 0.2},
        affine=Affine("none"),
        stages=(Stage(1, iterations, 1e-3, 1500),) if network else (Stage(1, iterations, 0.3),),
        device="cpu",
    )


class Fit:
    """The real fit as work, with the time of each report of an iteration."""

    def __init__(self, kind: str, iterations: int = ITERATIONS) -> None:
        self.settings, self.times = settings_for(kind, iterations), list[float]()

    def __call__(self, report: Report) -> str:
        from inr_registration.app import register

        def timed(progress: Progress) -> Command:
            if progress.phase == "fit":
                self.times.append(time.perf_counter())
            return report(progress)

        return register(a_problem(), self.settings, timed).outcome.value

    @property
    def rate(self) -> float:
        """Iterations a second."""
        return (len(self.times) - 1) / (self.times[-1] - self.times[0]) if len(self.times) > 1 else 0.0

    def between(self, begin: float, end: float) -> float:
        """Iterations a second between two times; 0 if the fit had not begun then."""
        if not self.times or self.times[0] > begin:
            return 0.0
        return float(np.diff(np.searchsorted(self.times, [begin, end]))[0]) / (end - begin)


def load_engine() -> None:
    """Import everything that a fit will need."""
    import torch

    import inr_registration.app.registration  # noqa: F401

    torch.optim.Adam([torch.zeros(1, requires_grad=True)])


class Application:
    """A Qt application without windows whose event loop never gives the interpreter lock away by itself."""

    def __init__(self) -> None:
        import PySide6
        from PySide6.QtCore import QCoreApplication, QTimer

        self.make, self.app = QTimer, QCoreApplication([])
        self.ticks: list[float] = []
        self._core = ctypes.PyDLL(str(Path(PySide6.__path__[0]) / "Qt" / "lib" / "libQt6Core.so.6"))

    def timer(self, function: Callable[[], None], interval_ms: int = 0) -> Any:
        timer = self.make()
        timer.setInterval(interval_ms)
        timer.timeout.connect(function)
        return timer

    def noted_sleep(self, seconds: float) -> None:
        """What the pump sleeps with; the times between two calls are those in which the window cannot move."""
        self.ticks.append(time.perf_counter())
        time.sleep(seconds)

    def exec(self, seconds: float) -> None:
        """Run the event loop until ``quit``, or so many seconds."""
        end = self.timer(self.quit, int(1000 * seconds))
        end.start()
        self._core._ZN16QCoreApplication4execEv()
        end.stop()

    def quit(self) -> None:
        self.app.quit()

    def worst_gap_ms(self) -> float:
        return 1000 * float(np.diff(self.ticks).max()) if len(self.ticks) > 1 else float("inf")


def drive(application: Application, run: Run, seconds: float) -> Pump:
    """Pump until the thread of the run has ended."""
    pump = Pump(application.timer, application.noted_sleep)
    pump.drive(run)

    def look() -> None:
        if not pump.active:
            application.quit()

    watch = application.timer(look, 20)
    watch.start()
    application.exec(seconds)
    watch.stop()
    return pump


def turns(kind: str, seconds: float) -> dict[str, Any]:
    """The pump and a sleeping main thread by turns of ``TURN_S``, so that what else the machine does falls on both alike."""
    fit, application, began = Fit(kind, ENDLESS), Application(), list[tuple[float, float]]()
    run = Run(fit, lambda _: None, lambda _: None)

    def sleep() -> None:
        began.append((time.perf_counter(), 0.0))
        time.sleep(TURN_S)
        began[-1] = (began[-1][0], time.perf_counter())

    alternate = application.timer(sleep, int(2000 * TURN_S))
    alternate.start()
    drive(application, run, seconds)
    alternate.stop()
    rates = [(fit.between(began[n][1], later[0]), fit.between(*later)) for n, later in enumerate(began[1:])]
    rates = [(pumped, asleep) for pumped, asleep in rates if asleep > 0]
    pumped, asleep = np.median(rates, axis=0)
    return {"rate": pumped, "free_rate": asleep, "ratio": float(np.median([p / a for p, a in rates])), "ended": run.abandon(60)}


def pumped(kind: str, seconds: float) -> dict[str, Any]:
    fit, application, updates, endings = Fit(kind), Application(), list[Updated](), list[Ending]()
    pump = drive(application, Run(fit, updates.append, endings.append), seconds)
    points = [point.iteration for update in updates for point in update.points]
    return {
        "rate": fit.rate,
        "worst_gap_ms": application.worst_gap_ms(),
        "updates": len(updates),
        "points": len(points),
        "in_order": points == sorted(points),
        "finished": [isinstance(ending, Finished) for ending in endings],
        "timer": pump.active,
    }


def naive(kind: str, seconds: float) -> dict[str, Any]:
    fit, application = Fit(kind, ENDLESS), Application()
    run = Run(fit, lambda _: None, lambda _: None)
    began = time.perf_counter()
    application.exec(seconds)
    rate = len(fit.times) / (time.perf_counter() - began)
    return {"rate": rate, "ended": run.abandon(60)}


def cancelled(kind: str, seconds: float) -> dict[str, Any]:
    """Cancel in the middle of the fit, and start another run at once."""
    application, fits, marks = Application(), [Fit(kind), Fit(kind)], dict[str, float]()
    pump = Pump(application.timer, application.noted_sleep)

    def again(_: Ending) -> None:
        marks["told"] = time.perf_counter()
        pump.drive(Run(second, lambda _: None, lambda _: application.quit()))

    def second(report: Report) -> str:
        marks["next"] = time.perf_counter()
        marks["living"] = len(living())
        return fits[1](report)

    def update(update: Updated) -> None:
        if update.progress.phase == "fit" and update.progress.iteration >= 20 and "asked" not in marks:
            click.start()

    def clicked() -> None:
        click.stop()
        marks["asked"] = time.perf_counter()
        first.cancel()

    click = application.timer(clicked)
    first = Run(fits[0], update, again)
    pump.drive(first)
    application.exec(seconds)
    return {
        "told_ms": 1000 * (marks["told"] - marks["asked"]),
        "thread_ended_ms": 1000 * (fits[0].times[-1] - marks["asked"]),
        "next_ms": 1000 * (marks["next"] - marks["asked"]),
        "living": marks["living"],
        "overlap": fits[1].times[0] < fits[0].times[-1],
        "second_rate": fits[1].rate,
        "stopped": stop_all(60),
    }


def importing(_: str, seconds: float) -> dict[str, Any]:
    """Import the engine in the worker, with what torch loads when it makes its first optimiser."""
    application, took = Application(), list[float]()

    def work(_: Report) -> None:
        began = time.perf_counter()
        load_engine()
        took.append(time.perf_counter() - began)

    drive(application, Run(work, lambda _: None, lambda _: None), seconds)
    gaps = sorted(1000 * np.diff(application.ticks), reverse=True)
    return {"import_s": took[0], "worst_gap_ms": gaps[0], "gaps_over_100_ms": [round(gap) for gap in gaps if gap > 100]}


WAYS = {"pump": pumped, "turns": turns, "naive": naive, "cancel": cancelled, "import": importing}


def main() -> None:
    way, kind, *rest = sys.argv[1:]
    prepare_environment()
    if way != "import":
        load_engine()
    json.dump(WAYS[way](kind, float(rest[0]) if rest else 120.0), sys.stdout)


if __name__ == "__main__":
    main()
