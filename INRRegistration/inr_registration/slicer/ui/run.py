"""The Register button, what replaces it while a run goes on, and what is said about it."""

from __future__ import annotations

import time
from typing import Any

import slicer
from slicer.i18n import tr as _

from inr_registration.core.errors import RegistrationError
from inr_registration.core.settings import Settings
from inr_registration.slicer.job.messages import LOADING, WAITING
from inr_registration.slicer.logic.choice import needs, settings_of
from inr_registration.slicer.logic.session import Ended, Progressed, Started
from inr_registration.slicer.logic.torch_setup import ensure_torch
from inr_registration.slicer.ui import words
from inr_registration.slicer.ui.curve import cut, picture
from inr_registration.slicer.ui.outputs import clash
from inr_registration.slicer.ui.parameters import choice_in, inputs_of, outputs_of
from inr_registration.slicer.ui.piece import Piece

CURVE_WIDTH, CURVE_HEIGHT = 400, 96
"""Pixels. The width is the least that is drawn; the label stretches the picture to its own."""
PAUSE_S = 0.2
"""Between two pictures of the curve."""
WHOLE = 1000
"""Of the progress bar."""


class Run(Piece):
    """Starts a run, steers it and tells how it goes."""

    def connect(self) -> None:
        self._clear()
        self.wires.on(self.ui.registerButton, "clicked()", self._register)
        self.wires.on(self.ui.stopButton, "clicked()", self._stop)
        self.wires.on(self.ui.cancelButton, "clicked()", self._cancel)
        self.wires.on(self.ui.failureCopyButton, "clicked()", self._copy)

    def refresh(self) -> None:
        running, ui = self.session.running, self.ui
        missing = self._missing()
        ui.registerButton.visible = not running
        ui.runControls.visible = running
        ui.registerButton.enabled = not missing and not running
        ui.missingLabel.text = missing
        ui.missingLabel.visible = bool(missing) and not running
        ui.registerButton.toolTip = missing or _("Register the moving volume to the fixed volume. Slicer stays usable meanwhile.")
        for section in (ui.inputsSection, ui.methodSection, ui.outputsSection, ui.advancedSection):
            section.enabled = not running and self.parameters is not None
        asked = self.session.asked if running else ""
        ui.stopButton.text = _("Stopping...") if asked == "stop" else _("Stop and keep")
        ui.cancelButton.text = _("Cancelling...") if asked == "cancel" else _("Cancel")
        ui.stopButton.enabled = not asked
        ui.cancelButton.enabled = asked != "cancel"
        ui.failureCopyButton.visible = bool(ui.statusLabel.text and self._failure())

    def heard(self, event: Any) -> None:
        """Take in what the session tells."""
        if isinstance(event, Started):
            self._begin()
        elif isinstance(event, Progressed):
            self._progress(event)
        elif isinstance(event, Ended):
            self._end(event)

    def _missing(self) -> str:
        if self.parameters is None:
            return _("The scene is being changed")
        wanted = needs(choice_in(self.parameters))
        return str(self.session.missing(inputs_of(self.parameters), wanted)) or clash(self.parameters)

    def _register(self) -> None:
        """Start; what stands in the way is said in the status line."""
        if self.parameters is None or self.session.running or self._missing():
            return
        self.say(_("Reading the images..."))
        try:
            settings = settings_of(choice_in(self.parameters))
            self._ensure_torch(settings)
            with slicer.util.WaitCursor():
                self.session.start(inputs_of(self.parameters), outputs_of(self.parameters), settings, self.parameters.threshold)
        except RegistrationError as error:
            self.say(str(error))
        self.refresh()

    def _ensure_torch(self, settings: Settings) -> None:
        """Make sure that PyTorch is there; that it is not is remembered like other reasons why a run does not begin."""
        try:
            ensure_torch(_confirmed, slicer.app.processEvents)
        except RegistrationError as error:
            self.session.refuse(settings, str(error))
            raise

    def _failure(self) -> str:
        """Details of the latest run, where it gave no result; those of a result are copied beside it."""
        record, latest = self.session.record, self.session.latest
        text = "" if record is None or self.session.running else record.text
        return "" if latest is not None and latest.details == text else text

    def _copy(self) -> None:
        text, path = self._failure(), self.session.record.path
        slicer.app.clipboard().setText(text)
        self.say(words.copied(path))

    def _stop(self) -> None:
        self.session.stop()
        self.refresh()

    def _cancel(self) -> None:
        self.session.cancel()
        self.refresh()

    def _clear(self) -> None:
        self._curve: tuple[float, ...] = ()
        self._starts: list[int] = []
        self._stage, self._drawn = 0, 0.0

    def _begin(self) -> None:
        self._clear()
        self.ui.progressBar.maximum = 0
        self.ui.phaseLabel.text = _("Starting")
        self.say("")
        self._draw()

    def _progress(self, event: Progressed) -> None:
        progress, bar = event.progress, self.ui.progressBar
        bar.maximum = 0 if progress.phase in (WAITING, LOADING) else WHOLE  # 0: it only tells that something is being done
        bar.value = int(WHOLE * progress.fraction)
        self.ui.phaseLabel.text = words.phase(progress)
        if progress.phase == "fit" and progress.stage > self._stage:
            self._stage = progress.stage
            self._starts.append(cut(event.curve, len(self._curve)))
        self._curve = event.curve
        if time.monotonic() - self._drawn > PAUSE_S:
            self._draw()

    def _draw(self) -> None:
        label = self.ui.curveLabel
        label.setPixmap(picture(self._curve, self._starts, max(label.width, CURVE_WIDTH), CURVE_HEIGHT, label.palette))
        self._drawn = time.monotonic()

    def _end(self, event: Ended) -> None:
        self.ui.progressBar.maximum = WHOLE  # a busy bar would go on moving out of sight
        self.say(event.message)
        if event.outcome is None:
            details = {"detailedText": event.details} if event.details else {}
            slicer.util.errorDisplay(event.message, windowTitle=_("Registration failed"), **details)


def _confirmed(question: str) -> bool:
    """Ask the user; in a test run, where the answer would not come from a person, it is no."""
    return not slicer.app.testingEnabled() and bool(slicer.util.confirmOkCancelDisplay(question))
