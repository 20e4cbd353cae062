"""Fills `slicer`: application, modules, and the Python modules that Slicer has beside slicer-core's."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import slicer
from PySide6.QtCore import QCoreApplication, QEvent

from stand_in import boot, layout_manager, module_manager, parameter_wrapper, sample_data, scripted_module
from stand_in.application import Application, Switches
from stand_in.pythonqt_classes import wrap, wrapper_class

_kept: dict[str, Any] = {}


def install(qt: Any, ctk: Any, slicer: Any) -> None:  # noqa: ARG001
    """Put the application into `slicer` and its Python modules into sys.modules.

    Args:
        qt, ctk, slicer: the modules; the wrapper classes are in them already.
    """
    boot.boot()
    manager = module_manager.qSlicerModuleManager()
    window = module_manager.qSlicerMainWindow(manager)
    layouts, layouts_seen = layout_manager.make()
    seen = {name: wrap(it) for name, it in (("manager", manager), ("window", window))}
    _kept.update(manager_it=manager, window_it=window, layouts_it=layouts, layouts=layouts_seen, **seen)
    slicer.app = Application(layouts_seen, seen["manager"], seen["window"])
    slicer.qSlicerScriptedLoadableModule = module_manager.ScriptedModule
    slicer.qSlicerScriptedLoadableModuleWidget = wrapper_class(module_manager.qSlicerScriptedLoadableModuleWidget)
    slicer.selfTests = {}
    _add_python_modules()


def _add_python_modules() -> None:
    classes = ("ScriptedLoadableModule", "ScriptedLoadableModuleWidget", "ScriptedLoadableModuleLogic", "ScriptedLoadableModuleTest")
    contents: dict[str, dict[str, Any]] = {
        "slicer.ScriptedLoadableModule": {name: getattr(scripted_module, name) for name in classes} | {"__all__": classes},
        "slicer.parameterNodeWrapper": parameter_wrapper.CONTENT,
        "slicer.i18n": {
            "tr": lambda text: slicer.app.translate("", text),
            "translate": lambda context, text: slicer.app.translate(context, text),
        },
        "slicer.testing": {"exitSuccess": lambda: None, "exitFailure": _fail, "runUnitTest": _run_unit_test},
        "SampleData": {name: value for name, value in vars(sample_data).items() if not name.startswith("_")},
    }
    for name, content in contents.items():
        module = types.ModuleType(name)
        vars(module).update(content)
        sys.modules[name] = module
    slicer.ScriptedLoadableModule = sys.modules["slicer.ScriptedLoadableModule"]
    slicer.parameterNodeWrapper = sys.modules["slicer.parameterNodeWrapper"]
    slicer.i18n = sys.modules["slicer.i18n"]  # slicer.testing has to be imported before use


def _fail(message: str = "") -> None:
    raise Exception(message)  # as Slicer does


def _run_unit_test(path: Any, name: str) -> None:
    import unittest

    sys.path.extend([path] if isinstance(path, str) else path)
    if not unittest.TextTestRunner(verbosity=2).run(unittest.TestLoader().loadTestsFromName(name)).wasSuccessful():
        _fail()


def load_scripted_module(path: str) -> Any:
    """Register a scripted module and give `slicer.modules.<name>`.

    Args:
        path: the module's file; its name is the module's name.
    """
    return _kept["manager_it"]._load(str(path))


def unload_scripted_module(name: str) -> None:
    """End a scripted module as the application does when it quits."""
    window = _kept["window_it"]
    if window._selector._selected == name:
        window._selector.selectModule("Welcome")
    _kept["manager_it"]._unload(name)
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def complete_startup() -> None:
    """Tell all modules loaded so far that the application has started, as it does once after loading them."""
    slicer.app.signals_it.startupCompleted.emit()


@contextmanager
def switched(testing: bool | None = None, main_window: bool | None = None) -> Iterator[None]:
    """Within it, the application is as if started with or without `--testing` and `--no-main-window`."""
    former = Switches.testing, Switches.main_window
    Switches.testing = former[0] if testing is None else testing
    Switches.main_window = former[1] if main_window is None else main_window
    try:
        yield
    finally:
        Switches.testing, Switches.main_window = former
