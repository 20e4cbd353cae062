"""No name of Slicer, Qt, CTK or VTK is used in the module that these do not have."""

from __future__ import annotations

from pathlib import Path

import known_names as known
import pytest
from name_checks import form_problems, problems

LIBRARY = known.MODULE / "inr_registration"
LAYERS = ("slicer",)
SELF_TESTS = sorted((known.MODULE.parent / "Testing" / "Slicer").glob("*.py"))
SOURCES = [*known.MODULE.glob("*.py"), *(path for layer in LAYERS for path in sorted((LIBRARY / layer).rglob("*.py"))), *SELF_TESTS]
FORMS = sorted((known.MODULE / "Resources" / "UI").glob("*.ui"))
needs_vtk = pytest.mark.skipif(
    known.vtk_like("slicer") is None, reason="the package slicer-core is not installed (it exists for Linux only)"
)

GOOD = [
    "import slicer\nslicer.util.arrayFromVolume(node)[:] = 0",
    "import slicer\nif slicer.app.testingEnabled():\n    slicer.app.processEvents()",
    "import slicer\nlogic = slicer.modules.volumes.logic()",
    "import qt\nlabel = qt.QLabel('a')\nlabel.setAlignment(qt.Qt.AlignLeft)",
    "import qt\ntimer = qt.QTimer()\ntimer.connect('timeout()', f)",
    "import ctk\nbutton = ctk.ctkCollapsibleButton()\nbutton.collapsed = True",
    "box.connect('currentNodeChanged(vtkMRMLNode*)', f)",
    "from slicer.parameterNodeWrapper import parameterNodeWrapper, WithinRange",
    "import SampleData\nSampleData.SampleDataLogic.registerCustomSampleDataSource(category='a')",
]
BAD = [
    ("import slicer\nslicer.util.arrayFromVolumes(node)", "slicer.util has no 'arrayFromVolumes'"),
    ("from slicer.util import VTKObservationMixing", "slicer.util has no 'VTKObservationMixing'"),
    ("from slicer.parameterNodeWrapper import withinRange", "slicer.parameterNodeWrapper has no 'withinRange'"),
    ("import slicer\nslicer.application()", "there is no slicer.application"),
    ("import slicer\nslicer.app.processEvent()", "slicer.app has no 'processEvent'"),
    ("import slicer\nslicer.modules.volume.logic()", "slicer.modules has no 'volume'"),
    ("import slicer\nslicer.qMRMLNodeCombobox()", "there is no slicer.qMRMLNodeCombobox"),
    ("import qt\nqt.QPushbutton()", "there is no qt.QPushbutton"),
    ("import qt\nqt.Qt.ToolTipRoll", "qt.Qt has no 'ToolTipRoll'"),
    ("import qt\nqt.QTimer.singleShots(0, f)", "qt.QTimer has no 'singleShots'"),
    ("import qt\nqt.QLabel(text='a')", "QLabel takes no keyword arguments in PythonQt"),
    ("import qt\nqt.QEnterEvent(a).singlePointEvent()", "nothing is known that has 'singlePointEvent'"),
    ("import ctk\nctk.ctkCollapsableButton()", "there is no ctk.ctkCollapsableButton"),
    ("import ctk\nctk.ctkSliderWidget.setRanges", "ctk.ctkSliderWidget has no 'setRanges'"),
    ("button.setEnabeld(True)", "nothing is known that has 'setEnabeld'"),
    ("button.enabeld = True", "nothing is known that has 'enabeld'"),
    ("self.ui.fixedSelektor.currentNode()", "nothing is known that has 'fixedSelektor'"),
    ("button.connect('clicked', f)", "the signal 'clicked' is written without its arguments"),
    ("wires.on(button, 'clickt()', f)", "there is no signal 'clickt()'"),
    ("box.connect('currentNodeChanged(vtkMRMLScalarVolumeNode*)', f)", "there is no signal 'currentNodeChanged(vtkMRMLScalarVolumeNode*)'"),
]
BAD_VTK = [
    ("import vtk\nvtk.vtkMatrix4x5()", "vtk has no 'vtkMatrix4x5'"),
    ("import vtk\nvtk.vtkCommand.ModifyEvent", "vtk.vtkCommand has no 'ModifyEvent'"),
    ("import slicer\nslicer.vtkMRMLScalerVolumeNode()", "slicer has no 'vtkMRMLScalerVolumeNode'"),
    ("import slicer\nslicer.vtkMRMLScene.EndCloseEvents", "slicer.vtkMRMLScene has no 'EndCloseEvents'"),
    ("import slicer\nslicer.mrmlScene.AddNewNodeByKlass('x')", "slicer.vtkMRMLScene has no 'AddNewNodeByKlass'"),
    ("node.SetAndObserveTransformNodesID('x')", "nothing is known that has 'SetAndObserveTransformNodesID'"),
]
FORM = """<ui><widget class="{0}" name="top"><property name="{1}"><enum>{2}</enum></property></widget>
<connections><connection><sender>top</sender><signal>{3}</signal><receiver>{4}</receiver><slot>{5}</slot></connection></connections></ui>"""
RIGHT = ("qMRMLNodeComboBox", "sizePolicy", "QSizePolicy::Expanding", "currentNodeChanged(bool)", "top", "setEnabled(bool)")


