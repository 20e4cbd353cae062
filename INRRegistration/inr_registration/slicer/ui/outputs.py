"""The section Outputs: what must not be overwritten."""

from __future__ import annotations

from inr_registration.core.errors import InputError
from inr_registration.slicer.scene.outputs import check_outputs
from inr_registration.slicer.ui.parameters import INRRegistrationParameterNode, inputs_of, outputs_of


def clash(parameters: INRRegistrationParameterNode) -> str:
    """Why the chosen outputs cannot be written, such as an output that is an input; empty where they can, or nothing is chosen yet."""
    if parameters.fixed is None or parameters.moving is None:
        return ""
    try:
        check_outputs(inputs_of(parameters), outputs_of(parameters))
    except InputError as error:
        return str(error)
    return ""
