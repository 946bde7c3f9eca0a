"""How sure a prediction must be: the ways to ask for it, brought to one form and fitted to the problem type."""

from collections.abc import Mapping
from typing import Any

from automl.errors import InvalidRequest
from automl.objectives import REGRESSION

DEFAULT_LEVEL = 0.9
"""Share of rows whose truth an interval is to hold."""
DEFAULT_CERTAINTY = 0.9

_KINDS = (("Threshold",), ("TargetPrecision", "Certainty"), ("MaxIntervalWidth", "Level"))
_WIDTHS = ("Absolute", "Relative")
_FITS_CLASSIFICATION = ("Threshold", "TargetPrecision")
_FITS_REGRESSION = ("MaxIntervalWidth", "Level")

Confidence = dict[str, Any]


def normalise(asked: Mapping[str, Any]) -> Confidence:
    """One kind of Confidence with its defaults filled in; ``{}`` stays ``{}``.

    Args:
        asked: checked against its schema: ``{"Threshold", "IsDefault"?}``, ``{"TargetPrecision", "Certainty"?}``,
            ``{"MaxIntervalWidth", "Level"?}``, ``{"Level"}`` or ``{}``. A plain MaxIntervalWidth is an absolute one.

    Raises:
        InvalidRequest: keys of two kinds stand together, or one lacks the key that it belongs to.
    """
    confidence = dict(asked)
    if not confidence.get("IsDefault"):
        confidence.pop("IsDefault", None)
    used = [next(key for key in kind if key in confidence) for kind in _KINDS if set(kind) & set(confidence)]
    if len(used) > 1:
        raise InvalidRequest(
            f"Confidence has {used[0]} and {used[1]}, which are two ways to decide what is accepted; keep one of them"
        )
    if "Certainty" in confidence and "TargetPrecision" not in confidence:
        raise InvalidRequest(
            "Confidence.Certainty says how sure a Confidence.TargetPrecision is to be; add TargetPrecision"
        )
    if "TargetPrecision" in confidence:
        confidence.setdefault("Certainty", DEFAULT_CERTAINTY)
    if "MaxIntervalWidth" in confidence:
        confidence["MaxIntervalWidth"] = _width(confidence["MaxIntervalWidth"])
        confidence.setdefault("Level", DEFAULT_LEVEL)
    return confidence


def _width(asked: Any) -> dict[str, Any]:
    width = dict(asked) if isinstance(asked, Mapping) else {"Absolute": asked}
    if len(width) != 1:
        raise InvalidRequest(
            f"Confidence.MaxIntervalWidth has {' and '.join(width) or 'nothing'}; give exactly one of "
            f"{' and '.join(_WIDTHS)}, or a number for an absolute width"
        )
    return width


def resolve(
    asked: Mapping[str, Any] | None, problem_type: str | None, default_threshold: float | None, calibration: float
) -> Confidence:
    """Confidence of request.json: what is asked for, else the stack's threshold marked ``IsDefault``.

    Args:
        asked: Confidence of the request, None when it has none.
        problem_type: None when only the target's values can decide it.
        default_threshold: the stack's, None for none.
        calibration: the share of rows kept for calibration.

    Raises:
        InvalidRequest: the keys contradict each other, the problem type, or a split without calibration rows.
    """
    if asked is None:
        asked = {} if default_threshold is None else {"Threshold": default_threshold, "IsDefault": True}
    confidence = normalise(asked)
    for key in ("TargetPrecision", "MaxIntervalWidth", "Level"):
        if key in confidence and not calibration:
            raise InvalidRequest(
                f"Confidence.{key} is worked out from calibration rows, but Transform.Calibration is 0; "
                "raise Transform.Calibration, to 0.1 for example"
            )
    if problem_type is None:
        return confidence
    fitted = for_type(confidence, problem_type)
    if problem_type == REGRESSION:
        return fitted if calibration else {}
    return {**fitted, "IsDefault": True} if "IsDefault" in confidence else fitted


def for_type(confidence: Mapping[str, Any], problem_type: str) -> Confidence:
    """Normalised Confidence as the decided problem type takes it; without ``IsDefault``.

    A regression ignores the stack's default threshold and always has a ``Level``.

    Raises:
        InvalidRequest: it is asked for what the problem type does not have.
    """
    fitted = {key: value for key, value in confidence.items() if key != "IsDefault"}
    if problem_type == REGRESSION:
        if confidence.get("IsDefault"):
            fitted = {}
        for key in _FITS_CLASSIFICATION:
            if key in fitted:
                raise InvalidRequest(
                    f"Confidence.{key} cannot be used with a regression, whose predictions have no probability; "
                    "give Confidence.MaxIntervalWidth instead, or leave Confidence out: every row is accepted"
                )
        return fitted or {"Level": DEFAULT_LEVEL}
    for key in _FITS_REGRESSION:
        if key in fitted:
            raise InvalidRequest(
                f"Confidence.{key} is about intervals, which a {problem_type} does not have; "
                "give Confidence.Threshold or Confidence.TargetPrecision instead"
            )
    return fitted
