"""One registration running in the background: a worker thread and the pump that carries its messages; no Slicer, no Qt."""

from __future__ import annotations

from inr_registration.core.lazy import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "messages": ("Cancelled", "Ending", "Failed", "Finished", "Updated", "merged"),
        "pump": ("Pump",),
        "reporter": ("Reporter", "UPDATES_PER_SECOND"),
        "run": ("PAUSE_S", "Run", "run_blocking", "wait"),
        "worker": ("living", "prepare_environment", "stop_all"),
    },
)
