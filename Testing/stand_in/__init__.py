"""Strict stand-in for Slicer's ``qt``, ``ctk`` and ``slicer`` modules; see README.md.

Importing it puts the three modules into ``sys.modules``. What a test looks at: ``slot_errors`` holds every exception of a slot or of an
overridden virtual function, ``failed_connections`` every connection to a signal that does not exist.
"""

from __future__ import annotations

import importlib.util
import os
import sys

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import slicer
from PySide6.QtWidgets import QApplication

from stand_in import ctk_range, mrml_widgets, qt_module
from stand_in.immortal import never_free_constants
from stand_in.pythonqt_classes import wrapper_class
from stand_in.pythonqt_signals import failed_connections, slot_errors

__all__ = ["ctk", "failed_connections", "load_scripted_module", "qt", "slicer", "slot_errors"]

never_free_constants()
_application = QApplication.instance() or QApplication(["Slicer"])
_application.setQuitOnLastWindowClosed(False)

qt = qt_module.make({**ctk_range.CLASSES, **mrml_widgets.CLASSES})
ctk = qt_module.Library("ctk", ctk_range.CLASSES.get)
sys.modules.update(qt=qt, ctk=ctk)
for _name, _kind in mrml_widgets.CLASSES.items():
    setattr(slicer, _name, wrapper_class(_kind))

if importlib.util.find_spec("stand_in.environment") is not None:
    from stand_in import environment

    environment.install(qt, ctk, slicer)
    load_scripted_module = environment.load_scripted_module
