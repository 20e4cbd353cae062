"""`slicer.ScriptedLoadableModule`: the base classes of scripted modules, written from how Slicer 5.12 behaves."""

from __future__ import annotations

import importlib
import logging
import unittest
from pathlib import Path
from typing import Any

import slicer

RESOURCES = "Resources"


class ScriptedLoadableModule:
    """What a module says of itself.

    Args:
        parent: takes title, categories, dependencies, contributors, helpText, acknowledgementText, icon.
    """

    def __init__(self, parent: Any) -> None:
        super().__init__()
        self.parent = parent
        self.moduleName = type(self).__name__
        parent.title, parent.helpText, parent.acknowledgementText = "", "", ""
        parent.categories, parent.dependencies, parent.contributors = [], [], []
        self._set_icon()
        slicer.selfTests = getattr(slicer, "selfTests", {})
        slicer.selfTests[self.moduleName] = self.runTest

    def _set_icon(self) -> None:
        import qt

        for ending in (".svg", ".png"):
            path = Path(self.resourcePath(f"Icons/{self.moduleName}{ending}"))
            if path.is_file():
                self.parent.icon = qt.QIcon(str(path))
                return

    def resourcePath(self, name: str) -> str:
        return str(Path(self.parent.path).parent / RESOURCES / name)

    def getDefaultModuleDocumentationLink(self, docPage: str | None = None) -> str:
        address = slicer.app.documentationBaseUrl + docPage if docPage else slicer.app.moduleDocumentationUrl(self.moduleName)
        return f'<p><a href="{address}">{address}</a></p>'

    def runTest(self, msec: int = 100, **arguments: Any) -> None:
        code = importlib.import_module(type(self).__module__)
        name = self.moduleName + "Test"
        assert hasattr(code, name), f"{code.__name__} has no class {name}"
        test = getattr(code, name)()
        test.messageDelay = msec
        test.runTest(**arguments)


class ScriptedLoadableModuleWidget:
    """The module's panel.

    Args:
        parent: panel with a layout; None makes a window of its own and sets it up.
    """

    def __init__(self, parent: Any = None) -> None:
        import qt

        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.developerMode = slicer.util.settingsValue("Developer/DeveloperMode", False, converter=slicer.util.toBool)
        self.parent = parent or slicer.qMRMLWidget()
        if not parent:
            self.parent.setLayout(qt.QVBoxLayout())
            self.parent.setMRMLScene(slicer.mrmlScene)
        self.layout = self.parent.layout()
        if not parent:
            self.setup()
            self.parent.show()
        slicer.app.moduleManager().connect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)

    def resourcePath(self, name: str) -> str:
        return str(Path(slicer.util.modulePath(self.moduleName)).parent / RESOURCES / name)

    def setup(self) -> None:
        self.setupDeveloperSection()

    def setupDeveloperSection(self) -> None:
        """In developer mode, add the buttons that reload and test the module."""
        import ctk
        import qt

        if not self.developerMode:
            return
        self.reloadCollapsibleButton = ctk.ctkCollapsibleButton()
        self.reloadCollapsibleButton.text = "Reload && Test"
        self.layout.addWidget(self.reloadCollapsibleButton)
        self.reloadButton = qt.QPushButton("Reload")
        self.reloadButton.connect("clicked()", self.onReload)
        qt.QVBoxLayout(self.reloadCollapsibleButton).addWidget(self.reloadButton)

    def cleanup(self) -> None:
        """Nothing to clean up, unless a module says otherwise."""

    def _onModuleAboutToBeUnloaded(self, name: str) -> None:
        if name == self.moduleName:
            self.cleanup()
            slicer.app.moduleManager().disconnect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)

    def onReload(self) -> None:
        slicer.util.reloadScriptedModule(self.moduleName)

    def onTest(self, **arguments: Any) -> None:
        with slicer.util.tryWithErrorDisplay("Test failed."):
            slicer.selfTests[self.moduleName](**arguments)

    def onReloadAndTest(self, **arguments: Any) -> None:
        with slicer.util.tryWithErrorDisplay("Reload and Test failed."):
            self.onReload()
            slicer.selfTests[self.moduleName](**arguments)


class ScriptedLoadableModuleLogic:
    """What a module does, without its panel."""

    def __init__(self, parent: Any = None) -> None:  # noqa: ARG002
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Logic")
        self.isSingletonParameterNode = True

    def getParameterNode(self) -> Any:
        if self.isSingletonParameterNode:
            found = slicer.mrmlScene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
            if found and found.GetAttribute("ModuleName") != self.moduleName:
                found.SetAttribute("ModuleName", self.moduleName)  # a scene close took it
        else:
            found = next(iter(self.getAllParameterNodes()), None)
        return found or slicer.mrmlScene.AddNode(self.createParameterNode())

    def getAllParameterNodes(self) -> list[Any]:
        nodes = slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode")
        return [node for node in nodes if node.GetAttribute("ModuleName") == self.moduleName]

    def createParameterNode(self) -> Any:
        node = slicer.vtkMRMLScriptedModuleNode()
        if self.isSingletonParameterNode:
            node.SetSingletonTag(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    """A module's test case."""

    messageDelay = 50

    def __init__(self, methodName: str = "runTest") -> None:
        super().__init__(methodName)
        self.moduleTestNames = [name for name in dir(self) if "test" in name and callable(getattr(self, name))]
        self.enableScreenshots, self.screenshotScaleFactor = False, 1.0

    def delayDisplay(self, message: str, requestedDelay: int | None = None, msec: int | None = None) -> None:  # noqa: ARG002
        logging.info(message)
        slicer.app.processEvents()

    def runTest(self) -> None:
        """Nothing to test, unless a module says otherwise."""
