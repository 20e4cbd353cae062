"""What the panel, scripts and tests call: ties the scene and the background run together; no widgets."""
