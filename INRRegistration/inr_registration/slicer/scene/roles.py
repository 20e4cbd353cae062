"""The names under which results are written into the scene, so that they are found again after saving and reopening."""

from __future__ import annotations

from inr_registration.core.measures import MAPS

RESULT = "INRRegistration.Result"
"""Attribute of a result's transform node: the description of the run, JSON."""
OWN_POSITION = "INRRegistration.OwnPosition"
"""Attribute of the node that holds where a moving volume was before it was put under a result."""
PARENT = "INRRegistration.parent"
"""Reference of a moving volume to the parent that it had before."""
FOLDER = "INRRegistration.Folder"
"""Attribute of the subject hierarchy folder of a result."""
UNLISTED = "INRRegistration.Unlisted"
"""Attribute of a regions table: a sentence that says which regions are too many to be listed; absent where all are."""

PARTS = ("fixed", "moving", "warped", "jacobian", "uncertainty", "folding", "regions", "quality", "model", "inverse", *MAPS)
"""What a result's transform node refers to."""


def role(part: str) -> str:
    """The reference role of one of ``PARTS``."""
    return f"INRRegistration.{part}"
