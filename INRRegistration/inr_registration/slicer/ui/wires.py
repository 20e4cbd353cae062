"""Connections that are checked when they are made, and cut together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Wires:
    """Signals and observers of one piece of the panel.

    Qt keeps a connected method alive, and with it its object: whoever connects has to cut.
    """

    def __init__(self) -> None:
        self._signals: list[tuple[Any, str, Callable[..., object]]] = []
        self._observers: list[tuple[Any, int]] = []

    def on(self, sender: Any, signal: str, slot: Callable[..., object]) -> None:
        """Connect a signal, written with its arguments.

        Raises:
            ValueError: There is no such signal; Qt itself only prints a line.
        """
        if not sender.connect(signal, slot):
            raise ValueError(f"{sender.className()} '{sender.objectName}' has no signal {signal}")
        self._signals.append((sender, signal, slot))

    def observe(self, subject: Any, event: Any, callback: Callable[..., object], priority: float = 0.0) -> None:
        """Observe an event of a VTK object; observers of a higher priority are called first."""
        self._observers.append((subject, subject.AddObserver(event, callback, priority)))

    def cut(self) -> None:
        """Undo every connection; may be called again."""
        for sender, signal, slot in self._signals:
            sender.disconnect(signal, slot)
        for subject, tag in self._observers:
            subject.RemoveObserver(tag)
        self._signals.clear()
        self._observers.clear()
