"""Runs one function in a process of its own and writes what it took as JSON: ``measuring.py`` starts it.

It imports nothing but the standard library, so that it also runs in environments that lack the project's packages.
"""

import importlib
import json
import os
import re
import sys
import time
from pathlib import Path


def peak_rss() -> int:
    """Bytes of memory that this process alone had resident at most; 0 where the system does not say."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) * 1024 if found else 0


def main() -> None:
    """``module function arguments-as-JSON file-for-the-result``."""
    module, function, arguments, result = sys.argv[1:]
    step = getattr(importlib.import_module(module), function)
    before = os.times()
    began = time.perf_counter()
    value = step(*json.loads(arguments))
    seconds = time.perf_counter() - began
    after = os.times()
    processor = sum(after[:4]) - sum(before[:4])
    document = {"seconds": seconds, "processor": processor, "peak": peak_rss(), "value": value}
    Path(result).write_text(json.dumps(document))


if __name__ == "__main__":
    main()
