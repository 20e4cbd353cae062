"""What a result looks like to people and to scripts: ``report_html`` and ``report_data``.

Needs numpy and Pillow only, so that the same page can be written inside Slicer. Arrays are ``(k, j, i)`` on the fixed
grid, positions LPS millimetres, lengths millimetres, as everywhere below the scene.
"""

from __future__ import annotations

from inr_registration.report.data import report_data
from inr_registration.report.page import report_html

__all__ = ["report_data", "report_html"]
