"""Weights of terms by name, that nobody can change afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


class Weights(Mapping[str, float]):
    """A mapping that is equal to a dictionary of the same content, in the order given, and hashable.

    Args:
        weights: By name.
    """

    __slots__ = ("_held",)

    def __init__(self, weights: Mapping[str, float]) -> None:
        self._held = dict(weights)

    def __getitem__(self, name: str) -> float:
        return self._held[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def __hash__(self) -> int:
        return hash(frozenset(self._held.items()))

    def __repr__(self) -> str:
        return repr(self._held)
