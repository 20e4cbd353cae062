"""DICOM: folders and files of any kind, sorted into volumes before a voxel is read."""
