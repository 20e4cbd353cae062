"""Command line ``inr-register``: files in, files out. The only layer that prints."""

from __future__ import annotations

from inr_registration.core.lazy import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "arguments": ("EXIT", "VERBS", "parse"),
        "checkpoint_file": ("CheckpointFile", "NAME"),
        "demo": ("write_pair",),
        "execute": ("Running", "exit_status"),
        "folding": ("determinants",),
        "inputs": ("files_of", "read_problem"),
        "outputs": ("RESULTS", "check_file", "check_folder", "write_result"),
        "register_command": ("FIELDS", "choose_settings", "given_fields"),
        "summary": ("print_summary",),
    },
)
