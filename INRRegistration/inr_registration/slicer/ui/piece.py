"""What every piece of the panel has in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from inr_registration.slicer.ui.wires import Wires


class Piece:
    """One part of the panel: some widgets, and what they do.

    Changes go one way: a widget changes the parameters, and the panel then calls ``refresh`` of every piece.

    Args:
        ui: The widgets of the form, by name.
        session: The logic's session.
        say: Puts a sentence into the status line.

    Attributes:
        parameters: The parameter node, or None while there is none (a scene is being closed).
    """

    def __init__(self, ui: Any, session: Any, say: Callable[[str], None]) -> None:
        self.ui = ui
        self.session = session
        self.say = say
        self.parameters: Any = None
        self.wires = Wires()

    def connect(self) -> None:
        """Connect the widgets of this piece."""

    def refresh(self) -> None:
        """Show what the parameters and the session hold. Changes no parameter."""

    def show(self, nodes: Any) -> None:
        """Show a result (``ResultNodes``), or that there is none (None)."""

    def close(self) -> None:
        """Let go of everything."""
        self.wires.cut()
        self.parameters = None
