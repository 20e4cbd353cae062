"""Training-free deformable registration of two medical images with implicit neural representations.

Layers, each importing only those below it: ``ui`` > ``job``, ``scene`` > ``cli`` > ``engine``, ``report`` > ``core``.
World coordinates are LPS millimetres everywhere but in ``scene``. Every map goes from a fixed world point to a
moving world point. This file stays free of imports, so that importing one layer never imports its neighbours.
"""

__version__ = "0.1.0"
