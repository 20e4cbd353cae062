"""The part of Slicer that needs no Qt: the scene, the application logic, the modules' logics and the slice and 3D view nodes.

Everything here is real: it comes from the package slicer-core, which is Slicer's own C++ libraries without its windows.
"""

from __future__ import annotations

import tempfile

import slicer
import vtk

from stand_in.messages import Messages

# name in slicer.modules -> (name of the module, class of its logic), in the order in which Slicer loads them
LOGICS = {
    "terminologies": ("Terminologies", "vtkSlicerTerminologiesModuleLogic"),
    "units": ("Units", "vtkSlicerUnitsLogic"),
    "colors": ("Colors", None),  # the application's own colour logic
    "subjecthierarchy": ("SubjectHierarchy", "vtkSlicerSubjectHierarchyModuleLogic"),
    "cameras": ("Cameras", "vtkSlicerCamerasModuleLogic"),
    "volumes": ("Volumes", "vtkSlicerVolumesLogic"),
    "transforms": ("Transforms", "vtkSlicerTransformLogic"),
    "models": ("Models", "vtkSlicerModelsLogic"),
    "tables": ("Tables", "vtkSlicerTablesLogic"),
    "texts": ("Texts", "vtkSlicerTextsLogic"),
    "plots": ("Plots", "vtkSlicerPlotsLogic"),
    "markups": ("Markups", "vtkSlicerMarkupsLogic"),
    "segmentations": ("Segmentations", "vtkSlicerSegmentationsModuleLogic"),
    "sequences": ("Sequences", "vtkSlicerSequencesLogic"),
    "cropvolume": ("CropVolume", "vtkSlicerCropVolumeLogic"),
    "viewcontrollers": ("ViewControllers", "vtkSlicerViewControllersLogic"),
}
SLICE_VIEWS = {  # layout name: (orientation, layout colour, label) as Slicer's layouts have them
    "Red": ("Axial", (0.952941176471, 0.290196078431, 0.2), "R"),
    "Green": ("Coronal", (0.43137254902, 0.690196078431, 0.294117647059), "G"),
    "Yellow": ("Sagittal", (0.929411764706, 0.835294117647, 0.298039215686), "Y"),
}


class Module:
    """What `slicer.modules.volumes` and the like are without a window.

    Attributes:
        name: the module's name, such as "Volumes".
        title: what the user reads.
        path: the file of a scripted module, "" for others.
    """

    def __init__(self, name: str, logic: object) -> None:
        self.name = self.title = name
        self.path = ""
        self._logic = logic

    def logic(self) -> object:
        """Give the module's logic."""
        return self._logic


class Modules:
    """`slicer.modules`: an attribute for each module, an AttributeError for one that is not there."""


_booted: dict[str, object] = {}


def boot() -> slicer.vtkMRMLScene:
    """Make `slicer.mrmlScene` and `slicer.modules` as the application does when it starts; the second call gives the same scene."""
    if "scene" not in _booted:
        scene = slicer.vtkMRMLScene()
        slicer.mrmlScene, slicer.modules = scene, Modules()
        _booted["scene"] = scene
        _booted["logic"] = application = _application_logic(scene)
        _start_modules(application, scene)
        add_views(application, scene)
    return _booted["scene"]


def application_logic() -> slicer.vtkSlicerApplicationLogic:
    """Give the application logic of the booted scene."""
    boot()
    return _booted["logic"]


def _application_logic(scene: slicer.vtkMRMLScene) -> slicer.vtkSlicerApplicationLogic:
    crosshair = slicer.vtkMRMLCrosshairNode()
    crosshair.SetCrosshairName("default")
    scene.AddNode(crosshair)
    logic = slicer.vtkSlicerApplicationLogic()
    logic.SetTemporaryPath(tempfile.gettempdir())
    logic.SetSliceLogics(vtk.vtkCollection())
    logic.SetViewLogics(vtk.vtkCollection())
    logic.SetMRMLScene(scene)
    logic.SetColorLogic(slicer.vtkSlicerColorLogic())  # as the module Colors does; it also registers the node of colour legends
    _default_colours(logic, scene)
    return logic


def _default_colours(logic: slicer.vtkSlicerApplicationLogic, scene: slicer.vtkMRMLScene) -> None:
    """Add the colour tables. The files of some are not in the package: what VTK says about those is not kept, and that alone."""
    with Messages():
        logic.GetColorLogic().SetMRMLScene(scene)
        if not scene.GetNodeByID("vtkMRMLColorTableNodeGrey"):
            logic.GetColorLogic().AddDefaultColorNodes()
    _add_generic_colours(scene)


def _add_generic_colours(scene: slicer.vtkMRMLScene) -> None:
    """Add the table that label maps have by default, which the application reads from a file; the colours here are others."""
    node = slicer.vtkMRMLColorTableNode()
    node.SetTypeToRandom()
    node.SetName("GenericColors")
    node.SetSingletonTag("FileGenericColors.txt")  # makes the ID that Slicer's colour logic asks for
    node.SetSaveWithScene(False)  # as all default tables of Slicer
    if not scene.GetNodeByID(f"vtkMRMLColorTableNode{node.GetSingletonTag()}"):
        scene.AddNode(node)


def _start_modules(application: slicer.vtkSlicerApplicationLogic, scene: slicer.vtkMRMLScene) -> None:
    for attribute, (name, kind) in LOGICS.items():
        logic = application.GetColorLogic() if kind is None else getattr(slicer, kind)()
        logic.SetMRMLApplicationLogic(application)
        with Messages():  # terminology files are not in the package
            logic.SetMRMLScene(scene)
        application.SetModuleLogic(name, logic)
        setattr(slicer.modules, attribute, Module(name, logic))


def add_views(application: slicer.vtkSlicerApplicationLogic, scene: slicer.vtkMRMLScene) -> None:
    """Make the logics of the slice views Red, Green, Yellow and of the 3D view "1", with their nodes, as the first layout does."""
    for name in SLICE_VIEWS:
        application.GetSliceLogics().AddItem(make_slice_logic(application, scene, name))
    view = slicer.vtkMRMLViewLogic()
    view.SetName("1")
    view.SetMRMLApplicationLogic(application)
    view.SetMRMLScene(scene)
    view.AddViewNode("1")
    application.GetViewLogics().AddItem(view)


def make_slice_logic(
    application: slicer.vtkSlicerApplicationLogic, scene: slicer.vtkMRMLScene, name: str, orientation: str = ""
) -> slicer.vtkMRMLSliceLogic:
    """Make the logic of one slice view, with its slice node, composite node and display node in the scene."""
    usual, colour, label = SLICE_VIEWS.get(name, ("Axial", (0.5, 0.5, 0.5), name[:1]))
    logic = slicer.vtkMRMLSliceLogic()
    logic.SetMRMLApplicationLogic(application)
    logic.SetMRMLScene(scene)
    node = logic.AddSliceNode(name)
    node.SetName(name)
    node.SetOrientation(orientation or usual)
    node.SetDefaultOrientation(orientation or usual)
    node.SetLayoutColor(*colour)
    node.SetLayoutLabel(label)
    return logic
