"""The sample pair in Slicer's Sample Data module. It is made on the spot: nothing is downloaded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CATEGORY = "INRRegistration"
TITLE = "INR Registration"
SAMPLE = "INR trunk pair"
FIXED, MOVING = "Trunk, fixed", "Trunk, moving"
WINDOW, LEVEL = 600.0, 50.0
"""Of both volumes alike, HU, so that they can be compared by eye."""
PAUSE_S = 0.01
"""Between two looks at what the user does, while the images are made."""
THUMBNAIL = Path(__file__).resolve().parents[3] / "Resources" / "Icons" / "INRTrunk.png"


_choosers: list[Callable[[Any, Any], object]] = []


def register_sample_data(choose: Callable[[Any, Any], object] = lambda _fixed, _moving: None) -> None:
    """Put the sample pair into the Sample Data module. Cheap: it runs at every start of Slicer.

    Args:
        choose: Called with the fixed and the moving volume once a click has made them.
    """
    _choosers[:] = [choose]
    from SampleData import SampleDataLogic

    if hasattr(SampleDataLogic, "registerCustomSampleDataCategory"):  # not in Slicer 5.10
        SampleDataLogic.registerCustomSampleDataCategory(CATEGORY, TITLE)
    # The lists are empty, because there is nothing to fetch; None would not do, Slicer compares their lengths.
    SampleDataLogic.registerCustomSampleDataSource(
        category=CATEGORY,
        sampleName=SAMPLE,
        uris=[],
        fileNames=[],
        nodeNames=[],
        thumbnailFileName=str(THUMBNAIL),
        customDownloader=make_sample,
    )


def make_sample(_source: Any = None) -> tuple[Any, Any]:
    """Make the pair of the full size and show it: what a click on its picture does.

    Args:
        _source: What Sample Data knows of the sample; not used.
    """
    from inr_registration.slicer.scene.volumes import current_scene

    nodes = add_trunk_pair(current_scene())
    for choose in _choosers:
        choose(*nodes)
    return nodes


def add_trunk_pair(scene: Any, size: str = "full") -> tuple[Any, Any]:
    """Add a CT-like trunk in two states of breathing to the scene and show them on top of each other.

    Args:
        scene: Gets two volume nodes, in RAS mm.
        size: "full", or "small" for tests.

    Returns:
        The fixed and the moving volume node.
    """
    from inr_registration.phantom.trunk import make_pair
    from inr_registration.slicer.scene.volumes import show_pair, volume_node

    pair = _beside(lambda: make_pair(size))
    nodes = volume_node(scene, pair.fixed, FIXED), volume_node(scene, pair.moving, MOVING)
    for node in nodes:
        display = node.GetDisplayNode()
        display.SetAutoWindowLevel(False)
        display.SetWindowLevel(WINDOW, LEVEL)
    show_pair(scene, *nodes)
    return nodes


def _beside(work: Callable[[], Any]) -> Any:
    """What ``work`` returns or raises, done in a thread of its own while the application's window lives on."""
    import slicer

    if not hasattr(slicer, "app"):
        return work()
    answers: list[Any] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(work())
        except BaseException as error:
            errors.append(error)

    slicer.util.showStatusMessage("Making the sample images...")
    thread = threading.Thread(target=run, name="sample", daemon=True)
    thread.start()
    while thread.is_alive():
        slicer.app.processEvents()
        time.sleep(PAUSE_S)  # hands Python's lock over
    slicer.util.showStatusMessage("")
    if errors:
        raise errors[0]
    return answers[0]
