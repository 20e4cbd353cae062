"""Hears what VTK and MRML print as warnings and errors."""

from __future__ import annotations

import vtk


class Messages:
    """Within `with Messages() as heard`, VTK prints nothing; `heard.text` is what it would have printed."""

    def __init__(self) -> None:
        self._window = vtk.vtkStringOutputWindow()
        self._forgotten = 0

    @property
    def text(self) -> str:
        """Everything heard so far; "" if VTK was quiet."""
        return self._window.GetOutput()[self._forgotten :].strip()

    def clear(self) -> None:
        """Forget what was heard."""
        self._forgotten = len(self._window.GetOutput())

    def __enter__(self) -> Messages:
        self._former = vtk.vtkOutputWindow.GetInstance(), vtk.vtkLogger.GetCurrentVerbosityCutoff()
        vtk.vtkOutputWindow.SetInstance(self._window)
        vtk.vtkLogger.SetStderrVerbosity(vtk.vtkLogger.VERBOSITY_OFF)
        return self

    def __exit__(self, *_: object) -> None:
        window, verbosity = self._former
        vtk.vtkOutputWindow.SetInstance(window)
        vtk.vtkLogger.SetStderrVerbosity(verbosity)
