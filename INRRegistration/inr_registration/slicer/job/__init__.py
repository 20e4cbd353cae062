"""One registration running in the background: a worker thread and the pump that carries its messages; no Slicer, no Qt."""
