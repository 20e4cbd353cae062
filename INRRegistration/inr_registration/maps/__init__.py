"""Fitted maps: evaluated, inverted, exported, looked at for folding."""
