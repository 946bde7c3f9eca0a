"""Numbers, times and names as people read them."""

import math
from datetime import datetime
from typing import Any

NO_BREAK = "\u00a0"
NOTHING = "–"  # noqa: RUF001 - an en dash, as tables have it
_SIGNIFICANT = 4
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None, digits: int = _SIGNIFICANT) -> str:
    """A number with thousands separators and so many significant digits; whole numbers keep all of theirs."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if isinstance(value, int) and abs(value) < 10**12:
        return f"{value:,}"
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    if not -4 <= exponent < 9:
        mantissa, power = f"{value:.{max(0, digits - 1)}e}".split("e")
        return f"{mantissa} × 10{str(int(power)).translate(_SUPERSCRIPTS)}"  # noqa: RUF001
    text = f"{value:,.{max(0, digits - 1 - exponent)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def share(value: float | None, digits: int = 1) -> str:
    """A share in percent: 0.713 is 71.3 %. Only what is all or nothing is called 100 % or 0 %."""
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{value * 100:.{digits}f}"
    if (value < 1 and float(text) == 100) or (value > 0 and float(text) == 0):
        least = 10**-digits
        text = f"{'> ' if value < 1 and value > 0.5 else '< '}{100 - least if value > 0.5 else least:.{digits}f}"
    return f"{text.removesuffix('.0')}{NO_BREAK}%"


def estimate(value: float | None, lower: float | None, upper: float | None) -> tuple[str, str]:
    """A value and its interval with as many decimals as the interval's width makes sense of."""
    if value is None or lower is None or upper is None or not upper > lower:
        return number(value), NOTHING
    if max(abs(lower), abs(upper)) >= 1e9 or upper - lower < 1e-5:
        return number(value), f"{number(lower)} to {number(upper)}"
    decimals = max(0, 1 - math.floor(math.log10(upper - lower)))
    return f"{value:,.{decimals}f}", f"{lower:,.{decimals}f} to {upper:,.{decimals}f}"


def count(rows: int, word: str) -> str:
    """``1 row``, ``2 rows``."""
    return f"{rows:,}{NO_BREAK}{word}{'' if rows == 1 else 'es' if word.endswith('s') else 's'}"


def duration(seconds: float | None) -> str:
    """``0.4 s``, ``48 s``, ``3 min 20 s``, ``2 h 5 min``, ``3 d 4 h``."""
    if seconds is None:
        return NOTHING
    if seconds < 10:
        return f"{seconds:.1f}{NO_BREAK}s"
    whole = round(seconds)
    for size, name, smaller, smaller_name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size}{NO_BREAK}{name}" + (f" {rest}{NO_BREAK}{smaller_name}" if rest else "")
    return f"{whole}{NO_BREAK}s"


def size(count_of_bytes: int) -> str:
    """``812 bytes``, ``3.4 MB``: powers of ten, as storage is sold."""
    for power, name in ((9, "GB"), (6, "MB"), (3, "kB")):
        if count_of_bytes >= 10**power:
            return f"{count_of_bytes / 10**power:.1f}{NO_BREAK}{name}"
    return count(count_of_bytes, "byte")


def dollars(value: float | None) -> str:
    """``$12.30``, ``$0.0021``: cents, and where there are none two significant digits; None is unknown."""
    if value is None:
        return "unknown"
    if 0 < value < 0.000_01:
        return "< $0.00001"
    rounded = float(f"{value:.2g}")
    if rounded == 0 or rounded >= 0.1:
        return f"${value:,.2f}"
    return f"${value:.{1 - math.floor(math.log10(rounded))}f}"


def moment(time: datetime) -> str:
    """``2026-11-21 06:00:03 UTC``."""
    return f"{time:%Y-%m-%d %H:%M:%S}{NO_BREAK}UTC"


def shortened(name: Any, limit: int = 24) -> str:
    """A name that fits beside an axis; its middle goes, as names differ at their ends."""
    text = " ".join(str(name).split()) or "(empty)"
    if len(text) <= limit:
        return text
    tail = limit // 3
    return f"{text[: limit - tail - 1]}…{text[-tail:]}"


def region(start: float | None, end: float | None) -> str:
    """A region of predicted values; None is an open end."""
    if start is None and end is None:
        return "all"
    if start is None:
        return f"< {number(end, 3)}"
    if end is None:
        return f"≥ {number(start, 3)}"
    return f"{number(start, 3)} to {number(end, 3)}"
