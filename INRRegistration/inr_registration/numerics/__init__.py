"""Frames, jets, splines, sampling, and loops that make them fast: nothing here knows what is registered.

From here up to ``app``, points and fields are component-first: points ``(3, ...)``, displacements ``(3, ...)``, Jacobians
``(3, 3, ...)`` with ``[i, d] = du_i/dx_d``, Hessians ``(3, 6, ...)`` with the unique second derivatives in the order
``PAIRS``.
"""
