"""What a run tells its owner: updates on the way, and one ending."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from inr_registration.core.progress import Progress

WAITING = "wait"
"""Phase of a run that waits for an earlier one to end."""
LOADING = "load"
"""Phase between the start of the work and its first own report: the libraries are being loaded."""


@dataclass(frozen=True)
class Updated:
    """The newest progress.

    Args:
        progress: Its phase is ``wait``, ``load`` or one of those of ``Progress``.
        points: Every report since the previous update that had new values of the objective, oldest first: the points of the
            loss curves.
    """

    progress: Progress
    points: tuple[Progress, ...] = ()


@dataclass(frozen=True, eq=False)
class Finished:
    """The work returned.

    Args:
        payload: What it returned.
    """

    payload: Any


@dataclass(frozen=True)
class Cancelled:
    """The owner cancelled; nothing is kept."""


@dataclass(frozen=True)
class Failed:
    """Something went wrong.

    Args:
        text: One sentence for the user.
        details: The traceback; empty where the text says it all, as with unusable input.
    """

    text: str
    details: str = ""


Ending = Finished | Cancelled | Failed
Message = Updated | Finished | Failed


def merged(updates: Sequence[Updated]) -> Updated:
    """One update in place of several: the newest progress, and all points."""
    return Updated(updates[-1].progress, tuple(point for update in updates for point in update.points))
