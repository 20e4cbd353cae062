"""Loading and saving as `slicer.util.loadVolume`, `saveNode`, `saveScene` and the like ask for it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
import vtk

from stand_in.boot import application_logic

EXTENSIONS = {
    ".mrb": "SceneFile", ".mrml": "SceneFile", ".nrrd": "VolumeFile", ".nhdr": "VolumeFile", ".nii": "VolumeFile", ".nii.gz": "VolumeFile",
    ".mha": "VolumeFile", ".h5": "TransformFile", ".tfm": "TransformFile", ".mrk.json": "MarkupsFile", ".fcsv": "MarkupsFile",
    ".seg.nrrd": "SegmentationFile", ".vtk": "ModelFile", ".stl": "ModelFile", ".csv": "TableFile", ".tsv": "TableFile", ".txt": "TextFile",
}  # fmt: skip


def _volume(path: str, properties: dict[str, Any]) -> Any:
    name = properties.get("name") or Path(path).name.split(".")[0]
    options = 1 if properties.get("labelmap") else 0
    return slicer.modules.volumes.logic().AddArchetypeVolume(path, name, options)


def _markups(path: str, properties: dict[str, Any]) -> Any:
    found = slicer.modules.markups.logic().LoadMarkups(path, properties.get("name", ""))
    return slicer.mrmlScene.GetNodeByID(found) if found else None


def _by_storage(kind: str) -> Callable[[str, dict[str, Any]], Any]:
    def load(path: str, properties: dict[str, Any]) -> Any:
        node = slicer.mrmlScene.AddNewNodeByClass(kind, properties.get("name") or Path(path).name.split(".")[0])
        node.AddDefaultStorageNode()
        node.GetStorageNode().SetFileName(path)
        if node.GetStorageNode().ReadData(node):
            return node
        slicer.mrmlScene.RemoveNode(node)
        return None

    return load


LOADERS: dict[str, Callable[[str, dict[str, Any]], Any]] = {
    "VolumeFile": _volume,
    "MarkupsFile": _markups,
    "TransformFile": lambda path, _: slicer.modules.transforms.logic().AddTransform(path, slicer.mrmlScene),
    "SegmentationFile": lambda path, _: slicer.modules.segmentations.logic().LoadSegmentationFromFile(path),
    "ModelFile": lambda path, _: slicer.modules.models.logic().AddModel(path),
    "TableFile": lambda path, _: slicer.modules.tables.logic().AddTable(path),
    "TextFile": _by_storage("vtkMRMLTextNode"),
}


class IOManager:
    """`slicer.app.coreIOManager()`: as much of it as `slicer.util` calls."""

    __slots__ = ()

    def fileType(self, path: str) -> str:
        """Give the kind of a file by its name, the longest extension first."""
        fitting = [end for end in EXTENSIONS if path.lower().endswith(end)]
        return EXTENSIONS[max(fitting, key=len)] if fitting else "NoFile"

    def fileWriterFileType(self, node: Any) -> str:
        return "TransformFile" if node.IsA("vtkMRMLTransformNode") else "NodeFile"

    def registeredFileReaderCount(self, kind: str) -> int:
        return int(kind in LOADERS or kind == "SceneFile")

    def loadNodes(self, kind: str, properties: dict[str, Any], loaded: vtk.vtkCollection, messages: Any = None) -> bool:  # noqa: ARG002
        path = str(properties["fileName"])
        if kind == "SceneFile":
            return _load_scene(path, bool(properties.get("clear")))
        node = LOADERS[kind](path, properties) if kind in LOADERS and Path(path).is_file() else None
        if node is not None:
            loaded.AddItem(node)
        return node is not None

    def loadScene(self, path: str, clear: bool = True) -> bool:
        return _load_scene(str(path), clear)

    def saveNodes(self, kind: str, properties: dict[str, Any], messages: Any = None) -> bool:  # noqa: ARG002
        path = str(properties["fileName"])
        if kind == "SceneFile":
            return self.saveScene(path)
        return _write(slicer.mrmlScene.GetNodeByID(properties["nodeID"]), path)

    def saveScene(self, path: str, screenshot: Any = None) -> bool:  # noqa: ARG002
        if path.endswith(".mrb"):
            return bool(slicer.mrmlScene.WriteToMRB(path))
        slicer.mrmlScene.SetURL(path)
        return bool(slicer.mrmlScene.Commit())

    def extractKnownExtension(self, name: str, node: Any) -> str:  # noqa: ARG002
        fitting = [end for end in EXTENSIONS if name.lower().endswith(end)]
        return max(fitting, key=len) if fitting else Path(name).suffix

    def fileWriterExtensions(self, node: Any) -> tuple[str, ...]:
        types = node.CreateDefaultStorageNode().GetSupportedWriteFileTypes()
        return tuple(types.GetValue(i) for i in range(types.GetNumberOfValues()))

    def exportNodes(self, ids: list[str], paths: list[str], properties: dict[str, Any], harden: bool = False, messages: Any = None) -> bool:  # noqa: ARG002
        return all(_export(slicer.mrmlScene.GetNodeByID(key), str(path)) for key, path in zip(ids, paths, strict=True))


def _write(node: Any, path: str) -> bool:
    node.AddDefaultStorageNode()
    node.GetStorageNode().SetFileName(path)
    return bool(node.GetStorageNode().WriteData(node))


def _export(node: Any, path: str) -> bool:
    storage = node.CreateDefaultStorageNode()
    storage.UnRegister(None) if storage.GetReferenceCount() > 1 else None
    slicer.mrmlScene.AddNode(storage)
    storage.SetFileName(path)
    written = bool(storage.WriteData(node))
    slicer.mrmlScene.RemoveNode(storage)
    return written


def _load_scene(path: str, clear: bool) -> bool:
    scene = slicer.mrmlScene
    if not Path(path).is_file():
        return False
    if clear:
        scene.Clear()
    if path.endswith(".mrb"):
        with tempfile.TemporaryDirectory(prefix="mrb-") as unpacked:  # the application removes it as well
            return bool(application_logic().OpenSlicerDataBundle(path, unpacked))
    scene.SetURL(path)
    return bool(scene.Connect() if clear else scene.Import())
