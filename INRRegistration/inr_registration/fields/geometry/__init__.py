"""Coordinates that follow the anatomy."""
