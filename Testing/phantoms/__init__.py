"""Pairs of images with a known map between them, for tests and benchmarks."""
