"""Bad and odd input, made on the spot: for the tests and for ``Testing/Benchmarks/odd_inputs.py``."""