@needs_vtk
@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(known.MODULE.parent).as_posix())
def test_a_source_uses_names_that_exist(path: Path) -> None:
    assert problems(path.read_text(encoding="utf-8")) == []


def test_the_sources_are_all_there() -> None:
    assert len(SOURCES) > 10
    assert FORMS


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_the_form_uses_names_that_exist(path: Path) -> None:
    assert form_problems(path.read_text(encoding="utf-8")) == []


@needs_vtk
@pytest.mark.parametrize("text", GOOD)
def test_what_slicers_own_modules_do_is_not_complained_of(text: str) -> None:
    faults = [fault for fault in problems(text) if "'f'" not in fault]
    assert faults == []


@pytest.mark.parametrize(("text", "fault"), BAD)
def test_a_misspelt_name_is_found(text: str, fault: str) -> None:
    assert [found.partition(": ")[2] for found in problems(text)] == [fault]


@needs_vtk
@pytest.mark.parametrize(("text", "fault"), BAD_VTK)
def test_a_misspelt_name_of_vtk_or_mrml_is_found(text: str, fault: str) -> None:
    assert [found.partition(": ")[2] for found in problems(text)] == [fault]


@pytest.mark.parametrize(
    ("place", "wrong", "fault"),
    [
        (0, "qMRMLNodeCombobox", "there is no class qMRMLNodeCombobox"),
        (1, "sizePolizy", "qMRMLNodeComboBox 'top' has no property 'sizePolizy'"),
        (2, "QSizePolicy::Expand", "there is no enum value QSizePolicy::Expand"),
        (3, "nodeChanged()", "qMRMLNodeComboBox 'top' has no signal 'nodeChanged()'"),
        (4, "bottom", "a connection names 'bottom', which is not in the form"),
        (5, "setEnabled()", "qMRMLNodeComboBox 'top' has no slot 'setEnabled()'"),
    ],
)
def test_a_misspelt_name_in_a_form_is_found(place: int, wrong: str, fault: str) -> None:
    assert form_problems(FORM.format(*RIGHT)) == []
    changed = [wrong if n == place else word for n, word in enumerate(RIGHT)]
    assert fault in form_problems(FORM.format(*changed))


def test_assigning_to_a_widget_does_not_make_a_name_known() -> None:
    import ast

    tree = ast.parse("class A:\n    field: int = 0\n    def run(self):\n        self.mine = 1\n        button.theirs = 2\n")
    assert sorted(known.defined(tree)) == ["A", "field", "mine", "run"]


@pytest.mark.parametrize("name", ["qt", "ctk", "slicer_widgets", "slicer_python"])
def test_every_list_says_where_it_comes_from(name: str) -> None:
    text = (known.FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    header = [line for line in text.splitlines() if line.startswith("#")]
    assert any(word in " ".join(header) for word in ("Slicer 5.12", "tag 5.12.3"))
    assert len(text.splitlines()) > 200
