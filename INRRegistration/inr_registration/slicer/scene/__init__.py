"""MRML nodes in and out: the only layer that knows RAS."""

from __future__ import annotations

from inr_registration.core.lazy import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "arrays": ("SceneArrays", "scene_arrays"),
        "checkerboard": ("SHADE", "field_size"),
        "colours": ("NAMES", "colour_node", "table"),
        "contrast": ("match", "robust_window"),
        "folding": ("Found", "LISTED", "search"),
        "masks_in": ("Layers", "read_segment", "segment_ids"),
        "navigate": ("jump", "look_at", "show_region_3d"),
        "outputs": ("check_outputs",),
        "overlays": ("MODES", "Overlays"),
        "placement": ("parents", "take_back"),
        "quality": ("QualityTables", "quality_tables"),
        "quality_table": ("read_table", "write_table"),
        "read": ("Inputs", "read_structures"),
        "readout": ("read_at",),
        "regions_table": ("read_regions", "set_reviewed", "write_regions"),
        "relist": ("list_regions",),
        "resample": ("on_grid", "whole"),
        "roles": ("PARTS", "RESULT", "UNLISTED"),
        "spline": ("DisplacementGrid", "sample"),
        "store": (
            "ResultNodes",
            "all_results",
            "find_result",
            "model_bytes",
            "remove_result",
            "restore_previous",
            "run_description",
            "verdict_of",
        ),
        "transform": ("as_vtk", "set_transform"),
        "view_memory": ("Memory",),
        "volumes": ("show_pair", "volume_node"),
    },
)
