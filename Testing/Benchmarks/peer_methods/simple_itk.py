"""SimpleITK's fast symmetric forces Demons and its B-spline, as its examples set them up (``simpleitk_peers.py``), for any organ.

Both start from the common affine step, which is inside their time. Demons' examples smooth the field by 1.5 voxels; the sweep
changes that, and the distance of the B-spline's control points. Demons cannot register different modalities; it runs all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from peer_methods.task import Laps, Method, Task, chained

if TYPE_CHECKING:
    import SimpleITK as sitk


def _method(name: str, weights: tuple[float, ...], weight_name: str) -> Method:
    def run(task: Task, laps: Laps) -> sitk.Transform:
        from simpleitk_peers import PEERS

        images = task.images()
        chosen = () if task.weight is None else (task.weight,)
        with laps.lap("affine and deformable"):
            found = PEERS[name](*images, *chosen)
        return chained(found)

    return Method(run, "SimpleITK", "SimpleITK", weights, weight_name)


DEMONS = _method("SimpleITK Demons", (1.0, 2.5, 4.0), "sigma of the field, voxels")
BSPLINE = _method("SimpleITK B-spline", (10.0, 40.0), "distance of control points, mm")
