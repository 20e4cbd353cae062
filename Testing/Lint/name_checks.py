"""Finds names of Slicer, Qt, CTK and VTK that do not exist, without running anything."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from xml.etree import ElementTree

import known_names as known

ROOTS = ("slicer", "qt", "ctk", "vtk", "SampleData")
SIGNATURE = re.compile(r"[a-z]\w*\([\w:<>*&, ]*\)")
NEEDS_VTK = re.compile(r"[A-Z][a-z0-9]+[A-Z]?\w*")
SPECIAL = {
    "geometry",
    "sizeHint",
    "orientation",
    *(f"{side}Margin" for side in ("left", "right", "top", "bottom")),
    "horizontalSpacing",
    "verticalSpacing",
}
"""What Qt's form files say of layouts and spacers."""


def problems(text: str) -> list[str]:
    """Every name in a Python source that nothing is known to have, as "line N: ..."."""
    tree = ast.parse(text)
    imports = imported(tree)
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    found = [(node.lineno, fault) for node in ast.walk(tree) for fault in _of_node(node, imports, inner)]
    return [f"line {line}: {fault}" for line, fault in sorted(set(found))]


def imported(tree: ast.AST) -> dict[str, str]:
    """Local name to dotted origin of everything that a file imports, anywhere in it."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update({a.asname or a.name.partition(".")[0]: a.name if a.asname else a.name.partition(".")[0] for a in node.names})
        if isinstance(node, ast.ImportFrom) and not node.level:
            names.update({a.asname or a.name: f"{node.module}.{a.name}" for a in node.names})
    return names


def _of_node(node: ast.AST, imports: dict[str, str], inner: set[int]) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in ROOTS:
        yield from (fault for a in node.names for fault in dotted([*str(node.module).split("."), a.name]))
    elif isinstance(node, ast.Import):
        yield from (fault for a in node.names if a.name.partition(".")[0] in ROOTS for fault in dotted(a.name.split(".")))
    elif isinstance(node, ast.Attribute) and id(node) not in inner:
        yield from _chain(node, imports)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and SIGNATURE.fullmatch(node.value):
        if node.value not in known.signals():
            yield f"there is no signal '{node.value}'"
    elif isinstance(node, ast.Call):
        yield from _call(node, imports)


def _chain(node: ast.Attribute, imports: dict[str, str]) -> Iterator[str]:
    """The names after the dots, from what stands before the first one."""
    attributes: list[str] = []
    base: ast.expr = node
    while isinstance(base, ast.Attribute):
        attributes.insert(0, base.attr)
        base = base.value
    origin = imports.get(base.id) if isinstance(base, ast.Name) else None
    if origin and origin.partition(".")[0] in ROOTS:
        yield from dotted([*origin.split("."), *attributes])
    elif not origin:
        yield from (fault for name in attributes for fault in unknown(name))


def _call(node: ast.Call, imports: dict[str, str]) -> Iterator[str]:
    function = node.func
    if not isinstance(function, ast.Attribute):
        return
    if function.attr in ("connect", "disconnect") and node.args:
        first = node.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str) and "(" not in first.value:
            yield f"the signal '{first.value}' is written without its arguments"
    if isinstance(function.value, ast.Name) and imports.get(function.value.id) in ("qt", "ctk") and node.keywords:
        yield f"{function.attr} takes no keyword arguments in PythonQt"


def unknown(name: str) -> Iterator[str]:
    """A fault where no object at all is known to have this name."""
    if name not in known.anything_known() and (known.any_vtk_member() or not NEEDS_VTK.fullmatch(name)):
        yield f"nothing is known that has '{name}'"


def dotted(path: list[str]) -> Iterator[str]:
    """Faults of a name from a root on, such as slicer.util.arrayFromVolume or qt.Qt.ToolTipRole."""
    root, *rest = path
    if not rest:
        return
    if root in ("qt", "ctk"):
        yield from _of_class(root, rest, known.library(root))
    elif root == "vtk":
        yield from _introspected("vtk", rest)
    elif root == "slicer" and rest[0].startswith("vtk"):
        yield from _introspected("slicer", rest)
    elif root == "slicer" and rest[0].startswith("q"):
        yield from _of_class("slicer", rest, known.library("slicer_widgets"))
    else:
        yield from _of_slicer(path)


def _of_slicer(path: list[str]) -> Iterator[str]:
    """slicer.app, slicer.mrmlScene, slicer.modules, slicer.util and Slicer's other Python modules."""
    start, name, rest = ".".join(path[:2]), "".join(path[2:3]), path[3:]
    if start not in known.slicer_python() and not any(entry.startswith(start + ".") for entry in known.slicer_python()):
        yield f"there is no {start}"
    elif name and start == "slicer.app":
        if name not in known.members("qSlicerApplication"):
            yield f"slicer.app has no '{name}'"
    elif name and start == "slicer.mrmlScene":
        yield from _introspected("slicer", ["vtkMRMLScene", name])
    elif name and f"{start}.{name}" not in known.slicer_python() and not (start == "slicer.modules" and name in known.OURS):
        yield f"{start} has no '{name}'"
    yield from (fault for entry in rest for fault in unknown(entry))


