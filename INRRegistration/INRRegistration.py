"""The Slicer module: metadata, widget, logic and test. Nothing but wiring; the parts are in inr_registration."""

import sys
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

LIBRARY = "inr_registration"


class INRRegistration(ScriptedLoadableModule):
    """What Slicer shows of the module before it is opened."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("INR Registration")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Registration")]
        self.parent.dependencies = []
        self.parent.contributors = ["The INRRegistration contributors"]
        self.parent.helpText = _(
            "Brings one 3D medical image onto another by a smooth deformation that is fitted to these two images alone, "
            "with no training data. Shows where the result may be wrong: folding, change of volume, uncertainty. "
            "Not for clinical use. See the "
            '<a href="https://github.com/INRRegistration/SlicerINRRegistration">documentation</a>.'
        )
        self.parent.acknowledgementText = _(
            "Builds on the published ideas of implicit neural representations for registration; see the documentation for the papers."
        )
        slicer.app.connect("startupCompleted()", _register_sample_data)


def _register_sample_data():
    from inr_registration.slicer.logic.sample_data import register_sample_data

    register_sample_data(_choose)


def _choose(fixed, moving):
    """Select two volumes in the panel, open or not."""
    panel = getattr(getattr(slicer.modules, "INRRegistrationWidget", None), "panel", None)
    parameters = None if panel is None else panel.parameters
    if parameters is None:  # what is not open reads the scene's parameters when it is opened
        parameters = INRRegistrationLogic().getParameterNode()
    parameters.fixed, parameters.moving = fixed, moving


class INRRegistrationWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Loads the panel's form and connects it with the scene's life."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.panel = None
        self.form = None
        self.ui = None

    def setup(self):
        """Build the panel. Needs neither torch nor a main window."""
        ScriptedLoadableModuleWidget.setup(self)
        from inr_registration.slicer.ui.panel import Panel

        path = self.resourcePath("UI/INRRegistration.ui")
        self.form = slicer.util.loadUI(path)
        self.layout.addWidget(self.form)
        self.ui = slicer.util.childWidgetVariables(self.form)
        self.form.setMRMLScene(slicer.mrmlScene)
        self.logic = INRRegistrationLogic()
        self.panel = Panel(self.ui, self.logic.session, str(Path(path).parent))
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        slicer.app.connect("aboutToQuit()", self.logic.session.close)
        self.initializeParameterNode()

    def cleanup(self):
        """Called before a reload and when the application ends: no run may outlive its panel.

        Where setup failed, only a part of it is there; a reload has to be possible all the same.
        """
        self.removeObservers()
        if self.logic is not None:
            slicer.app.disconnect("aboutToQuit()", self.logic.session.close)
            self.logic.session.close()
        if self.panel is not None:
            self.panel.close()
        if self.form is not None:
            self.form.deleteLater()  # a reload only hides it, and its selectors would go on following the scene
            self.form = None

    def enter(self):
        """Called each time the user opens this module."""
        self.initializeParameterNode()

    def exit(self):
        """Called each time the user opens another module: a run goes on."""
        self.setParameterNode(None)

    def onSceneStartClose(self, _caller=None, _event=None):
        """Called just before the scene is closed."""
        self.logic.session.abandon()
        self.setParameterNode(None)

    def onSceneEndClose(self, _caller=None, _event=None):
        """Called just after the scene was closed."""
        if self.parent.isEntered:
            self.initializeParameterNode()

    def initializeParameterNode(self):
        """Show the scene's parameters."""
        self.setParameterNode(self.logic.getParameterNode())

    def setParameterNode(self, inputParameterNode):
        """Show these parameters from now on; None to show none."""
        self.panel.set_parameters(inputParameterNode)

    def onReload(self):
        """Reload the library too: Slicer itself reloads this file only."""
        if self.logic is not None:
            self.logic.session.close()
        for name in [name for name in sys.modules if name.partition(".")[0] == LIBRARY]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)


class INRRegistrationLogic(ScriptedLoadableModuleLogic):
    """What scripts call. Works without any widget."""

    def __init__(self):
        ScriptedLoadableModuleLogic.__init__(self)
        from inr_registration.slicer.logic.session import Session

        self.session = Session(_make_timer, Path(slicer.app.temporaryPath) / "INRRegistration")

    def getParameterNode(self):
        """The parameters of the panel, saved with the scene."""
        from inr_registration.slicer.ui.parameters import INRRegistrationParameterNode

        return INRRegistrationParameterNode(ScriptedLoadableModuleLogic.getParameterNode(self))

    def register(self, fixed, moving, **options):
        """Register ``moving`` to ``fixed``.

        See ``inr_registration.slicer.logic.scripting.register_nodes`` for the options: masks, landmarks, preset, weights, output nodes,
        and ``wait`` (True: return the result's nodes when done; False: return at once and call ``finished``).
        """
        from inr_registration.slicer.logic.scripting import register_nodes

        return register_nodes(self.session, fixed, moving, **options)


def _make_timer(function):
    timer = qt.QTimer()
    timer.setInterval(0)
    timer.connect("timeout()", function)
    return timer


class INRRegistrationTest(ScriptedLoadableModuleTest):
    """Run by "Reload and Test" and by the Self Tests module."""

    def setUp(self):
        """Start with an empty scene."""
        slicer.mrmlScene.Clear()

    def runTest(self):
        """Registers the sample pair with the quick preset, if PyTorch is there."""
        self.setUp()
        from inr_registration.slicer.logic.self_test import register_sample_pair

        self.delayDisplay(register_sample_pair(INRRegistrationLogic()))
