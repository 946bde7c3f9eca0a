"""Transform Data against pandas, awswrangler and the engine alone: time, and memory of the whole process tree.

``python -m benchmarks.transform_data [MEGABYTESxREPETITIONS …] [CONTENDER=REPETITIONS …]``. All read the same CSV and
write to the same temporary folder, which stands for S3; they take turns. A contender that needs more memory than the
largest function has is not run again. pandas and awswrangler run in ``.venv-benchmark``.
"""

import json
import random
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "functions"))  # as Lambda has it

from automl.data.transform import transform_data
from automl.run_files import RunFiles
from benchmarks import measuring, transform_contenders
from benchmarks.folder import Folder

COLUMNS = ["Id", "City", "Day", "Flag", *(f"Number{index}" for index in range(8)), "Target"]
REQUEST = {
    "Dataset": {"S3Uri": "s3://bucket/data.csv", "TargetColumn": "Target", "IdColumn": "Id"},
    "Transform": {
        "Filter": "Number0 < 9.9",
        "Derive": {"Product": "Number1 * Number2", "Month": "EXTRACT(month FROM Day)"},
        "Drop": ["Flag"],
        "Calibration": 0.1,
        "Test": 0.1,
    },
    "Confidence": {},
}
SIZES = ["400x5", "1600x5", "6400x5"]
OTHERS_PYTHON = measuring.ROOT / ".venv-benchmark" / "bin" / "python"
LARGEST_FUNCTION = 10_240 * measuring.MIB
OURS, ENGINE, PANDAS, AWSWRANGLER = "autoflow", "polars", "pandas", "awswrangler"
_BLOCK_ROWS = 200_000


def write_data(path: Path, megabytes: int) -> None:
    """About that many megabytes of CSV with text, dates, quoted cells and missing values: a block, again and again."""
    draw = random.Random(0)
    lines = []
    for row in range(_BLOCK_ROWS):
        numbers = [f"{draw.uniform(0, 10):.4f}" for _ in range(8)]
        target = numbers[3]
        if draw.random() < 0.02:
            numbers[7] = ""
        city = draw.choice(['"Paris, France"', "Oslo", "NA", "Rome"])
        day = f"2026-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d}"
        lines.append(f"{row},{city},{day},{draw.choice(['true', 'false'])},{','.join(numbers)},{target}\n")
    block = "".join(lines).encode()
    with path.open("wb") as file:
        file.write(",".join(COLUMNS).encode() + b"\n")
        while file.tell() < megabytes * 1_000_000:
            file.write(block)


def with_transform_data(folder: str) -> int:
    """Rows read by Transform Data."""
    client: Any = Folder(Path(folder))
    client.put_object("bucket", "run/request.json", json.dumps(REQUEST).encode())
    return int(transform_data(client, RunFiles("s3://bucket/run/"))["Rows"]["Read"])


def contenders(folder: str) -> dict[str, Callable[[], measuring.Run]]:
    """What to run for each of them."""

    def run(step: Callable[[str], int], python: Path | None = None) -> Callable[[], measuring.Run]:
        return lambda: measuring.alone(step, folder, python=python, most_memory=LARGEST_FUNCTION)

    return {
        OURS: run(with_transform_data),
        ENGINE: run(transform_contenders.with_the_engine),
        PANDAS: run(transform_contenders.with_pandas, OTHERS_PYTHON),
        AWSWRANGLER: run(transform_contenders.with_awswrangler, OTHERS_PYTHON),
    }


def compare(megabytes: int, repetitions: int, fewer: Mapping[str, int]) -> list[list[object]]:
    """The table's lines for one size."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data.csv"
        write_data(data, megabytes)
        size = data.stat().st_size / 1e9
        runs = measuring.interleaved(contenders(folder), repetitions, fewer)
    ours = measuring.median(runs[OURS])
    lines: list[list[object]] = []
    for name, those in runs.items():
        if not those:
            if fewer.get(name) != 0:
                lines.append([f"{size:.1f} GB", name, 0, "needs more than 10,240 MB", "", "", ""])
            continue
        middle = measuring.median(those)
        lines.append(
            [
                f"{size:.1f} GB",
                name,
                len(those),
                f"{middle.seconds:.1f} s",
                f"{middle.processor:.1f} s",
                f"{middle.peak / measuring.MIB:,.0f} MiB",
                f"{middle.seconds / ours.seconds:.2f}",
            ]
        )
    return lines


def main() -> None:
    """Compare at every size given on the command line."""
    header = ["CSV", "", "runs", "time", "processor", "peak memory", "time / autoflow's"]
    fewer = {name: int(count) for name, _, count in (text.partition("=") for text in sys.argv[1:] if "=" in text)}
    if unknown := fewer.keys() - contenders("").keys():
        sys.exit(f"There is no {', '.join(sorted(unknown))}; the contenders are {', '.join(contenders(''))}")
    for size in [text for text in sys.argv[1:] if "=" not in text] or SIZES:
        megabytes, repetitions = (int(number) for number in size.split("x"))
        print(measuring.table(header, compare(megabytes, repetitions, fewer)), flush=True)


if __name__ == "__main__":
    main()
