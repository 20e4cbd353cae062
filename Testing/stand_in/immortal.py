"""Guard against a fault of PySide6: it gives None back without counting the reference.

From Python 3.12 on None, True and False are not counted at all. The wheels of PySide6 6.12 rely on that, but can be installed for older
versions too, where after some thousand calls that return None the interpreter ends with "deallocating None".
"""

from __future__ import annotations

import ctypes
import sys

MANY = 1 << 40  # references more than any run of the tests loses


def never_free_constants() -> None:
    """Give None, True and False so many references that they are never freed; on Python 3.12 and later do nothing."""
    if sys.version_info < (3, 12) and sys.implementation.name == "cpython":
        for constant in (None, True, False):
            ctypes.c_ssize_t.from_address(id(constant)).value += MANY
