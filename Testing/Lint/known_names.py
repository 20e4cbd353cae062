"""The names that a module inside Slicer may use: from lists gathered from the sources, and from slicer-core by looking at it."""

from __future__ import annotations

import ast
import builtins
import csv
import datetime
import enum
import functools
import importlib
import inspect
import io
import logging
import pathlib
import queue
import re
import threading
import traceback
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree import ElementTree

import numpy as np

FOLDER = pathlib.Path(__file__).resolve().parent / "names"
MODULE = pathlib.Path(__file__).resolve().parents[2] / "INRRegistration"
SELF_TESTS = MODULE.parent / "Testing" / "Slicer"

EVERY_QT_OBJECT = {"className", "connect", "delete", "disconnect", "help", "inherits"}
"""What PythonQt adds to every object."""
OURS = {"inrregistration", "INRRegistrationInstance", "INRRegistrationWidget"}
"""Below slicer.modules."""
WRAPPER = {"allParameters", "connectGui", "connectParametersToGui", "dataType", "default", "disconnectGui", "isCached", "parameterNode"}
"""What the decorator parameterNodeWrapper adds to a class."""
PYTORCH_UTILS = {
    "PyTorchUtilsLogic",
    "cuda",
    "getCompatibleComputationBackends",
    "getDevice",
    "installTorch",
    "torch",
    "torchInstalled",
    "uninstallTorch",
}
"""Of fepegar/SlicerPyTorch, through which torch comes."""
SLICER_PYTHON_EXTRAS = {"CallDataType", "isEntered", "logic", "parent", "self", "widgetRepresentation"}


@dataclass
class Class:
    """One Qt class: its base and its names by kind (properties, signals, slots, methods, enums)."""

    base: str = ""
    kinds: dict[str, set[str]] = field(default_factory=dict)


@functools.cache
def qt_classes() -> dict[str, Class]:
    """All classes of the three lists, by name."""
    classes: dict[str, Class] = {}
    for name in ("qt", "ctk", "slicer_widgets"):
        classes.update(parsed((FOLDER / f"{name}.txt").read_text(encoding="utf-8")))
    return classes


def parsed(text: str) -> dict[str, Class]:
    """Classes of one list: lines "class NAME BASE", then "KIND NAME NAME ..."; a blank within a signature is written ~."""
    classes: dict[str, Class] = {}
    current = Class()
    for line in text.splitlines():
        kind, *words = line.split()
        if kind == "class":
            current = classes[words[0]] = Class(words[1] if len(words) > 1 else "")
        elif kind != "#":
            current.kinds[kind] = {word.replace("~", " ") for word in words}
    return classes


def library(name: str) -> frozenset[str]:
    """Names of the classes in one list."""
    return frozenset(parsed((FOLDER / f"{name}.txt").read_text(encoding="utf-8")))


def lineage(name: str) -> Iterator[Class]:
    """A class and its bases, as far as they are listed."""
    seen: set[str] = set()
    while name in qt_classes() and name not in seen:
        seen.add(name)
        yield qt_classes()[name]
        name = qt_classes()[name].base


@functools.cache
def names_of(name: str, *kinds: str) -> frozenset[str]:
    """Names of these kinds in a class and its bases."""
    return frozenset(entry for one in lineage(name) for kind in kinds for entry in one.kinds.get(kind, ()))


@functools.cache
def members(name: str) -> frozenset[str]:
    """Everything that may follow the dot of a Qt class or of its objects."""
    whole = names_of(name, "properties", "methods", "enums") | {s.partition("(")[0] for s in names_of(name, "signals", "slots")}
    return frozenset(whole | EVERY_QT_OBJECT)


@functools.cache
def signals() -> frozenset[str]:
    """Every signal, with its arguments."""
    return frozenset(entry for name in qt_classes() for entry in names_of(name, "signals"))


@functools.cache
def any_qt_member() -> frozenset[str]:
    """Names that some Qt object has."""
    return frozenset(entry for name in qt_classes() for entry in members(name))


@functools.cache
def slicer_python() -> frozenset[str]:
    """Dotted names of Slicer's Python modules."""
    lines = (FOLDER / "slicer_python.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


@functools.cache
def vtk_like(module: str) -> types.ModuleType | None:
    """``slicer`` of slicer-core or ``vtk``; None where it is not installed (slicer-core exists for Linux only)."""
    try:
        importlib.import_module("vtk.util.numpy_support")  # so that vtk has it
        return importlib.import_module(module)
    except ImportError:
        return None


@functools.cache
def any_vtk_member() -> frozenset[str]:
    """Names that some class of VTK, MRML or Slicer's module logics has; empty without slicer-core."""
    found: set[str] = set()
    for module in (vtk_like("vtk"), vtk_like("slicer")):
        classes = [value for name, value in inspect.getmembers(module, inspect.isclass) if name.startswith("vtk")] if module else []
        found.update(entry for one in classes for entry in dir(one))
    return frozenset(found)


@functools.cache
def python_names() -> frozenset[str]:
    """Names that objects of Python and numpy have."""
    kinds: list[object] = [value for value in vars(builtins).values() if isinstance(value, type)]
    kinds += [
        pathlib.Path,
        threading.Thread,
        threading.Event,
        queue.Queue,
        enum.Enum,
        logging.Logger,
        functools.partial,
        re.Match,
        re.Pattern,
    ]
    kinds += [datetime.datetime, types.FunctionType, types.MethodType, types.ModuleType, types.TracebackType, traceback.TracebackException]
    kinds += [io.StringIO, io.BytesIO, type(csv.writer(io.StringIO()))]
    kinds += [
        np.ndarray,
        np.generic,
        np.random.Generator,
        ast.AST,
        types.SimpleNamespace,
        type(threading.RLock()),
        np.finfo(float),
        np.iinfo(int),
    ]
    return frozenset(name for kind in kinds for name in dir(kind))


@functools.cache
def own_names() -> frozenset[str]:
    """Names that our own code defines, and the names of the widgets in the form."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in [*MODULE.rglob("*.py"), *SELF_TESTS.glob("*.py")]]
    found = {name for tree in trees for name in defined(tree)}
    for form in (MODULE / "Resources" / "UI").glob("*.ui"):
        found.update(node.get("name", "") for node in ElementTree.parse(form).iter("widget"))
    return frozenset(found)


def defined(tree: ast.AST) -> Iterator[str]:
    """Functions, classes, fields of classes, and what methods assign to ``self``: assigning to another object defines nothing."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        if isinstance(node, ast.ClassDef):
            for entry in node.body:
                targets = entry.targets if isinstance(entry, ast.Assign) else [entry.target] if isinstance(entry, ast.AnnAssign) else []
                yield from (target.id for target in targets if isinstance(target, ast.Name))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) in ("self", "cls"):
            yield node.attr


@functools.cache
def anything_known() -> frozenset[str]:
    """Names that may follow a dot where it is not known what stands before it."""
    last = {name.rpartition(".")[2] for name in slicer_python()}
    return any_qt_member() | any_vtk_member() | python_names() | own_names() | last | WRAPPER | SLICER_PYTHON_EXTRAS | PYTORCH_UTILS
