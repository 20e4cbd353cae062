"""What "Reload and Test" runs inside Slicer: the sample pair, from volumes to result nodes."""

from __future__ import annotations

from typing import Any

import slicer

from inr_registration.slicer.logic.sample_data import add_trunk_pair
from inr_registration.slicer.logic.torch_setup import torch_status


def register_sample_pair(logic: Any) -> str:
    """Register the small sample pair with the quick preset.

    Args:
        logic: An ``INRRegistrationLogic``.

    Returns:
        What was seen, in words; where PyTorch is missing, that nothing was tested.

    Raises:
        RuntimeError: The result is not what it should be.
    """
    status = torch_status()
    if not status.ready:
        return f"Nothing was tested. {status.words}"
    fixed, moving = add_trunk_pair(slicer.mrmlScene, "small")
    nodes = logic.register(fixed, moving, preset="quick", wait=True)
    if moving.GetParentTransformNode() is not nodes.transform:
        raise RuntimeError(f"'{moving.GetName()}' should lie under '{nodes.transform.GetName()}' after the registration")
    lowest, highest = nodes.jacobian.GetImageData().GetScalarRange()
    if not 0 < lowest <= highest < 10:
        raise RuntimeError(f"det J of the sample pair should lie between 0 and 10, got {lowest:g} to {highest:g}")
    return f"Registered the sample pair: det J from {lowest:.2f} to {highest:.2f}."
