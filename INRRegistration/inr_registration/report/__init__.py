"""What a result looks like to people and to scripts: ``report_html`` and ``report_data``.

Needs numpy and Pillow only, so that the same page can be written inside Slicer. Arrays are ``(k, j, i)`` on the fixed
grid, positions LPS millimetres, lengths millimetres, as everywhere below the scene.
"""

from __future__ import annotations

from inr_registration.core.lazy import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "data": ("report_data",),
        "facts": ("headline",),
        "folding": ("count_regions", "find_folding"),
        "grid_lines": ("warp_grid",),
        "overview": ("focus",),
        "page": ("report_html",),
        "views": ("obliqueness",),
        "words": ("number", "percent", "plain", "position", "seconds", "short"),
    },
)
