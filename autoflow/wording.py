"""Numbers and documents of a run in words, where several places say the same thing."""

from collections.abc import Mapping
from typing import Any

from autoflow.progress import RowProgress

_JOB = "AutoML job"


def number(value: float | None) -> str:
    """Four significant digits, or nothing."""
    return "" if value is None else f"{value:.4g}"


def metrics(values: Mapping[str, float | None]) -> str:
    """``Accuracy 0.97, F1macro 0.968``."""
    return ", ".join(f"{name} {number(value)}" for name, value in values.items() if value is not None)


def percent(share: float) -> str:
    """``95 %``, ``97.5 %``."""
    return f"{share * 100:.3g} %"


def duration(seconds: float) -> str:
    """``0:07``, ``12:34`` or ``1:23:45``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def rows_told(progress: RowProgress) -> str:
    """``120,000 of 1,000,000 rows, 10,240 rows/s, 1:26 left``, as far as it is known."""
    known = [f"{progress.done:,} of {progress.total:,} rows"]
    if progress.rate is not None:
        known.append(f"{rate(progress.rate)} rows/s")
    if progress.left:
        known.append(f"{duration(progress.left)} left")
    return ", ".join(known)


def rate(value: float) -> str:
    """``10,240``, and below ten ``2.5``."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def dollars(value: float) -> str:
    """``$12.30``, ``$0.0021``: cents, and where there are none two significant digits."""
    if 0 < value < 0.000_01:
        return "less than $0.00001"
    short = float(f"{value:.2g}")
    return f"${value:,.2f}" if short == 0 or short >= 0.1 else f"${short:.6f}".rstrip("0")


def cost(document: Mapping[str, Any]) -> str:
    """``about $0.0021 on AWS, without the AutoML job; the endpoint that is kept costs $0.23 an hour``."""
    left_out = "".join(f", without {what.partition(' of ')[0]}" for what in document["NotIncluded"] if _JOB in what)
    unknown = ", and what the price table does not know" if None in document["USD"].values() else ""
    text = f"about {dollars(document['USD']['Total'])} on AWS{left_out}{unknown}"
    hourly = document["EndpointUSDPerHour"]
    if hourly is None:
        return f"{text}; the endpoint that is kept costs more every hour"
    return f"{text}; the endpoint that is kept costs {dollars(hourly)} an hour" if hourly else text


def comparison(document: Mapping[str, Any]) -> str:
    """``AUC 0.912 against the champion's 0.897, better by 0.015 (0.004 to 0.026)``, as far as it was measured."""
    difference = document.get("Difference")
    if difference is None:
        return ""
    text = (
        f"{document['Metric']} {number(document['Challenger'])} against the champion's {number(document['Champion'])}"
    )
    word = "better" if difference > 0 else "worse" if difference < 0 else "as good"
    text += f", {word}" + (f" by {number(abs(difference))}" if difference else "")
    lower, upper = document.get("Lower"), document.get("Upper")
    if lower is not None and upper is not None:
        text += f" (95 % interval of the gain: {lower:+.3g} to {upper:+.3g})"
    return text


def decision(confidence: Mapping[str, Any]) -> str:
    """What a prediction must be like to be accepted; empty when nothing is asked of it."""
    if "TargetPrecision" in confidence:
        asked = f"at least {percent(confidence['TargetPrecision'])} right, {percent(confidence['Certainty'])} certain"
        if confidence.get("Threshold") is None:
            return f"no confidence promises {asked}"
        return f"confidence from {number(confidence['Threshold'])} promises {asked}"
    if "Threshold" in confidence:
        return f"confidence from {number(confidence['Threshold'])}"
    wide = confidence.get("MaxIntervalWidth")
    if "Level" in confidence:
        level = f"{percent(confidence['Level'])} intervals"
        if not wide:
            return level
        share = percent(wide["Relative"]) + " of the prediction" if "Relative" in wide else number(wide["Absolute"])
        return f"{level} at most {share} wide"
    return ""
