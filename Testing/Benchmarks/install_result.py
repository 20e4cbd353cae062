"""How long the main thread is blocked when the result of a large pair is installed in the scene.

    python Testing/Benchmarks/install_result.py [--size 256 256 128] [--repeats 3]

The real panel on the stand-in, real MRML, the real engine in its thread. Counted is everything that happens on the main thread between
the worker's last message and the panel showing the result: nodes, tables, segments, the panel itself. Drawing the views is not: that is
Slicer's own work, and it is asynchronous there.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "Testing"), str(ROOT / "INRRegistration")]
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np  # noqa: E402

from stand_in import qt, slicer, slot_errors  # noqa: E402

# isort: split
from inr_registration.core import Affine, Settings, Stage  # noqa: E402
from inr_registration.slicer.logic import Session  # noqa: E402
from inr_registration.slicer.scene import Inputs  # noqa: E402
from inr_registration.slicer.scene.outputs import Outputs  # noqa: E402
from inr_registration.slicer.ui import INRRegistrationParameterNode, Panel  # noqa: E402

FORMS = ROOT / "INRRegistration" / "Resources" / "UI"
SETTINGS = Settings(stages=(Stage(4, 5, 0.8),), affine=Affine("none"), regularity={"diffusion": 0.005})
"""A short and loose fit: what counts here is the size of the result, and some folding to be listed."""


class TimedSession(Session):
    """Times the reading at the start, every update, and the end."""

    def __init__(self, make_timer: Any) -> None:
        super().__init__(make_timer)
        self.install_s = self.worst_update_s = 0.0

    def _advance(self, update: Any) -> None:
        began = time.perf_counter()
        super()._advance(update)
        self.worst_update_s = max(self.worst_update_s, time.perf_counter() - began)

    def _end(self, *arguments: Any) -> Any:
        began = time.perf_counter()
        ended = super()._end(*arguments)
        self.install_s = time.perf_counter() - began
        return ended


def make_timer(tick: Any) -> Any:
    """As the module makes it."""
    timer = qt.QTimer()
    timer.setInterval(0)
    timer.connect("timeout()", tick)
    return timer


def volume(name: str, size: list[int], shift: float) -> Any:
    """A volume node of smooth structures, shifted by a few mm."""
    i, j, k = (np.arange(n, dtype=np.float32) for n in size)
    values = (
        np.sin((i[None, None, :] + shift) / 9)
        + np.cos((j[None, :, None] - shift) / 11)
        + np.sin(k[:, None, None] / 7 + i[None, None, :] / 13)
    )
    return slicer.util.addVolumeFromArray(np.ascontiguousarray(100 * values, dtype=np.float32), name=name)


def measure(size: list[int]) -> tuple[float, float, float]:
    """Register once: seconds for reading, for the worst update, and for installing the result."""
    slicer.mrmlScene.Clear(0)
    form = slicer.util.loadUI(str(FORMS / "INRRegistration.ui"))
    ui = slicer.util.childWidgetVariables(form)
    form.setMRMLScene(slicer.mrmlScene)
    session = TimedSession(make_timer)
    panel = Panel(ui, session, str(FORMS))
    panel.set_parameters(INRRegistrationParameterNode(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")))
    inputs = Inputs(volume("fixed", size, 0.0), volume("moving", size, 3.0))
    began = time.perf_counter()
    session.start(inputs, Outputs(), SETTINGS)
    reading = time.perf_counter() - began
    while session.running:
        slicer.app.processEvents()
    if session.nodes is None or slot_errors:
        raise RuntimeError(f"there is no result: {ui.statusLabel.text} {slot_errors}")
    session.close()
    panel.close()
    form.delete()
    return reading, session.worst_update_s, session.install_s


def main() -> None:
    """Measure and print medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", nargs=3, type=int, default=[256, 256, 128])
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    print(f"first run, while PyTorch is being loaded: the click took {measure(arguments.size)[0]:.2f} s")
    rows = [measure(arguments.size) for _ in range(arguments.repeats)]
    print(f"{'x'.join(map(str, arguments.size))}, {len(rows)} runs, seconds on the main thread: median (worst)")
    for name, column in zip(
        ("reading the images", "worst update of the panel", "installing the result"), zip(*rows, strict=True), strict=True
    ):
        print(f"  {name:<28}{statistics.median(column):.3f} ({max(column):.3f})")


if __name__ == "__main__":
    main()
