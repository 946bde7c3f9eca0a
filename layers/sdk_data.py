"""Cuts botocore's descriptions of AWS down to the operations that the functions call.

botocore reads a service's whole description whenever the first client of it is made, and its list of all services'
endpoints with the very first. Both are mostly about what no function calls, and half of them is prose.
"""

import gzip
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Json = dict[str, Any]

UNUSED_FILES = {"examples-1.json"}
"""Of a service: what only documentation shows."""
READ_WHOLE = "clientContextParams"
"""Of a service's description: botocore reads the prose of these parameters, S3's for one, with every call."""


def trim(data: Path, operations: Mapping[str, Iterable[str]]) -> None:
    """Rewrite the folder ``botocore/data`` so that it describes these operations of these services, and no others.

    Args:
        data: the folder, as it is installed.
        operations: service, as clients name it → names of its operations, as the API does.

    Raises:
        SystemExit: botocore knows no such service or operation.
    """
    prefixes = set()
    for folder in sorted(path for path in data.iterdir() if path.is_dir()):
        if folder.name not in operations:
            shutil.rmtree(folder)
            continue
        *older, latest = sorted(folder.iterdir())
        for version in older:
            shutil.rmtree(version)
        for file in sorted(latest.iterdir()):
            _rewrite(file, set(operations[folder.name]))
        prefixes.add(_read(latest / "service-2.json")["metadata"]["endpointPrefix"])
    unknown = sorted(name for name in operations if not (data / name).is_dir())
    if unknown:
        raise SystemExit(f"botocore knows no service {', '.join(unknown)}; correct operations.json")
    _write(data / "endpoints.json", endpoints_of(_read(data / "endpoints.json"), prefixes))


def model_of(model: Json, operations: set[str]) -> Json:
    """A service's description with these operations only, every shape they lead to, and every error of the service.

    Raises:
        SystemExit: the service has no such operation.
    """
    unknown = sorted(operations - model["operations"].keys())
    if unknown:
        raise SystemExit(
            f"{model['metadata']['serviceId']} has no operation {', '.join(unknown)}; correct operations.json"
        )
    kept = {name: model["operations"][name] for name in model["operations"] if name in operations}
    errors = [name for name, shape in model["shapes"].items() if shape.get("exception")]
    waiting = [*errors, *_shapes_in(kept)]
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting.extend(_shapes_in(model["shapes"][name]))
    shapes = {name: shape for name, shape in model["shapes"].items() if name in reached}
    trimmed: Json = _without_prose({**model, "operations": kept, "shapes": shapes})
    return trimmed


def endpoints_of(document: Json, prefixes: set[str]) -> Json:
    """The list of endpoints with these services only; what holds of all services stays."""
    partitions = [
        {**one, "services": {name: service for name, service in one["services"].items() if name in prefixes}}
        for one in document["partitions"]
    ]
    return {**document, "partitions": partitions}


def _shapes_in(node: Any) -> list[str]:
    """Names of the shapes that a part of a description refers to."""
    match node:
        case {"shape": str(name), **rest}:
            return [name, *_shapes_in(rest)]
        case dict():
            return [name for value in node.values() for name in _shapes_in(value)]
        case list():
            return [name for value in node for name in _shapes_in(value)]
    return []


def _without_prose(node: Any) -> Any:
    match node:
        case dict():
            # A member of a structure may be called "documentation" too; prose is a text.
            prose = {key for key, value in node.items() if key == "documentation" and isinstance(value, str)}
            return {
                key: value if key == READ_WHOLE else _without_prose(value)
                for key, value in node.items()
                if key not in prose
            }
        case list():
            return [_without_prose(value) for value in node]
    return node


def _rewrite(file: Path, operations: set[str]) -> None:
    """Write a file of a service anew, plain: unpacking takes time at every start, and the package is packed anyway."""
    if file.name in UNUSED_FILES:
        file.unlink()
        return
    document = _read(file)
    if file.name.startswith("service-2.json"):
        document = model_of(document, operations)
    plain = file.with_suffix("") if file.suffix == ".gz" else file
    _write(plain, _without_prose(document))
    if plain != file:
        file.unlink()


def _read(file: Path) -> Json:
    raw = file.read_bytes()
    document: Json = json.loads(gzip.decompress(raw) if file.suffix == ".gz" else raw)
    return document


def _write(file: Path, document: Json) -> None:
    file.write_text(json.dumps(document, separators=(",", ":"), ensure_ascii=False), encoding="utf-8")
