"""What the fault tests observed, one line per case: the table in docs/reliability.md is counted from it."""

import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal, get_args

FOLDER_VARIABLE = "AUTOFLOW_LEDGER"
"""Names the folder that is written to. Without it nothing is."""
Group = Literal["Tasks", "AWS calls", "Jobs", "Executions", "Crashes"]
Outcome = Literal["Recovered", "FailedCleanly"]
GROUPS: tuple[Group, ...] = get_args(Group)


class Ledger:
    """Appends to one file per process, so that processes side by side never share a line."""

    def note(
        self,
        group: Group,
        case: str,
        outcome: Outcome,
        *,
        orphans: Collection[str] = (),
        lost: int = 0,
        duplicated: int = 0,
    ) -> None:
        """Write down how a case ended, before the test asserts it.

        ``orphans`` are names of what was left behind; ``lost`` and ``duplicated`` count rows.
        """
        folder = os.environ.get(FOLDER_VARIABLE)
        if not folder:
            return
        line: dict[str, Any] = {"Group": group, "Case": case, "Outcome": outcome, "Orphans": sorted(orphans)}
        line |= {"LostRows": lost, "DuplicatedRows": duplicated}
        Path(folder).mkdir(parents=True, exist_ok=True)
        with (Path(folder) / f"{os.getpid()}.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
