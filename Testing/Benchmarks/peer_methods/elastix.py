"""elastix (Klein, Staring et al.), from PyPI's ``itk-elastix``: parameter files of its Model Zoo for the organ.

- Brain: Par0010 (S. Klein et al., early diagnosis of dementia, whole-brain T1 of different people): affine, then B-splines of 15 mm.
- Lung CT: Par0011 (Staring et al., EMPIRE10): affine, B-splines of 10 mm and then of 5 mm, each with a bending energy of relative
  weight 0.05; without the lung mask of the last step.
- Abdomen: Par0065 (Jaitner et al., liver MR in different states of breathing): rigid, affine, B-splines of 4 voxels.
- Other, and images of different modalities: the default rigid, affine and B-spline maps that come with elastix, by mutual information.

The sweep gives the B-spline steps a bending energy of another relative weight. Threads are set by the environment: handing
``number_of_threads`` to ``elastix_registration_method`` ends in a segmentation fault in version 0.25.4.
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

from peer_methods.task import Laps, Method, Task, field_transform

if TYPE_CHECKING:
    import SimpleITK as sitk

Map = dict[str, tuple[str, ...]]


def _map(kind: str, metric: str, **more: Any) -> Map:
    """One step: what all of these parameter files have in common, and what differs."""
    common: dict[str, Any] = {
        "Registration": "MultiResolutionRegistration",
        "Transform": f"{kind}Transform",
        "Metric": metric,
        "Optimizer": "AdaptiveStochasticGradientDescent",
        "FixedImagePyramid": "FixedSmoothingImagePyramid",
        "MovingImagePyramid": "MovingSmoothingImagePyramid",
        "Interpolator": "BSplineInterpolator",
        "BSplineInterpolationOrder": 1,
        "ResampleInterpolator": "FinalBSplineInterpolator",
        "FinalBSplineInterpolationOrder": 3,
        "Resampler": "DefaultResampler",
        "HowToCombineTransforms": "Compose",
        "UseDirectionCosines": "true",
        "ErodeMask": "false",
        "ImageSampler": "RandomCoordinate",
        "NewSamplesEveryIteration": "true",
        "WriteResultImage": "false",
        "DefaultPixelValue": 0,
    }
    return {name: _words(value) for name, value in (common | more).items()}


def _words(value: Any) -> tuple[str, ...]:
    return tuple(str(part) for part in value) if isinstance(value, (list, tuple)) else (str(value),)


def _halved(levels: int) -> list[int]:
    """Shrink factors of all axes: 8 8 8 4 4 4 2 2 2 1 1 1."""
    return [2**level for level in reversed(range(levels)) for _ in range(3)]


STARTED = {"AutomaticScalesEstimation": "true", "AutomaticTransformInitialization": "true"}
BENDING = {
    "Registration": "MultiMetricMultiResolutionRegistration",
    "UseRelativeWeights": "true",
    "Metric0RelativeWeight": 1.0,
}


def brain() -> list[Map]:
    """Par0010."""
    both = {"NumberOfResolutions": 4, "NumberOfHistogramBins": 32, "NumberOfSpatialSamples": 2000, "MaximumNumberOfSamplingAttempts": 10}
    mutual = "AdvancedMattesMutualInformation"
    affine = {**STARTED, "AutomaticTransformInitializationMethod": "CenterOfGravity", "ImageSampler": "Random", "MaximumStepLength": 4.0}
    spline = {
        "Optimizer": "StandardGradientDescent",
        "FinalGridSpacingInPhysicalUnits": [15.0] * 3,
        "GridSpacingSchedule": [4, 4, 2, 1],
        "UseRandomSampleRegion": "true",
        "SampleRegionSize": [50.0] * 3,
        "SP_a": 10000.0,
        "SP_A": 100.0,
        "SP_alpha": 0.6,
    }
    return [
        _map("Affine", mutual, **both, **affine, MaximumNumberOfIterations=1000),
        _map("BSpline", mutual, **both, **spline, MaximumNumberOfIterations=2000),
    ]


def lung() -> list[Map]:
    """Par0011."""
    both = {
        "FixedImagePyramid": "FixedRecursiveImagePyramid",
        "MovingImagePyramid": "MovingRecursiveImagePyramid",
        "NumberOfResolutions": 5,
        "NumberOfSpatialSamples": 2000,
        "AutomaticParameterEstimation": "true",
        "UseAdaptiveStepSizes": "true",
    }
    ncc = "AdvancedNormalizedCorrelation"
    affine = {**STARTED, "ImagePyramidSchedule": _halved(5), "MaximumNumberOfSamplingAttempts": 5}
    coarse = {"ImagePyramidSchedule": _halved(5), "FinalGridSpacingInPhysicalUnits": [10.0] * 3, "GridSpacingSchedule": [8, 8, 4, 2, 1]}
    fine = {
        "ImagePyramidSchedule": [factor for factor in (4, 3, 2, 1, 1) for _ in range(3)],
        "FinalGridSpacingInPhysicalUnits": [5.0] * 3,
        "GridSpacingSchedule": [16, 8, 4, 2, 1],
    }
    return [
        _map("Affine", ncc, **both, **affine, MaximumNumberOfIterations=1000),
        *(
            _bent(_map("BSpline", ncc, **both, **grid, MaximumNumberOfIterations=iterations, MaximumNumberOfSamplingAttempts=50), 0.05)
            for grid, iterations in ((coarse, 1000), (fine, 2000))
        ),
    ]


def abdomen() -> list[Map]:
    """Par0065."""
    linear = {
        "AutomaticScalesEstimation": "true",
        "AutomaticParameterEstimation": "true",
        "CheckNumberOfSamples": "true",
        "Interpolator": "LinearInterpolator",
        "MaximumNumberOfIterations": 256,
        "MaximumNumberOfSamplingAttempts": 8,
        "NumberOfResolutions": 4,
        "NumberOfSamplesForExactGradient": 4096,
        "NumberOfSpatialSamples": 2048,
    }
    spline = {
        "FinalGridSpacingInVoxels": 4,
        "GridSpacingSchedule": _halved(4),
        "ImagePyramidSchedule": _halved(4),
        "NumberOfResolutions": 4,
        "MaximumNumberOfIterations": 2000,
        "MaximumStepLength": 0.3,
        "NumberOfSpatialSamples": 4000,
    }
    steps = [_map(kind, "AdvancedMattesMutualInformation", **linear) for kind in ("Euler", "Affine")]
    return [*steps, _map("BSpline", "AdvancedNormalizedCorrelation", **spline)]


def _bent(step: Map, weight: float) -> Map:
    """The same step with a bending energy."""
    metrics = (step["Metric"][0], "TransformBendingEnergyPenalty")
    more = {name: _words(value) for name, value in (BENDING | {"Metric1RelativeWeight": weight}).items()}
    return {**step, **more, "Metric": metrics}


STEPS = {"brain": brain, "lung": lung, "abdomen": abdomen}


def steps_for(task: Task) -> list[Map]:
    """The steps of a pair, with the bending energy that a sweep asks for."""
    import itk

    if task.multimodal or task.organ not in STEPS:
        defaults = itk.ParameterObject.New()
        steps = [dict(defaults.GetDefaultParameterMap(kind)) for kind in ("rigid", "affine", "bspline")]
    else:
        steps = STEPS[task.organ]()
    if task.weight is None:
        return steps
    return [_bent(step, task.weight) if step["Transform"][0] == "BSplineTransform" else step for step in steps]


def _run(task: Task, laps: Laps) -> sitk.Transform:
    import itk
    import SimpleITK as sitk

    itk.elastix_registration_method  # noqa: B018 - ITK loads its modules when they are first named; that is an import
    fixed, moving = (itk.imread(str(task.pair / f"{side}.nii.gz"), itk.F) for side in ("fixed", "moving"))
    parameters = itk.ParameterObject.New()
    for step in steps_for(task):
        parameters.AddParameterMap(step)
    with laps.lap("affine and deformable"):
        _, found = itk.elastix_registration_method(fixed, moving, parameter_object=parameters, log_to_console=False)
    with tempfile.TemporaryDirectory() as folder:  # it writes the field to a file as well, else into the working directory
        displacement = itk.transformix_deformation_field(moving, found, output_directory=folder)
    image = sitk.GetImageFromArray(itk.array_from_image(displacement), isVector=True)
    image.CopyInformation(task.images()[0])
    return field_transform(image)


ELASTIX = Method(_run, "itk.ElastixRegistrationMethod", "itk-elastix", (0.01, 0.05, 0.25), "relative weight of the bending energy")