def _of_class(root: str, path: list[str], classes: frozenset[str]) -> Iterator[str]:
    name, *rest = path
    if name not in classes:
        yield f"there is no {root}.{name}"
    elif rest and rest[0] not in known.members(name):
        yield f"{root}.{name} has no '{rest[0]}'"
    yield from (fault for entry in rest[1:] for fault in unknown(entry))


def _introspected(root: str, path: list[str]) -> Iterator[str]:
    """Names of VTK and MRML, as the installed package has them."""
    module = known.vtk_like(root)
    if module is None:
        return
    value, seen = module, root
    for name in path[:2]:
        if not hasattr(value, name):
            yield f"{seen} has no '{name}'"
            return
        value, seen = getattr(value, name), f"{seen}.{name}"


def form_problems(text: str) -> list[str]:
    """Every class, property, enum value, signal and slot in a Qt form that does not exist."""
    root = ElementTree.fromstring(text)
    classes = {node.get("name", ""): node.get("class", "") for node in root.iter("widget")}
    found = [fault for node in root.iter() if node.tag in ("widget", "layout") for fault in _of_form_class(node)]
    return found + [fault for node in root.iter("connection") for fault in _connection(node, classes)]


def _of_form_class(node: ElementTree.Element) -> Iterator[str]:
    name = node.get("class", "")
    if name not in known.qt_classes():
        yield f"there is no class {name}"
        return
    for entry in node.findall("property"):
        label = entry.get("name", "")
        if (
            entry.get("stdset") != "0"
            and label not in known.names_of(name, "properties")
            and not (node.tag == "layout" and label in SPECIAL)
        ):
            yield f"{name} '{node.get('name')}' has no property '{label}'"
        for value in entry.iter():
            if value.tag in ("enum", "set"):
                yield from _enums(value.text or "")


def _enums(text: str) -> Iterator[str]:
    for value in text.split("|"):
        owner, _, rest = value.partition("::")
        if rest.rpartition("::")[2] not in known.names_of(owner, "enums"):
            yield f"there is no enum value {value}"


def _connection(node: ElementTree.Element, classes: dict[str, str]) -> Iterator[str]:
    for end, kinds in (("signal", ("signals",)), ("slot", ("slots", "signals"))):
        owner = node.findtext("sender" if end == "signal" else "receiver") or ""
        if owner not in classes:
            yield f"a connection names '{owner}', which is not in the form"
        elif node.findtext(end) not in known.names_of(classes[owner], *kinds):
            yield f"{classes[owner]} '{owner}' has no {end} '{node.findtext(end)}'"
