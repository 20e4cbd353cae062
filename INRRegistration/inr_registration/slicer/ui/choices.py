"""Combo boxes whose entries stand for names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import qt


def fill(combo: Any, entries: Mapping[str, tuple[str, str]]) -> None:
    """Replace the entries of a combo box by name -> (title, tooltip); tells nobody."""
    before = combo.blockSignals(True)
    combo.clear()
    for row, (name, (title, tip)) in enumerate(entries.items()):
        combo.addItem(title, name)
        combo.setItemData(row, tip, qt.Qt.ToolTipRole)
    combo.blockSignals(before)


def select(combo: Any, name: str) -> None:
    """Show an entry by its name, and its tooltip; tells nobody."""
    before = combo.blockSignals(True)
    combo.setCurrentIndex(combo.findData(name))
    combo.blockSignals(before)


def selected(combo: Any) -> str:
    """The name of the entry that is shown; empty where none is."""
    return "" if combo.currentIndex < 0 else str(combo.itemData(combo.currentIndex))


def tip_of(combo: Any) -> str:
    """The tooltip of the entry that is shown; empty where none is."""
    return "" if combo.currentIndex < 0 else str(combo.itemData(combo.currentIndex, qt.Qt.ToolTipRole))
