"""MRML nodes in and out: the only layer that knows RAS."""
