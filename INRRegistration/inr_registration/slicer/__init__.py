"""The module inside 3D Slicer: scene, background run, session and panel. Nothing outside knows slicer, vtk or qt."""
