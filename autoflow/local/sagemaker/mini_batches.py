"""How a transform job cuts an object into requests, and where it puts the answers."""

from collections.abc import Iterable, Iterator

from autoflow.local.sagemaker.s3_files import S3Uri


class TooLarge(Exception):
    """A record, or an object that is not split, is larger than a request may be."""


def split(lines: Iterable[bytes], several: bool, limit: int) -> Iterator[bytes]:
    """Bodies of requests.

    Args:
        lines: records with their line ends; the last one may have none.
        several: as many records as fit (MultiRecord) instead of one (SingleRecord).
        limit: of a body, in bytes.

    Raises:
        TooLarge: a record is larger than the limit.
    """
    held: list[bytes] = []
    size = 0
    for line in lines:
        if len(line) > limit:
            raise TooLarge
        if held and (not several or size + len(line) > limit):
            yield b"".join(held)
            held, size = [], 0
        held.append(line)
        size += len(line)
    if held:
        yield b"".join(held)


def assembled(answers: Iterable[bytes], line: bool) -> Iterator[bytes]:
    """The parts of the output object: as they are, or each with a line end (AssembleWith Line)."""
    for answer in answers:
        yield answer if not line or answer.endswith(b"\n") else answer + b"\n"


def output_uri(output: S3Uri, source: S3Uri, prefix: S3Uri) -> S3Uri:
    """Where the answers to an input object go.

    Args:
        output: S3OutputPath.
        source: the input object.
        prefix: S3Uri of the job's input, or the prefix that its manifest names. The object's place below it is kept;
            of a prefix that is no folder, the folder that it is in counts.
    """
    inside = source.key.startswith(f"{prefix.key}/")
    folder = f"{prefix.key}/" if inside else prefix.key[: prefix.key.rfind("/") + 1]
    return output / f"{source.key.removeprefix(folder)}.out"
