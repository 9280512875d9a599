"""How far figures may be off, in words that the pages of the floor share."""

from __future__ import annotations

from central.web import i18n
from central.web.i18n import Language


def trust_texts(language: Language) -> dict[str, str]:
    """How far figures may be off, in words."""
    _ = i18n.translations(language).gettext
    return {
        "counts": _("Counts ±{n} %"),
        "times": _("times ±{n} s"),
        "notAudited": _("Not audited: nobody has checked these cameras by counting"),
        "countsNot": _("counts not audited"),
        "timesNot": _("times not audited"),
        "uncalibrated": _("Cameras without a valid calibration: places and times may be wrong"),
        "counter": _("From other counters, not audited"),
        "alsoUncalibrated": _(
            "There are more figures from cameras without a valid calibration; they are not added in."
        ),
        "alsoCounter": _("There are more figures from other counters; they are not added in."),
        "heldBack": _("Figures that stand on fewer than {k} people are not shown."),
    }
