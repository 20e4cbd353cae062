"""Nodes that the user chose to hold the results."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_write import a_pair, registered
from worlds import add_volume, grid_around, linear_node, put_under, turned, volume_on

from inr_registration.core import InputError
from inr_registration.slicer.scene import check_outputs
from inr_registration.slicer.scene.outputs import Outputs

pytestmark = pytest.mark.usefixtures("scene")


def test_an_output_must_not_be_an_input() -> None:
    inputs = a_pair()
    with pytest.raises(InputError, match="CT 1 is an input and would be overwritten by the warped output"):
        check_outputs(inputs, Outputs(warped=inputs.fixed))


def test_an_output_must_not_move_the_fixed_volume(scene: Any) -> None:
    inputs = a_pair()
    node, outer = linear_node(scene, turned(), "inner"), linear_node(scene, turned(), "outer")
    node.SetAndObserveTransformNodeID(outer.GetID())
    inputs.fixed.SetAndObserveTransformNodeID(node.GetID())
    with pytest.raises(InputError, match="CT 1 lies under outer, so the result would move the image that has to stay"):
        check_outputs(inputs, Outputs(transform=outer))


def test_an_output_must_not_overwrite_the_position_of_the_moving_volume(scene: Any) -> None:
    inputs = a_pair()
    node = put_under(scene, inputs.moving, "linear")
    with pytest.raises(InputError, match="CT 2 lies under linear, which is part of its position"):
        check_outputs(inputs, Outputs(transform=node))
    _, _, nodes = registered(inputs)
    check_outputs(inputs, Outputs(transform=nodes.transform))


def test_an_output_is_chosen_once() -> None:
    inputs = a_pair()
    node = add_volume(volume_on(grid_around(np.eye(3))), "out")
    with pytest.raises(InputError, match="out is chosen for more than one output"):
        check_outputs(inputs, Outputs(warped=node, jacobian=node))


def test_an_output_must_be_able_to_hold_numbers_and_be_there(scene: Any) -> None:
    inputs = a_pair()
    label = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "label")
    with pytest.raises(InputError, match="label is a LabelMapVolume and cannot hold the jacobian output"):
        check_outputs(inputs, Outputs(jacobian=label))
    scene.RemoveNode(label)
    with pytest.raises(InputError, match="the warped output label is no longer in the scene"):
        check_outputs(inputs, Outputs(warped=label))
