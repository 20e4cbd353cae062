"""The registrations of one panel or script: from nodes to nodes, here and now or in the background. No widgets."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inr_registration.core.errors import InputError, RegistrationError
from inr_registration.core.progress import Command, Report
from inr_registration.core.result import Outcome
from inr_registration.core.settings import Settings
from inr_registration.slicer.job.messages import Ending, Failed, Finished, Updated
from inr_registration.slicer.job.pump import Pump
from inr_registration.slicer.job.run import Run, run_blocking
from inr_registration.slicer.job.worker import failure
from inr_registration.slicer.logic import results
from inr_registration.slicer.logic.events import Ended, Listener, Listeners, Progressed, Started, call_finished
from inr_registration.slicer.logic.reading import read_recorded
from inr_registration.slicer.logic.record import Record
from inr_registration.slicer.logic.work import Done, Task, perform
from inr_registration.slicer.scene.folding import Region
from inr_registration.slicer.scene.outputs import Outputs, usable_outputs
from inr_registration.slicer.scene.read import Inputs
from inr_registration.slicer.scene.relist import list_regions
from inr_registration.slicer.scene.store import ResultNodes, find_result, restore_previous
from inr_registration.slicer.scene.watch import SceneWatch
from inr_registration.slicer.scene.write import write

THRESHOLD = 0.3
"""Regions with det J below this are listed beside those that fold, unless the user sets another."""
CLOSED = "The scene was closed during the registration; nothing was kept."
LEFT = "The module was reloaded, or the application ended, during the registration; nothing was kept."
COMMANDS = {"": Command.CONTINUE, "stop": Command.STOP, "cancel": Command.CANCEL}

log = logging.getLogger(__name__)


class Session:
    """Starts runs, tells listeners how they go, and puts their results into the scene. One run at a time.

    Args:
        make_timer: Makes a timer for the pump, see ``Pump``; None where runs in the background are not needed.
        logs: Folder for a log file of each run; None for none.
    """

    def __init__(self, make_timer: Any = None, logs: Path | None = None) -> None:
        self._pump = None if make_timer is None else Pump(make_timer)
        self._listeners = Listeners()
        self._run: Run | None = None
        self._waiting = False  # for a run without a thread
        self._finished: Callable[[Ended], object] | None = None
        self._watch: SceneWatch | None = None
        self._curve: list[float] = []
        self._logs = logs
        self._number, self._reason, self.asked = 0, "", ""
        self.nodes: ResultNodes | None = None
        self.latest: results.Latest | None = None
        self.record: Record | None = None

    @property
    def running(self) -> bool:
        """Whether a run goes on, in the background or in the calling thread."""
        return self._run is not None or self._waiting

    def listen(self, listener: Listener) -> None:
        """Tell this function about every event, on the main thread."""
        self._listeners.add(listener)

    def unlisten(self, listener: Listener) -> None:
        """Tell it no more."""
        self._listeners.remove(listener)

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
        task, record = self._begin(inputs, outputs, settings, threshold)
        self._number, self._finished = self._number + 1, finished

        def advance(update: Updated) -> None:
            record.heard(update.progress)
            self._advance(update)
            if progress is not None:
                progress(update.progress.fraction, update.progress.phase)

        self._run = Run(lambda report: _work(task, record, report), advance, lambda ending: self._end(ending, task, inputs, outputs))
        self._pump.drive(self._run)
        self._listeners.tell(Started(self._number))
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
        task, record = self._begin(inputs, outputs, settings, threshold)
        try:
            done = self._work_here(task, record, progress)
            if self._reason or done.arrays is None:
                record.end(self._reason, None if self._reason else done.result)
                raise RegistrationError(self._reason or done.result.message)
            ended = self._install(done, task, inputs, outputs)
        except BaseException as error:  # an interrupt too
            record.end(failure(error).text, traceback=failure(error).details)
            raise
        if ended.message != done.result.message:
            log.warning(ended.message)
        self._listeners.tell(ended)  # a panel shows it
        return ended.nodes

    def _work_here(self, task: Task, record: Record, progress: Callable[[float, str], object] | None) -> Done:
        self._waiting = True

        def advance(update: Updated) -> Command:
            record.heard(update.progress)
            if progress is not None:
                progress(update.progress.fraction, update.progress.phase)
            return COMMANDS[self.asked]  # the function above may let the window live, and a click there counts

        try:
            done: Done = run_blocking(lambda report: _work(task, record, report), advance)
        finally:
            self._waiting = False
            self._forget_run()
        return done

    def refuse(self, settings: Settings, message: str) -> None:
        """Remember why a run could not even be asked for."""
        self.record = Record(settings)
        self.record.refused(message)

    def stop(self) -> None:
        """Stop soon and keep the result so far."""
        if self.running:
            self.asked = self.asked or "stop"
        if self._run is not None:
            self._run.stop()

    def cancel(self) -> None:
        """End at once and keep nothing."""
        if self.running:
            self.asked = "cancel"
        if self._run is not None:
            self._run.cancel()

    def abandon(self) -> None:
        """Forget all results and give up a run, for a scene that closes; who listens hears that it ended."""
        if self._give_up(CLOSED):
            self._tell_end(Ended(Outcome.CANCELLED, CLOSED, self.record.text))

    def close(self) -> None:
        """Give up and wait for the threads, those of cancelled runs too, for a reload or the end of the application. Nobody is told."""
        self._give_up(LEFT)
        self._finished = None
        if self._pump is not None:
            for run in self._pump.runs:
                run.abandon()
            self._pump.stop()

    def missing(self, inputs: Inputs, wanted: tuple[str, ...] = ()) -> str:
        """What is missing before a registration can start, in words; empty where nothing is. ``wanted``: see ``results.missing``."""
        return "" if self.running else results.missing(inputs, wanted)

    def choose(self, transform: Any) -> ResultNodes | None:
        """Look at the result that hangs on this transform node, for example after a scene was opened."""
        self.nodes = None if transform is None else find_result(transform)
        return self.nodes

    def report_html(self) -> str | None:
        """The same page as the command line writes; None where the chosen result is not that of the latest run."""
        return (self.latest.page or None) if self.latest is not None and self._is_latest() else None

    def restore_previous(self) -> bool:
        """Put back what the chosen result's nodes held before the latest run; again, and the newer one is back."""
        return self.nodes is not None and restore_previous(self.nodes)

    def regions(self, threshold: float) -> tuple[Region, ...]:
        """List the folding regions of the chosen result, and those below ``threshold``, anew."""
        if self.nodes is None:
            return ()
        structures = self.latest.structures if self.latest is not None and self._is_latest() else ()
        return list_regions(self.nodes, threshold, structures)

    def _is_latest(self) -> bool:
        return self.latest is not None and self.nodes is not None and self.latest.nodes.transform is self.nodes.transform

    def _begin(self, inputs: Inputs, outputs: Outputs, settings: Settings, threshold: float) -> tuple[Task, Record]:
        """What both kinds of run begin with."""
        if self.running:
            raise InputError("a registration is running; stop or cancel it first")
        self.record = record = Record(settings, [*inputs.nodes(), *filter(None, vars(outputs).values())], self._logs)
        task = read_recorded(record, inputs, outputs, settings, threshold)
        self._curve, self._reason, self.asked = [], "", ""
        self._watch = SceneWatch((inputs.fixed, inputs.moving), self._lost)
        return task, record

    def _advance(self, update: Updated) -> None:
        self._curve += [point.terms["total"] for point in update.points if "total" in point.terms]
        self._listeners.tell(Progressed(update.progress, tuple(self._curve)))

    def _end(self, ending: Ending, task: Task, inputs: Inputs, outputs: Outputs) -> None:
        self._run = None
        self._forget_run()
        try:
            ended = self._ended(ending, task, inputs, outputs)
        except Exception as error:  # whatever it is: those who listen must hear that the run is over
            log.error("the result could not be put into the scene", exc_info=error)
            said = f"The result could not be put into the scene: {failure(error).text}"
            ended = Ended(None, said, self.record.end(said, traceback=failure(error).details))
        self._tell_end(ended)

    def _tell_end(self, ended: Ended) -> None:
        finished, self._finished = self._finished, None  # before anybody starts the next run
        self._listeners.tell(ended)
        call_finished(finished, ended)

    def _ended(self, ending: Ending, task: Task, inputs: Inputs, outputs: Outputs) -> Ended:
        if isinstance(ending, Failed):
            return Ended(None, ending.text, self.record.end(ending.text, traceback=ending.details))
        if not isinstance(ending, Finished):
            said = self._reason or Outcome.CANCELLED.value
            return Ended(Outcome.CANCELLED, said, self.record.end(said))
        done: Done = ending.payload
        if done.arrays is not None:
            return self._install(done, task, inputs, outputs)
        return Ended(done.result.outcome, done.result.message, self.record.end("", done.result))

    def _install(self, done: Done, task: Task, inputs: Inputs, outputs: Outputs) -> Ended:
        """The ending with its nodes; it says where they are not those that were asked for."""
        outputs, note = usable_outputs(inputs, outputs)
        self.nodes = write(inputs, outputs, done.arrays)
        message = f"{done.result.message} {note}".rstrip()
        text = self.record.end(message, done.result)
        self.latest = results.Latest(done.result, self.nodes, task.structures, done.page, text, self.record.path)
        return Ended(done.result.outcome, message, text, self.nodes)

    def _lost(self, node: Any) -> None:
        self._watch = None
        if node is None:
            self.abandon()
            return
        self._reason = f"'{node.GetName()}' was removed from the scene during the registration; it was cancelled and nothing was kept."
        self.cancel()

    def _give_up(self, reason: str) -> bool:
        """Forget the results and drop the run; whether there was one in the background."""
        run, self._run = self._run, None
        self._forget_run()
        if run is not None:
            run.abandon(0.0)  # the pump goes on until the thread has ended
            self.record.end(reason)
        if self._waiting:
            self._reason, self.asked = reason, "cancel"
        self.nodes = self.latest = None
        return run is not None

    def _forget_run(self) -> None:
        self.asked = ""
        if self._watch is not None:
            self._watch.end()
            self._watch = None


def _work(task: Task, record: Record, report: Report) -> Done:
    record.begin(task.problem)
    return results.with_page(task, perform(task, report))
