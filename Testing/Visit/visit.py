"""A visit to the module from loading to reopening, played offscreen on the stand-in; writes one picture for each step.

    python Testing/Visit/visit.py [FOLDER] [--size small]

Everything is real but the widgets' toolkit: the module's own files, MRML and the views of slicer-core, the engine. The pictures show what
the module does; Slicer's own window around it looks different.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "Testing"), str(ROOT / "INRRegistration")]
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import slicer  # noqa: E402
from stand_in.window import compose, views  # noqa: E402

import stand_in  # noqa: E402

# isort: split
from inr_registration.slicer.logic import add_trunk_pair  # noqa: E402

OVERLAYS = ("blend", "checkerboard", "jacobian", "warpGrid", "difference", "uncertainty")
LOOSE = {"diffusionWeight": 0.005, "symmetricJacobianWeight": 0.0}
"""Weights far too small: what a registration looks like that should not be trusted."""


class Visit:
    """Plays the user.

    Args:
        folder: For the pictures.
        size: Of the sample pair.
    """

    def __init__(self, folder: Path, size: str) -> None:
        self.folder, self.size, self.step = folder, size, 0
        folder.mkdir(parents=True, exist_ok=True)
        stand_in.load_scripted_module(str(ROOT / "INRRegistration" / "INRRegistration.py"))
        slicer.util.selectModule("INRRegistration")
        self.widget = slicer.modules.inrregistration.widgetRepresentation()
        self.module = self.widget.self()
        self.ui = self.module.ui
        self.views = views()

    def shoot(self, name: str) -> None:
        """Write the picture of a step."""
        self.step += 1
        slicer.app.processEvents()
        path = self.folder / f"visit-{self.step:02d}-{name}.png"
        compose(self.widget, self.views, path)
        print(f"{self.step:2d} {name}: {self.ui.statusLabel.text}")

    def fit(self) -> None:
        """Show the whole volumes."""
        for name in ("Red", "Green", "Yellow"):
            self.views[name].fit()
        self.views["3D"].reset_camera()

    def wait(self, done: Any, seconds: float = 900.0) -> None:
        """Let the application's loop run."""
        end = time.monotonic() + seconds
        while not done():
            if time.monotonic() > end:
                raise TimeoutError("the visit waited too long")
            slicer.app.processEvents()
            time.sleep(0.001)

    def register(self, shoot_at: float | None = None) -> None:
        """Click Register and wait for the end; a picture on the way."""
        self.ui.registerButton.click()
        session = self.module.logic.session
        if not session.running:
            raise RuntimeError(f"the registration did not start: {self.ui.statusLabel.text}")
        if shoot_at is not None:
            self.wait(lambda: not session.running or self.ui.progressBar.value >= 1000 * shoot_at)
            self.shoot("running")
        self.wait(lambda: not session.running)

    def play(self) -> None:
        """The whole visit."""
        self.shoot("empty")
        fixed, moving = add_trunk_pair(slicer.mrmlScene, self.size)
        self.ui.fixedSelector.setCurrentNode(fixed)
        self.ui.movingSelector.setCurrentNode(moving)
        self.fit()
        self.shoot("chosen")
        self.register(shoot_at=0.5)
        for section in (self.ui.inputsSection, self.ui.methodSection):
            section.collapsed = True
        self.shoot("registered")
        self.look()
        self.walk()
        self.reopen()

    def look(self) -> None:
        """Press each overlay button."""
        for name in OVERLAYS:
            button = getattr(self.ui, f"{name}Button")
            if button.enabled:
                button.click()
                self.shoot(name)
            else:
                print(f"   {name}: {button.toolTip}")
        self.ui.backButton.click()

    def walk(self) -> None:
        """Register once more, far too loosely, and walk three of the places where it folds."""
        for name, weight in LOOSE.items():
            getattr(self.ui, name).value = weight
        self.register()
        self.ui.jacobianButton.click()
        self.shoot("folding")
        for _ in range(3):
            self.ui.nextRegionButton.click()
            self.shoot("region")

    def reopen(self) -> None:
        """Save the scene, close it, open it again and look at the result."""
        self.ui.backButton.click()
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "visit.mrb")
            if not slicer.util.saveScene(path):
                raise RuntimeError("the scene could not be saved")
            slicer.mrmlScene.Clear(0)
            self.shoot("closed")
            slicer.util.loadScene(path)
        self.fit()
        self.ui.jacobianButton.click()
        self.shoot("reopened")


def main() -> int:
    """Play it; the exit status says whether any slot failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default=str(ROOT / "Resources" / "Screenshots"), type=Path)
    parser.add_argument("--size", default="full", choices=("full", "small"))
    arguments = parser.parse_args()
    Visit(Path(arguments.folder), arguments.size).play()
    for error in stand_in.slot_errors:
        print(f"a slot failed: {error!r}", file=sys.stderr)
    return 1 if stand_in.slot_errors else 0


if __name__ == "__main__":
    sys.exit(main())
