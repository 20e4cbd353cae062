"""What both tables of the panel have in common."""

from __future__ import annotations

from typing import Any

ROW_HEIGHT = 22
"""Pixels."""


def tidy(table: Any) -> None:
    """Narrow rows without numbers beside them, and headings that stay as they are when a row is chosen."""
    table.verticalHeader().visible = False
    table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
    table.horizontalHeader().setHighlightSections(False)
