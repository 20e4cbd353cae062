"""Mathematics on torch: ``register`` tells the story, everything else is a part of it.

Inside this layer points and fields are component-first: points ``(3, ...)``, displacements ``(3, ...)``, Jacobians
``(3, 3, ...)`` with ``[i, d] = du_i/dx_d``, Hessians ``(3, 6, ...)`` with the unique second derivatives in the order
``PAIRS``. Never imports slicer, vtk or qt.
"""
