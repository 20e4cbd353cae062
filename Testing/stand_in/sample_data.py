"""The module SampleData, as far as other modules register data there and download them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import slicer


@dataclass
class SampleDataSource:
    """One data set; the names are Slicer's."""

    sampleName: str | None = None
    sampleDescription: str | None = None
    uris: Any = None
    fileNames: Any = None
    nodeNames: Any = None
    checksums: Any = None
    loadFiles: Any = None
    customDownloader: Any = None
    thumbnailFileName: Any = None
    loadFileTypes: Any = None
    loadFileProperties: dict[str, Any] | None = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Give every field of a file one entry for each address."""
        self.sampleDescription = self.sampleDescription or self.sampleName
        several = isinstance(self.uris, list)
        for name in ("uris", "fileNames", "nodeNames", "checksums", "loadFiles", "loadFileTypes"):
            value = getattr(self, name)
            if not several:
                setattr(self, name, [value])
            elif not isinstance(value, list):
                setattr(self, name, [value] * len(self.uris))
        lengths = {len(getattr(self, name)) for name in ("uris", "fileNames", "nodeNames", "checksums", "loadFiles", "loadFileTypes")}
        if len(lengths) != 1:
            raise ValueError("all fields of a sample data source must have the same number of entries")


def _registered() -> dict[str, list[SampleDataSource]]:
    if not hasattr(slicer.modules, "sampleDataSources"):
        slicer.modules.sampleDataSources = {}
    return slicer.modules.sampleDataSources


class SampleDataLogic:
    """Registers and downloads data sets; here only those with a function of their own can be downloaded."""

    def __init__(self, logMessage: Any = None) -> None:
        self.logMessage = logMessage or (lambda *_: None)
        self.downloadPercent = 0

    @staticmethod
    def registerCustomSampleDataCategory(category: str, title: str) -> None:
        if not hasattr(slicer.modules, "sampleDataSourceCategories"):
            slicer.modules.sampleDataSourceCategories = {}
        slicer.modules.sampleDataSourceCategories.setdefault(category, {})["title"] = title

    @staticmethod
    def registerCustomSampleDataSource(
        category: str = "Custom",
        sampleName: str | None = None,
        uris: Any = None,
        fileNames: Any = None,
        nodeNames: Any = None,
        customDownloader: Any = None,
        thumbnailFileName: Any = None,
        loadFileTypes: Any = None,
        loadFiles: Any = None,
        loadFileProperties: dict[str, Any] | None = None,
        checksums: Any = None,
    ) -> None:
        source = SampleDataSource(
            sampleName, None, uris, fileNames, nodeNames, checksums, loadFiles, customDownloader, thumbnailFileName, loadFileTypes,
            loadFileProperties or {},
        )  # fmt: skip
        if not SampleDataLogic.isSampleDataSourceRegistered(category, source):
            _registered().setdefault(category, []).append(source)

    @staticmethod
    def sampleDataSourcesByCategory(category: str | None = None) -> Any:
        return _registered() if category is None else _registered().get(category, [])

    @staticmethod
    def isSampleDataSourceRegistered(category: str, sampleDataSource: SampleDataSource) -> bool:
        return sampleDataSource in _registered().get(category, [])

    def sourceForSampleName(self, sampleName: str) -> SampleDataSource | None:
        return next((one for sources in _registered().values() for one in sources if one.sampleName == sampleName), None)

    def downloadFromSource(self, source: SampleDataSource, maximumAttemptsCount: int = 3, forceDownload: bool = False) -> list[Any]:  # noqa: ARG002
        if source.customDownloader is None:
            raise RuntimeError("the stand-in for Slicer downloads nothing: this data set has no customDownloader")
        result = source.customDownloader(source)
        return list(result) if isinstance(result, list | tuple) else [result]

    def downloadSamples(self, sampleName: str) -> list[Any]:
        source = self.sourceForSampleName(sampleName)
        return self.downloadFromSource(source) if source else []

    def downloadSample(self, sampleName: str) -> Any:
        return self.downloadSamples(sampleName)[0]


def downloadSamples(sampleName: str) -> list[Any]:
    """Give what a data set loads."""
    return SampleDataLogic().downloadSamples(sampleName)


def downloadSample(sampleName: str) -> Any:
    """Give the first node that a data set loads."""
    return SampleDataLogic().downloadSample(sampleName)
