"""SimpleITK's own deformable registrations, set up as its examples recommend: the first peers.

Both start from the same affine step and return one ITK transform, fixed to moving.
"""

from __future__ import annotations

import SimpleITK as sitk

SAMPLES = 40_000
"""Voxels that the B-spline's metric looks at in each iteration."""


def affine(fixed: sitk.Image, moving: sitk.Image) -> sitk.Transform:
    """Affine by Mattes mutual information on three levels, started from the headers."""
    start = sitk.AffineTransform(3)
    centre = fixed.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in fixed.GetSize()])
    start.SetCenter(centre)
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(50)
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentage(0.1, 1)  # a fixed seed: every method that starts from it gets the same
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(1.0, 1e-4, 150, gradientMagnitudeTolerance=1e-8)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([4, 2, 1])
    method.SetSmoothingSigmasPerLevel([2, 1, 0])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetInitialTransform(start, inPlace=False)
    return method.Execute(fixed, moving)


def bspline(fixed: sitk.Image, moving: sitk.Image, spacing_mm: float = 20.0) -> sitk.Transform:
    """Affine, then a cubic B-spline by Mattes mutual information and L-BFGS-B over three image levels.

    One lattice for all levels: ITK's L-BFGS-B refuses a lattice that is refined between them.
    """
    first = affine(fixed, moving)
    extent = [n * s for n, s in zip(fixed.GetSize(), fixed.GetSpacing(), strict=True)]
    mesh = [max(round(length / spacing_mm), 2) for length in extent]
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(50)
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentage(min(0.2, SAMPLES / fixed.GetNumberOfPixels()))
    method.SetInterpolator(sitk.sitkLinear)
    method.SetMovingInitialTransform(first)
    method.SetInitialTransform(sitk.BSplineTransformInitializer(fixed, mesh), inPlace=True)
    method.SetOptimizerAsLBFGSB(gradientConvergenceTolerance=1e-6, numberOfIterations=20, maximumNumberOfFunctionEvaluations=25)
    method.SetShrinkFactorsPerLevel([4, 2, 1])
    method.SetSmoothingSigmasPerLevel([2, 1, 0])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    return sitk.CompositeTransform([first, method.Execute(fixed, moving)])


def demons(fixed: sitk.Image, moving: sitk.Image, sigma: float = 1.5) -> sitk.Transform:
    """Affine, then fast symmetric forces Demons on three levels with matched histograms; the field is smoothed by ``sigma`` voxels."""
    first = affine(fixed, moving)
    carried = sitk.Resample(moving, fixed, first, sitk.sitkLinear, float(sitk.GetArrayViewFromImage(moving).min()))
    carried = sitk.HistogramMatching(carried, fixed, 256, 10, True)
    field: sitk.Image | None = None
    for shrink, iterations in ((4, 60), (2, 40), (1, 20)):
        level_fixed, level_moving = (_level(image, shrink) for image in (fixed, carried))
        method = sitk.FastSymmetricForcesDemonsRegistrationFilter()
        method.SetNumberOfIterations(iterations)
        method.SetStandardDeviations(sigma)
        method.SmoothDisplacementFieldOn()
        if field is None:
            field = method.Execute(level_fixed, level_moving)
        else:
            field = method.Execute(level_fixed, level_moving, sitk.Resample(field, level_fixed))
    return sitk.CompositeTransform([first, sitk.DisplacementFieldTransform(sitk.Cast(field, sitk.sitkVectorFloat64))])


def _level(image: sitk.Image, shrink: int) -> sitk.Image:
    """Smoothed and subsampled, but never below 16 voxels along an axis."""
    factors = [max(min(shrink, n // 16), 1) for n in image.GetSize()]
    if max(factors) == 1:
        return image
    smooth = sitk.SmoothingRecursiveGaussian(image, [max(0.5 * f * s, 1e-3) for f, s in zip(factors, image.GetSpacing(), strict=True)])
    return sitk.Shrink(smooth, factors)


PEERS = {"SimpleITK B-spline": bspline, "SimpleITK Demons": demons}
