"""A run on real data that everybody has: the handwritten digits that come with scikit-learn."""

import csv
import gzip
import importlib.util
from pathlib import Path

from rich.console import Console
from rich.text import Text

from autoflow.errors import CommandError
from autoflow.request import Request
from autoflow.run import Outcome
from autoflow.stack import Stack

SIDE = 8
DATA = "digits.csv"
CANDIDATES = 8
SURE = 0.9
PROMISED = 0.95


def write_digits(folder: Path) -> Path:
    """Write digits.csv: ``image``, ``digit`` and one column per pixel; 1,797 images of 8 x 8 pixels, 0 to 16.

    Raises:
        CommandError: scikit-learn does not have its data set, or the folder cannot be written.
    """
    # Found without importing scikit-learn, which takes longer than all the rest of this.
    package = importlib.util.find_spec("sklearn")
    roots = package.submodule_search_locations if package else None
    source = Path(next(iter(roots or ["."]))) / "datasets" / "data" / "digits.csv.gz"
    header = ["image", *(f"pixel_{row}_{column}" for row in range(SIDE) for column in range(SIDE)), "digit"]
    path = folder / DATA
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with gzip.open(source, "rt", newline="") as file, path.open("w", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(header)
            for index, row in enumerate(csv.reader(file)):
                writer.writerow([f"image-{index:04}", *(str(int(float(value))) for value in row)])
    except OSError as error:
        raise CommandError(f"cannot write {path} from scikit-learn's {source}: {error.strerror}") from error
    return path


def request(data: Path, max_runtime: int) -> Request:
    """Read a digit from its pixels; what is not at least 90 % sure goes to a person."""
    return {
        "Dataset": {"S3Uri": str(data), "TargetColumn": "digit", "IdColumn": "image"},
        "AutoML": {"MaxRuntimeSeconds": max_runtime, "MaxCandidates": CANDIDATES},
        "Confidence": {"Threshold": SURE},
    }


def command(data: Path, max_runtime: int) -> list[str]:
    """The arguments of ``autoflow`` that make the same request."""
    limits = ["--max-runtime", str(max_runtime), "--max-candidates", str(CANDIDATES)]
    return ["run", str(data), "--target", "digit", "--id-column", "image", "--min-confidence", f"{SURE}", *limits]


def introduce(console: Console) -> None:
    """Say what will happen."""
    console.print(
        "[bold]Reading handwritten digits.[/] 1,797 scanned digits, 64 pixels each. A model learns from most of them; "
        "of the rest, it reads what it is sure of, and a person gets what it is not sure of.\n",
        highlight=False,
    )


def conclude(console: Console, outcome: Outcome, stack: Stack) -> None:
    """Say what it means, and what to look at next."""
    result = outcome.result
    scoring, quality = result["Scoring"], result["Quality"]["Metrics"].get("Accuracy")
    sure = scoring.get("Metrics", {}).get("Accuracy")
    text = f"{scoring['Accepted']:,} of {scoring['Rows']:,} unseen digits were read by the model alone"
    if sure is not None and quality is not None:
        text += f", {sure:.1%} of them rightly; had it read all of them, {quality:.1%}"
    text += f". {scoring['Review']:,} unsure ones wait for a person in {outcome.folder / 'review.csv'}."
    console.print()
    console.print(Text(text, style="bold"))
    console.print()
    promise = stack.command("filter", result["Run"], "--target-precision", f"{PROMISED}")
    for aim, words in (("The proof", stack.command("report", result["Run"])), ("A promise", promise)):
        console.print(f"{aim}: {words}", markup=False, highlight=False, soft_wrap=True)
