"""`slicer.app`: the Qt application with what Slicer adds to it."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from typing import Any, ClassVar

import slicer
from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QApplication

from stand_in.boot import application_logic
from stand_in.io_manager import IOManager
from stand_in.pythonqt_classes import wrap


class Switches:
    """How the application was started; a test may turn these.

    Attributes:
        testing: as with `--testing`: messages are answered at once.
        main_window: False is `--no-main-window`.
    """

    testing: bool = True
    main_window: bool = os.environ.get("STAND_IN_MAIN_WINDOW", "1") != "0"


class SlicerSignals(QObject):
    """Signals that Slicer's application has beside Qt's."""

    startupCompleted = Signal()
    mrml_scene_changed = Signal(object)
    SIGNALS: ClassVar = {"mrmlSceneChanged(vtkMRMLScene*)": "mrml_scene_changed(PyObject)"}


class Application:
    """`slicer.app`. What is not written here is QApplication's own.

    Args:
        layout_manager, module_manager, main_window: the one object of each kind.
    """

    applicationName = "Slicer"
    applicationVersion = "5.12.3-2026-10-01"
    majorVersion, minorVersion = 5, 12
    mainApplicationName = "Slicer"
    documentationBaseUrl = "https://slicer.readthedocs.io/en/latest/"

    def __init__(self, layout_manager: Any, module_manager: Any, main_window: Any) -> None:
        keep = self.__dict__
        keep.update(_layout=layout_manager, _modules=module_manager, _window=main_window, _io=IOManager(), pauses=0)
        keep["temporaryPath"] = tempfile.mkdtemp(prefix="Slicer-")
        atexit.register(shutil.rmtree, self.temporaryPath, ignore_errors=True)
        keep["slicerHome"] = keep["temporaryPath"]
        keep["_qt"] = wrap(QApplication.instance())
        keep["signals_it"] = SlicerSignals()
        keep["_signals"] = wrap(self.signals_it)
        application_logic().SetTemporaryPath(self.temporaryPath)
        _private_settings(self.temporaryPath)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_signals" if name in ("startupCompleted", "mrmlSceneChanged") else "_qt"], name)

    def connect(self, signal: str, *receiver: Any) -> bool:
        return self._sender(signal).connect(signal, *receiver)

    def disconnect(self, signal: str, *receiver: Any) -> bool:
        return self._sender(signal).disconnect(signal, *receiver)

    def _sender(self, signal: str) -> Any:
        return self._signals if str(signal).split("(")[0].strip() in ("startupCompleted", "mrmlSceneChanged") else self._qt

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("applicationName", "temporaryPath"):
            self.__dict__[name] = str(value)
        else:
            setattr(self._qt, name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *dir(self._qt)})

    def mrmlScene(self) -> slicer.vtkMRMLScene:
        return slicer.mrmlScene

    def applicationLogic(self) -> slicer.vtkSlicerApplicationLogic:
        return application_logic()

    def layoutManager(self) -> Any:
        return self._layout if Switches.main_window else None

    def moduleManager(self) -> Any:
        return self._modules

    def coreIOManager(self) -> IOManager:
        return self._io

    ioManager = coreIOManager

    def testingEnabled(self) -> bool:
        return Switches.testing

    def settings(self) -> Any:
        import qt

        return qt.QSettings()

    userSettings = settings

    def topLevelWidgets(self) -> tuple[Any, ...]:
        every = self._qt.topLevelWidgets()
        return every if Switches.main_window else tuple(one for one in every if one is not self._window)

    def processEvents(self, *arguments: Any) -> None:
        self._qt.processEvents(*arguments)

    def pauseRender(self) -> None:
        self.__dict__["pauses"] += 1

    def resumeRender(self) -> None:
        self.__dict__["pauses"] -= 1

    def translate(self, context: str, text: str) -> str:  # noqa: ARG002
        return text

    def moduleDocumentationUrl(self, name: str) -> str:
        return f"{self.documentationBaseUrl}user_guide/modules/{name.lower()}.html"

    def startupEnvironment(self) -> dict[str, str]:
        return dict(os.environ)

    def restart(self) -> None:
        raise RuntimeError("the stand-in for Slicer cannot restart")


def _private_settings(folder: str) -> None:
    """Keep settings in a folder of this run, so that tests neither see nor change those of the user."""
    QApplication.setOrganizationName("NA-MIC")
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    for scope in (QSettings.Scope.UserScope, QSettings.Scope.SystemScope):
        QSettings.setPath(QSettings.Format.IniFormat, scope, folder)
