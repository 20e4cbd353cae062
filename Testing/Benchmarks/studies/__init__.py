"""Experiments of ``literature.py``: cases, variants, runs and tables."""
