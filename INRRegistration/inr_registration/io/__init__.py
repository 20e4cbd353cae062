"""Images, points and transforms from files and to files."""

from __future__ import annotations

from inr_registration.core.lazy import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "files": ("check_image_name", "read_image", "read_labels", "write_image"),
        "free_space": ("is_room", "reason"),
        "itk_map": ("ItkMap",),
        "maps": ("load_map",),
        "points": ("in_pairs", "read_axis", "read_line", "read_points", "write_points"),
        "publish": ("LIST", "PREFIX", "finished_file", "finished_folder", "locked", "recover"),
        "room": ("WORKING_BYTES", "available_bytes", "check_room"),
        "start": ("NODES", "coarse"),
        "transforms": ("grid_from_json", "linear_matrix", "read_linear", "read_model", "read_transform", "to_itk", "write_transform"),
    },
)
