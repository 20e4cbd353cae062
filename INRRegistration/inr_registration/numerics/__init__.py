"""Frames, jets, splines, sampling, and loops that make them fast: nothing here knows what is registered.

From here up to ``app``, points and fields are component-first: points ``(3, ...)``, displacements ``(3, ...)``, Jacobians
``(3, 3, ...)`` with ``[i, d] = du_i/dx_d``, Hessians ``(3, 6, ...)`` with the unique second derivatives in the order
``PAIRS``.
"""

from __future__ import annotations

from inr_registration.core.lazy import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "device": ("choose_device", "current", "describe_device"),
        "frame": ("Frame",),
        "held": ("Held",),
        "jet": ("Jet", "PAIRS", "cofactors", "determinant", "inverse_times", "jacobian_determinant"),
        "kernels.at_points": ("at_points",),
        "kernels.cells": ("TERMS", "mean_density"),
        "kernels.on_axes": ("on_axes",),
        "knots": ("Knots",),
        "sampling": ("Image", "outside_distance", "sample"),
        "spline": ("apply_axes", "axis_matrix", "basis", "interpolating_matrix"),
        "windows": ("match",),
    },
)
