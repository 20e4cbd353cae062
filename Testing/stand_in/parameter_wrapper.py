"""The decorator `parameterNodeWrapper`: a class whose members are kept in a parameter node and can be connected to widgets."""

from __future__ import annotations

import typing
from typing import Any

import slicer
import vtk

from stand_in import parameter_kinds
from stand_in.parameter_connectors import Connector, connector_for
from stand_in.parameter_kinds import Default, Validator, first, store_for, taken_apart

PROPERTY = "SlicerParameterName"


class Wrapping:
    """What every wrapper class has beside its parameters.

    Args:
        parameterNode: a vtkMRMLScriptedModuleNode.
        prefix: goes before the names under which the parameters are kept.
    """

    allParameters: typing.ClassVar[dict[str, Any]] = {}

    def __init__(self, parameterNode: Any, prefix: str | None = None) -> None:
        self.parameterNode = parameterNode
        self._prefix = f"{prefix}." if prefix else ""
        self._connected: dict[int, tuple[dict[str, Connector], int]] = {}
        self._next_tag = 0
        self._showing = False
        for name, (_, store, default) in self.allParameters.items():
            if not store.has(parameterNode, self._prefix + name):
                store.write(parameterNode, self._prefix + name, default)

    def _known(self, name: str) -> Any:
        if name not in self.allParameters:
            raise ValueError(f"no parameter is called '{name}'; there are {', '.join(self.allParameters)}")
        return self.allParameters[name]

    def getValue(self, name: str) -> Any:
        return self._known(name)[1].read(self.parameterNode, self._prefix + name)

    def setValue(self, name: str, value: Any) -> None:
        store = self._known(name)[1]
        with slicer.util.NodeModify(self.parameterNode):
            store.write(self.parameterNode, self._prefix + name, value)
            store.read(self.parameterNode, self._prefix + name)  # True as an int is found out here

    def default(self, name: str) -> Default:
        return Default(self._known(name)[2])

    def isCached(self, name: str) -> bool:
        self._known(name)
        return False

    def connectGui(self, gui: Any) -> int:
        """Connect all widgets that carry the property SlicerParameterName; gives the tag for disconnectGui()."""
        import qt

        whole = getattr(gui, "isWidgetType", lambda: False)()
        widgets = gui.findChildren(qt.QWidget) if whole else list(vars(gui).values())
        named = [(widget, widget.property(PROPERTY)) for widget in widgets if hasattr(widget, "property")]
        return self.connectParametersToGui({name: widget for widget, name in named if name})

    def connectParametersToGui(self, mapping: dict[str, Any]) -> int:
        """Connect widgets given by the names of their parameters."""
        for name in mapping:
            self._known(name)
        connectors = {
            name: one if isinstance(one, Connector) else connector_for(one, self.allParameters[name][0]) for name, one in mapping.items()
        }
        for name, connector in connectors.items():
            connector.write(self.getValue(name))
            connector.onChanged(lambda name=name, connector=connector: self._take(name, connector))
        tag, self._next_tag = self._next_tag, self._next_tag + 1
        self._connected[tag] = connectors, self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._show())
        return tag

    def disconnectGui(self, tag: int) -> None:
        connectors, observer = self._connected.pop(tag, ({}, None))
        for connector in connectors.values():
            connector.onChanged(None)
        if observer is not None:
            self.RemoveObserver(observer)

    def _take(self, name: str, connector: Connector) -> None:
        if not self._showing:
            self.setValue(name, connector.read())

    def _show(self) -> None:
        if self._showing:
            return
        self._showing = True
        try:
            with slicer.util.NodeModify(self):
                for connectors, _ in list(self._connected.values()):
                    for name, connector in connectors.items():
                        connector.write(self.getValue(name))
        finally:
            self._showing = False

    def StartModify(self) -> int:
        return self.parameterNode.StartModify()

    def EndModify(self, former: int) -> int:
        return self.parameterNode.EndModify(former)

    def AddObserver(self, event: Any, function: Any, priority: float = 0.0) -> int:
        return self.parameterNode.AddObserver(event, function, priority)

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def Modified(self) -> None:
        self.parameterNode.Modified()


TAKEN = {name for name in vars(Wrapping) if not name.startswith("_")}


def parameterNodeWrapper(kind: type | None = None) -> Any:
    """Make a wrapper class of a class with annotated members; to be used as decorator."""
    return _made if kind is None else _made(kind)


def _made(kind: type) -> type:
    taken = TAKEN.intersection({*vars(kind), *getattr(kind, "__annotations__", {})})
    if taken:
        raise ValueError(f"a parameter node wrapper has members called {sorted(taken)} already")
    parameters = {name: _parameter(kind, name, hint) for name, hint in typing.get_type_hints(kind, include_extras=True).items()}
    for name in parameters:
        setattr(
            kind, name, property(lambda self, name=name: self.getValue(name), lambda self, value, name=name: self.setValue(name, value))
        )
    kind.allParameters = parameters
    for name, value in vars(Wrapping).items():
        if name == "__init__" or (not name.startswith("__") and name != "allParameters"):
            setattr(kind, name, value)
    kind.dataType = staticmethod(lambda name: parameters[name][0])
    kind._is_parameter_node_wrapper = True
    return kind


def _parameter(kind: type, name: str, hint: Any) -> tuple[Any, Any, Any]:
    """Give the full type, the store and the default of one member."""
    plain, annotations = taken_apart(hint)
    store = store_for(plain, tuple(one for one in annotations if isinstance(one, Validator)))
    given = first(annotations, Default)
    return hint, store, getattr(kind, name) if hasattr(kind, name) else store.default if given is None else given.value


def isParameterNodeWrapper(thing: Any) -> bool:
    """True for a wrapper class and its objects."""
    return getattr(thing, "_is_parameter_node_wrapper", False)


CONTENT: dict[str, Any] = {
    "parameterNodeWrapper": parameterNodeWrapper,
    "isParameterNodeWrapper": isParameterNodeWrapper,
    "SlicerParameterNamePropertyName": PROPERTY,
    **{name: getattr(parameter_kinds, name) for name in ("Choice", "Decimals", "Default", "Exclude", "Maximum", "Minimum", "SingleStep")},
    **{name: getattr(parameter_kinds, name) for name in ("Validator", "WithinRange")},
}  # what `slicer.parameterNodeWrapper` holds
