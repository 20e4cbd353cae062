"""The sample pair in Slicer's Sample Data module. It is made on the spot: nothing is downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

CATEGORY = "INRRegistration"
TITLE = "INR Registration"
SAMPLE = "INR trunk pair"
FIXED, MOVING = "Trunk, fixed", "Trunk, moving"
WINDOW, LEVEL = 600.0, 50.0
"""Of both volumes alike, HU, so that they can be compared by eye."""
THUMBNAIL = Path(__file__).resolve().parents[2] / "Resources" / "Icons" / "INRTrunk.png"


def register_sample_data() -> None:
    """Put the sample pair into the Sample Data module. Cheap: it runs at every start of Slicer."""
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
    from INRRegistrationLib.scene.volumes import current_scene

    return add_trunk_pair(current_scene())


def add_trunk_pair(scene: Any, size: str = "full") -> tuple[Any, Any]:
    """Add a CT-like trunk in two states of breathing to the scene and show them on top of each other.

    Args:
        scene: Gets two volume nodes, in RAS mm.
        size: "full", or "small" for tests.

    Returns:
        The fixed and the moving volume node.
    """
    from INRRegistrationLib.cli.phantom import make_pair
    from INRRegistrationLib.scene.volumes import show_pair, volume_node

    pair = make_pair(size)
    nodes = volume_node(scene, pair.fixed, FIXED), volume_node(scene, pair.moving, MOVING)
    for node in nodes:
        display = node.GetDisplayNode()
        display.SetAutoWindowLevel(False)
        display.SetWindowLevel(WINDOW, LEVEL)
    show_pair(scene, *nodes)
    return nodes
