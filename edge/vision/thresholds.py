"""The default similarity threshold: conservative, and rising with the gallery.

Measured for our embedder on all pairs of strangers (LFW): false accept rate 1e-3 at cosine 0.337, 1e-4 at 0.404, 1e-5
near 0.470. A stranger meets every template of the gallery, so FPIR is about templates x FAR. Beyond 1e-5 the table
is continued in a straight line of the logarithm: an extrapolation, not a measurement.
"""

from __future__ import annotations

import math

_FAR_1E3 = 0.337
_PER_DECADE = 0.0665
_LOWEST, _HIGHEST = 0.45, 0.68

VERIFY_THRESHOLD = 0.42
"""One claimed subject, so no gallery to multiply with: FAR below 1e-4."""


def default_threshold(templates: int, target_fpir: float) -> float:
    """Cosine above which at most `target_fpir` of strangers are named, for a gallery of `templates`."""
    far = target_fpir / max(templates, 1)
    cosine = _FAR_1E3 + _PER_DECADE * (-3.0 - math.log10(far))
    return min(max(cosine, _LOWEST), _HIGHEST)
