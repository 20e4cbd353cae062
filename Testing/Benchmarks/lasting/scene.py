"""Many registrations through one ``Session`` in one scene of slicer-core, some of which end badly."""

from __future__ import annotations

import gc
import logging
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stand_in.boot import boot

sys.path.append(str(Path(__file__).resolve().parents[2] / "Python" / "logic"))  # for the helpers of the tests

import vtk
from Benchmarks.lasting.marks import Mark, mark
from blobs import LONG, QUICK, blob
from loops import Loop

from inr_registration.core import InputError, Settings
from inr_registration.slicer.job import living
from inr_registration.slicer.logic import Ended, Progressed, Session
from inr_registration.slicer.scene import Inputs, remove_result
from inr_registration.slicer.scene.outputs import Outputs

ENDINGS = ("kept", "kept and removed", "stopped", "cancelled", "cancelled at once", "broken", "refused")
ROUND = len(ENDINGS)


class Lasting:
    """A scene with a pair, and a session that registers it again and again into the same nodes."""

    def __init__(self, logs: Path | None = None) -> None:
        self.scene = boot()
        self.scene.Clear(0)
        self.loop = Loop()
        self.session = Session(self.loop.make_timer, logs)
        self.pair = Inputs(blob("fixed", (0, 0, 0)), blob("moving", (5, -3, 2)))
        self.kept = Outputs()
        self.ended: Counter[str] = Counter()
        self._ending = ""
        self.session.listen(self._heard)

    def close(self) -> None:
        """End."""
        self.session.close()
        self.scene.Clear(0)

    def one(self, number: int) -> None:
        """One run to its end, threads included."""
        self._ending = ENDINGS[number % ROUND]
        inputs = Inputs(self.pair.fixed, self.pair.fixed) if self._ending == "refused" else self.pair
        outputs = Outputs() if self._ending == "kept and removed" else self.kept
        try:
            self.session.start(inputs, outputs, self._settings())
        except InputError:
            self.ended["refused"] += 1
            return
        if self._ending == "cancelled at once":
            self.session.cancel()
        self.loop.until(lambda: not self.session.running and not living() and not self.loop.ticks)
        if self._ending == "kept and removed":
            remove_result(self.session.nodes)
            self.session.choose(None)

    def mark(self, number: int) -> Mark:
        """What is held now."""
        nodes = Counter(self.scene.GetNthNode(n).GetClassName() for n in range(self.scene.GetNumberOfNodes()))
        watched = (self.scene, self.pair.fixed, self.pair.moving)
        gc.collect()
        return mark(
            number,
            nodes=sum(nodes.values()),
            timers=len(self.loop.ticks),
            observers=sum(str(each).count("vtkObserver (") for each in watched),
            handlers=len(logging.getLogger("inr_registration").handlers),
            vtk_objects=sum(issubclass(type(each), vtk.vtkObjectBase) for each in gc.get_objects()),
            **nodes,
        )

    def _settings(self) -> Settings:
        if self._ending == "broken":
            return Settings.from_json({**QUICK.to_json(), "device": "cuda:99"})  # refused by the engine, in the thread
        return LONG if self._ending in ("stopped", "cancelled") else QUICK

    def _heard(self, event: Any) -> None:
        if isinstance(event, Progressed) and event.progress.phase == "fit":
            if self._ending == "stopped":
                self.session.stop()
            if self._ending == "cancelled":
                self.session.cancel()
        if isinstance(event, Ended):
            self.ended["error" if event.outcome is None else event.outcome.name] += 1
            if event.nodes is not None and self._ending in ("kept", "stopped"):
                self.kept = Outputs(event.nodes.transform, event.nodes.warped, event.nodes.jacobian)


def last(runs: int, every: int) -> Iterator[tuple[Mark, dict[str, int]]]:
    """Register again and again; a mark now and then, with how the runs have ended so far."""
    with tempfile.TemporaryDirectory() as folder:
        lasting = Lasting(Path(folder))
        for number in range(1, runs + 1):
            lasting.one(number)
            if number % every == 0:
                yield lasting.mark(number), dict(lasting.ended)
        lasting.close()
