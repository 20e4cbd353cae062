"""Modules: what `slicer.modules.<name>` is, the manager of modules, and the main window that selects one."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import slicer
from PySide6.QtCore import Property, QObject, QSize, Signal
from PySide6.QtWidgets import QMainWindow, QToolBar, QVBoxLayout, QWidget

from stand_in.boot import LOGICS, Module
from stand_in.mrml_widgets import qMRMLWidget
from stand_in.pythonqt_classes import wrap
from stand_in.pythonqt_signals import report


class qSlicerScriptedLoadableModuleWidget(qMRMLWidget):
    """The panel of a scripted module; self() is the Python object that fills it."""

    def __init__(self, module: Any = None) -> None:
        super().__init__()
        self._module, self._self, self._entered = module, None, False
        self.setLayout(QVBoxLayout(self))

    def _get_entered(self) -> bool:
        return self._entered

    def _get_name(self) -> str:
        return self._module.name

    isEntered = Property(bool, _get_entered)
    moduleName = Property(str, _get_name)

    def self(self) -> Any:
        return self._self

    def sizeHint(self) -> QSize:
        return QSize(500, 800)

    def reload(self) -> None:
        """Make the Python widget anew from the module as it is now in sys.modules."""
        module = self._module
        made = getattr(sys.modules[module.name], module.name + "Widget")(wrap(self))
        self._self = made
        setattr(slicer.modules, module.name + "Widget", made)
        made.setup()

    def _enter(self) -> None:
        self._entered = True
        _called(self._self, "enter")

    def _leave(self) -> None:
        self._entered = False
        _called(self._self, "exit")


def _called(widget: Any, name: str) -> None:
    try:
        getattr(widget, name, lambda: None)()
    except Exception as problem:  # Slicer prints it and goes on
        report(problem)


class ScriptedModule:
    """`slicer.modules.<name>` of a scripted module; `parent` of its Python class sets titles and texts.

    Args:
        path: the module's file.
    """

    def __init__(self, path: str) -> None:
        self.name, self.path = Path(path).stem, path
        self.title, self.categories, self.dependencies, self.contributors = self.name, [], [], []
        self.helpText = self.acknowledgementText = ""
        self.hidden, self.index, self.icon = False, -1, None
        self.widgetRepresentationCreationEnabled = True
        self.associatedNodeTypes: list[str] = []
        self.isInstalled = self.isBuiltIn = False
        self._widget: Any = None
        self._logic = slicer.vtkSlicerScriptedLoadableModuleLogic()

    def logic(self) -> Any:
        """Give the C++ logic, not the Python one."""
        return self._logic

    def mrmlScene(self) -> Any:
        return slicer.mrmlScene

    def widgetRepresentation(self) -> Any:
        """Give the panel, made at the first call."""
        if self._widget is None:
            self._widget = self.createNewWidgetRepresentation()
        return self._widget

    def createNewWidgetRepresentation(self) -> Any:
        panel = qSlicerScriptedLoadableModuleWidget(self)
        panel.setObjectName(f"{self.name}ModuleWidget")
        panel.setMRMLScene(slicer.mrmlScene)
        seen = wrap(panel)
        self._widget = self._widget or seen
        panel.reload()
        return seen


class _Factory:
    """`slicer.app.moduleManager().factoryManager()`."""

    __slots__ = ("_manager",)

    def __init__(self, manager: qSlicerModuleManager) -> None:
        self._manager = manager

    def loadedModuleNames(self) -> tuple[str, ...]:
        return tuple(self._manager._modules)

    registeredModuleNames = instantiatedModuleNames = loadedModuleNames

    def isLoaded(self, name: str) -> bool:
        return name in self._manager._modules


class qSlicerModuleManager(QObject):
    """`slicer.app.moduleManager()`."""

    moduleLoaded = Signal(str)
    moduleAboutToBeUnloaded = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._modules: dict[str, Any] = {name: getattr(slicer.modules, key) for key, (name, _) in LOGICS.items()}
        for name in ("Data", "Welcome"):
            self._modules[name] = Module(name, None)
            setattr(slicer.modules, name.lower(), self._modules[name])

    def factoryManager(self) -> Any:
        return _Factory(self)

    def module(self, name: str) -> Any:
        return self._modules.get(name)

    def modulesNames(self) -> list[str]:
        return list(self._modules)

    def _load(self, path: str) -> ScriptedModule:
        """Register a scripted module, as the application does at its start."""
        name = Path(path).stem
        if str(Path(path).parent) not in sys.path:
            sys.path.insert(0, str(Path(path).parent))
        spec = importlib.util.spec_from_file_location(name, path)
        code = importlib.util.module_from_spec(spec)
        sys.modules[name] = code
        spec.loader.exec_module(code)
        module = ScriptedModule(path)
        setattr(slicer.modules, name.lower(), module)
        self._modules[name] = module
        setattr(slicer.modules, name + "Instance", getattr(code, name)(module))
        self.moduleLoaded.emit(name)
        return module

    def _unload(self, name: str) -> None:
        """End a scripted module, as the application does at its end: exit(), cleanup(), and the panel is deleted."""
        module = self._modules[name]
        if module._widget is not None and module._widget.isEntered:
            module._widget._it._leave()
        self.moduleAboutToBeUnloaded.emit(name)
        del self._modules[name]
        for attribute in (name.lower(), name + "Instance", name + "Widget"):
            if hasattr(slicer.modules, attribute):
                delattr(slicer.modules, attribute)
        sys.modules.pop(name, None)
        if module._widget is not None:
            module._widget.delete()


class qSlicerModuleSelectorToolBar(QToolBar):
    """Selects the module whose panel is shown."""

    moduleSelected = Signal(str)

    def __init__(self, manager: qSlicerModuleManager, dock: QWidget) -> None:
        super().__init__(dock)
        self._manager, self._dock, self._selected = manager, dock, ""

    def _get_selected(self) -> str:
        return self._selected

    selectedModule = Property(str, _get_selected)

    def selectModule(self, name: str) -> None:
        """Leave the module shown and enter another; an unknown name, or one that is hidden from users, changes nothing."""
        module = self._manager.module(name)
        testing_only = isinstance(module, ScriptedModule) and [part.split(".")[0] for part in module.categories] == ["Testing"]
        if module is None or name == self._selected or testing_only:
            return
        former = self._manager.module(self._selected)
        if isinstance(former, ScriptedModule):
            former.widgetRepresentation()._it._leave()
        self._selected = name
        if isinstance(module, ScriptedModule):
            panel = module.widgetRepresentation()._it
            self._dock.layout().addWidget(panel)
            panel._enter()
        self.moduleSelected.emit(name)


class qSlicerMainWindow(QMainWindow):
    """The main window, with the module selector."""

    def __init__(self, manager: qSlicerModuleManager) -> None:
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        dock = QWidget()
        dock.setLayout(QVBoxLayout(dock))
        self.setCentralWidget(dock)
        self._selector = qSlicerModuleSelectorToolBar(manager, dock)
        self.addToolBar(self._selector)
        self.statusBar()

    def moduleSelector(self) -> QToolBar:
        return self._selector
