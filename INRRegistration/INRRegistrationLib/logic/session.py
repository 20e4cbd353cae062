"""The registrations of one panel or script: from nodes to nodes, here and now or in the background. No widgets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from INRRegistrationLib.core.errors import InputError, RegistrationError
from INRRegistrationLib.core.progress import Progress
from INRRegistrationLib.core.result import Outcome
from INRRegistrationLib.core.settings import Settings
from INRRegistrationLib.job.messages import Ending, Failed, Finished, Updated
from INRRegistrationLib.job.pump import Pump
from INRRegistrationLib.job.run import Run, run_blocking
from INRRegistrationLib.logic import results
from INRRegistrationLib.logic.reading import read_task
from INRRegistrationLib.logic.work import Done, Task, perform
from INRRegistrationLib.scene.folding import Region
from INRRegistrationLib.scene.outputs import Outputs
from INRRegistrationLib.scene.read import Inputs
from INRRegistrationLib.scene.store import ResultNodes, find_result, restore_previous
from INRRegistrationLib.scene.watch import SceneWatch
from INRRegistrationLib.scene.write import write

THRESHOLD = 0.3
"""Regions with det J below this are listed beside those that fold, unless the user sets another."""


@dataclass(frozen=True)
class Started:
    """A run began in the background."""

    number: int


@dataclass(frozen=True)
class Progressed:
    """A run goes on.

    Args:
        progress: The newest.
        curve: The objective at each recorded iteration so far, all stages one after the other.
    """

    progress: Progress
    curve: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Ended:
    """A run is over.

    Args:
        outcome: Why; None where an error ended it.
        message: For the user.
        details: For a bug report: a traceback, or empty.
        nodes: The result, where there is one.
    """

    outcome: Outcome | None
    message: str
    details: str = ""
    nodes: ResultNodes | None = None


Event = Started | Progressed | Ended


class Session:
    """Starts runs, tells listeners how they go, and puts their results into the scene. One run at a time.

    Args:
        make_timer: Makes a timer for the pump, see ``Pump``; None where runs in the background are not needed.
    """

    def __init__(self, make_timer: Any = None) -> None:
        self._pump = None if make_timer is None else Pump(make_timer)
        self._listeners: list[Callable[[Event], object]] = []
        self._run: Run | None = None
        self._watch: SceneWatch | None = None
        self._curve: list[float] = []
        self._number = 0
        self._reason = ""
        self.asked = ""
        self.nodes: ResultNodes | None = None
        self.latest: results.Latest | None = None

    @property
    def running(self) -> bool:
        """Whether a run goes on."""
        return self._run is not None

    def listen(self, listener: Callable[[Event], object]) -> None:
        """Tell this function about every event, on the main thread."""
        self._listeners.append(listener)

    def unlisten(self, listener: Callable[[Event], object]) -> None:
        """Tell it no more."""
        self._listeners = [known for known in self._listeners if known != listener]

    def start(
        self,
        inputs: Inputs,
        outputs: Outputs,
        settings: Settings,
        threshold: float = THRESHOLD,
        progress: Callable[[float, str], object] | None = None,
        finished: Callable[[Ended], object] | None = None,
    ) -> int:
        """Begin a run in the background.

        Args:
            inputs: What to register. Copied before this returns.
            outputs: Nodes to be updated.
            settings: How.
            threshold: See ``THRESHOLD``.
            progress: Called with the share that is done and the phase.
            finished: Called at the end.

        Returns:
            The number of the run.

        Raises:
            InputError: Something cannot be used, or a run goes on already.
        """
        if self._pump is None:
            raise InputError("this session has no timer, so it can only register with wait=True")
        if self.running:
            raise InputError("a registration is running; stop or cancel it first")
        task = read_task(inputs, outputs, settings, threshold)
        self._number += 1
        self._curve, self._reason, self.asked = [], "", ""

        def advance(update: Updated) -> None:
            self._advance(update)
            if progress is not None:
                progress(update.progress.fraction, update.progress.phase)

        def end(ending: Ending) -> None:
            ended = self._end(ending, task, inputs, outputs)
            if finished is not None:
                finished(ended)

        self._run = Run(lambda report: perform(task, report), advance, end)
        self._watch = SceneWatch((inputs.fixed, inputs.moving), self._lost)
        self._pump.drive(self._run)
        self._tell(Started(self._number))
        return self._number

    def run(
        self,
        inputs: Inputs,
        outputs: Outputs,
        settings: Settings,
        threshold: float = THRESHOLD,
        progress: Callable[[float, str], object] | None = None,
    ) -> ResultNodes:
        """Register here and now. Arguments as for ``start``.

        Raises:
            InputError: Something cannot be used, or a run goes on already.
            RegistrationError: The run ended without a usable result.
        """
        if self.running:
            raise InputError("a registration is running; stop or cancel it first")
        task = read_task(inputs, outputs, settings, threshold)

        def advance(update: Updated) -> None:
            if progress is not None:
                progress(update.progress.fraction, update.progress.phase)

        done: Done = run_blocking(lambda report: perform(task, report), advance)
        if done.arrays is None:
            raise RegistrationError(done.result.message)
        return self._install(done, task, inputs, outputs)

    def stop(self) -> None:
        """Stop soon and keep the result so far."""
        if self._run is not None:
            self.asked = self.asked or "stop"
            self._run.stop()

    def cancel(self) -> None:
        """End at once and keep nothing."""
        if self._run is not None:
            self.asked = "cancel"
            self._run.cancel()

    def abandon(self) -> None:
        """Give up without a word and forget all results, for a scene that closes."""
        run, self._run = self._run, None
        self._forget_run()
        if run is not None:
            run.abandon(0.0)  # the pump goes on until the thread has ended
        self.nodes = self.latest = None

    def close(self) -> None:
        """Give up and wait for the thread, for a reload or the end of the application."""
        run = self._run
        self.abandon()
        if run is not None:
            run.abandon()
        if self._pump is not None:
            self._pump.stop()

    def missing(self, inputs: Inputs) -> str:
        """What is missing before a registration can start, in words; empty where nothing is."""
        return "" if self.running else results.missing(inputs)

    def choose(self, transform: Any) -> ResultNodes | None:
        """Look at the result that hangs on this transform node, for example after a scene was opened."""
        self.nodes = None if transform is None else find_result(transform)
        return self.nodes

    def report_html(self) -> str | None:
        """The same page as the command line writes; None where the images of the chosen result are no longer in memory."""
        return results.report_html(self.latest) if self.latest is not None and self._is_latest() else None

    def restore_previous(self) -> bool:
        """Put back what the chosen result's nodes held before the latest run; again, and the newer one is back."""
        return self.nodes is not None and restore_previous(self.nodes)

    def regions(self, threshold: float) -> tuple[Region, ...]:
        """List the folding regions of the chosen result, and those below ``threshold``, anew."""
        if self.nodes is None:
            return ()
        inputs = self.latest.inputs if self.latest is not None and self._is_latest() else None
        return results.list_regions(self.nodes, threshold, inputs)

    def _is_latest(self) -> bool:
        return self.latest is not None and self.nodes is not None and self.latest.nodes.transform is self.nodes.transform

    def _advance(self, update: Updated) -> None:
        self._curve += [point.terms["total"] for point in update.points if "total" in point.terms]
        self._tell(Progressed(update.progress, tuple(self._curve)))

    def _end(self, ending: Ending, task: Task, inputs: Inputs, outputs: Outputs) -> Ended:
        self._run = None
        self._forget_run()
        try:
            ended = self._ended(ending, task, inputs, outputs)
        except RegistrationError as error:
            ended = Ended(None, str(error))
        self._tell(ended)
        return ended

    def _ended(self, ending: Ending, task: Task, inputs: Inputs, outputs: Outputs) -> Ended:
        if isinstance(ending, Failed):
            return Ended(None, ending.text, ending.details)
        if not isinstance(ending, Finished):
            return Ended(Outcome.CANCELLED, self._reason or Outcome.CANCELLED.value)
        done: Done = ending.payload
        nodes = None if done.arrays is None else self._install(done, task, inputs, outputs)
        return Ended(done.result.outcome, done.result.message, results.details(done.result), nodes)

    def _install(self, done: Done, task: Task, inputs: Inputs, outputs: Outputs) -> ResultNodes:
        assert done.arrays is not None
        self.nodes = write(inputs, outputs, done.arrays)
        self.latest = results.Latest(inputs, task.problem, done.result, self.nodes)
        return self.nodes

    def _lost(self, node: Any) -> None:
        if node is None:
            self.abandon()
            self._tell(Ended(Outcome.CANCELLED, "The scene was closed during the registration; nothing was kept."))
            return
        self._reason = f"'{node.GetName()}' was removed from the scene during the registration; it was cancelled and nothing was kept."
        self.cancel()

    def _forget_run(self) -> None:
        self.asked = ""
        if self._watch is not None:
            self._watch.end()
            self._watch = None

    def _tell(self, event: Event) -> None:
        for listener in list(self._listeners):
            listener(event)
