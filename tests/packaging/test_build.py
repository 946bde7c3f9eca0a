"""Every function of the build output works alone: its code, its layers, nothing else."""

import ast
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore
import pytest

from autoflow.local.cloud import Cloud
from tests.packaging.sam_build import FUNCTIONS, ROOT, Build

LIMIT = 250 * 2**20
"""Bytes that a function and its layers may have, unzipped."""
LIGHT_LIMIT = 15_000_000
"""The same of a function without data frames, statistics and charts."""
LAYERS = sorted(path.parent.name for path in (ROOT / "layers").glob("*/requirements.txt"))
IMPORT = (
    "import sys, json, importlib; sys.path[:0] = json.loads(sys.argv[1]); importlib.import_module(sys.argv[2]).handler"
)
"""Run with -I, -S and -B: the interpreter sees its standard library and these folders only, and writes nothing."""
TELL_OF_CLIENTS = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
from automl import clients
from botocore.model import ListShape, MapShape, StructureShape

def walk(shape, seen):
    if shape is None or shape.name in seen:
        return seen
    seen.add(shape.name)
    below = []
    if isinstance(shape, StructureShape):
        below = shape.members.values()
    elif isinstance(shape, ListShape):
        below = [shape.member]
    elif isinstance(shape, MapShape):
        below = [shape.key, shape.value]
    for one in below:
        walk(one, seen)
    return seen

told = {}
for service in json.loads(sys.argv[2]):
    client = clients._client(service)
    model, shapes = client.meta.service_model, set()
    for name in model.operation_names:
        operation = model.operation_model(name)
        for shape in (operation.input_shape, operation.output_shape, *operation.error_shapes):
            walk(shape, shapes)
    endpoints = {}
    for region in ("us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-1"):
        endpoints[region] = clients._session.client(service, region_name=region).meta.endpoint_url
    told[model.service_name] = [model.operation_names, sorted(shapes), endpoints,
                                sorted(error.__name__ for error in client.exceptions._code_to_exception.values()),
                                sorted(name for name in model.operation_names if client.can_paginate(
                                    next(m for m, n in client.meta.method_to_api_mapping.items() if n == name)))]
print(json.dumps(told))
"""
STORE_AND_FETCH = """
import json, os, sys, tempfile
sys.path[:0] = json.loads(sys.argv[1])
from automl import clients, storage

s3, called = clients.s3(), []
s3.meta.events.register("before-call.s3", lambda model, **_: called.append(model.name))
piece = os.urandom(2**20)

def pieces(broken=False):
    for _ in range(20):
        yield piece
    if broken:
        raise ValueError

storage.write_pieces(s3, f"{sys.argv[2]}whole.csv", pieces())
try:
    storage.write_pieces(s3, f"{sys.argv[2]}broken.csv", pieces(broken=True))
except ValueError:
    called.append("ValueError")
with tempfile.TemporaryFile() as file:
    s3.download_fileobj(*storage.split_uri(f"{sys.argv[2]}whole.csv"), file)
    file.seek(0)
    same = file.read() == 20 * piece
stored = [storage.split_uri(one.uri)[1] for one in storage.list_objects(s3, sys.argv[2])]
print(json.dumps([called, same, stored, storage.delete_prefix(s3, sys.argv[2])]))
"""
ELF_MACHINE = {"x86_64": 62, "arm64": 183}


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_the_functions_are_found() -> None:
    assert len(FUNCTIONS) == len(set(FUNCTIONS)) >= 30


@pytest.mark.parametrize("function", FUNCTIONS)
def test_handler_imports_alone(build: Build, function: str) -> None:
    handler: str = build.functions()[function]["Handler"]
    module, _, name = handler.partition(".")
    assert name == "handler"
    path = json.dumps([str(folder) for folder in build.search_path(function)])
    # LAMBDA_TASK_ROOT makes Powertools trace for real, which needs one more package.
    variables = build.environment(function) | {"AWS_DEFAULT_REGION": "us-east-1", "LAMBDA_TASK_ROOT": "/var/task"}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", IMPORT, path, module],
        env=variables,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def test_calls_of_aws_are_traced_and_no_other_library_is_looked_for(build: Build) -> None:
    path = json.dumps([str(folder) for folder in build.search_path("GetEndpointFunction")])
    tell = "import botocore.client; print(hasattr(botocore.client.BaseClient._make_api_call, '__wrapped__')); "
    tell += "print(sorted(name for name in sys.modules if name.startswith('aws_xray_sdk.ext.')))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", f"{IMPORT}; {tell}", path, "get_endpoint"],
        env=build.environment("GetEndpointFunction") | {"AWS_DEFAULT_REGION": "us-east-1", "LAMBDA_TASK_ROOT": "/"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    wrapped, modules = done.stdout.splitlines()
    assert wrapped == "True"
    assert {name.split(".")[2] for name in ast.literal_eval(modules)} == {"boto_utils", "botocore", "util"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_and_layers_fit(build: Build, function: str) -> None:
    parts = {str(folder): size(folder) for folder in build.search_path(function)}
    assert 0 < sum(parts.values()) < LIMIT, parts


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_and_layers_fit_on_the_other_processor(other_build: Build, function: str) -> None:
    parts = {str(folder): size(folder) for folder in other_build.search_path(function)}
    assert 0 < sum(parts.values()) < LIMIT, parts


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_light_function_is_small(build: Build, other_build: Build, function: str) -> None:
    for made in (build, other_build):
        if made.functions()[function]["Layers"] == ["CoreLayer"]:
            assert sum(size(folder) for folder in made.search_path(function)) < LIGHT_LIMIT


def clients_of(folders: list[Path], services: list[str]) -> Any:
    """What a function's clients of these services know: operations, shapes, endpoints, errors, pages."""
    path = json.dumps([str(folder) for folder in folders])
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", TELL_OF_CLIENTS, path, json.dumps(services)],
        env={"AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_trimmed_sdk_knows_what_functions_call_as_the_whole_sdk_does(build: Build) -> None:
    """Every client that a function makes, beside the same client with botocore as it is installed for the tests."""
    operations = json.loads((ROOT / "layers" / "core" / "operations.json").read_text())
    trimmed = clients_of(build.search_path("GetEndpointFunction"), list(operations))
    installed = [build.folder / "GetEndpointFunction", Path(botocore.__file__).parents[1]]
    whole = clients_of(installed, list(operations))

    assert {service: sorted(known[0]) for service, known in trimmed.items()} == operations
    for service, (known, shapes, endpoints, errors, pages) in trimmed.items():
        assert endpoints == whole[service][2]
        assert errors == whole[service][3]
        assert pages == [name for name in whole[service][4] if name in known]
        assert set(shapes) <= set(whole[service][1])


def test_a_built_function_sends_and_fetches_a_large_object_in_parts(build: Build, cloud: Cloud) -> None:
    """Nothing but the package: boto3 without its data, botocore with what is left of its own."""
    cloud.client("s3").create_bucket(Bucket="large-objects")
    path = json.dumps([str(folder) for folder in build.search_path("TransformDataFunction")])
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", STORE_AND_FETCH, path, "s3://large-objects/in/"],
        env=build.environment("TransformDataFunction")
        | {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": cloud.url}
        | {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    called, same, stored, deleted = json.loads(done.stdout)

    sent = ["CreateMultipartUpload", "UploadPart", "UploadPart", "UploadPart", "CompleteMultipartUpload"]
    assert called[: len(sent)] == sent
    assert called[called.index("ValueError") - 1] == "AbortMultipartUpload"
    assert called.count("GetObject") == 3
    assert same
    assert stored == ["in/whole.csv"]
    assert deleted == 1


def imported_first(source: str) -> Iterator[str]:
    """Full names of what a module imports whenever it is imported itself."""
    waiting: list[ast.stmt] = list(ast.parse(source).body)
    while waiting:
        match waiting.pop():
            case ast.Import(names=names):
                yield from (one.name for one in names)
            case ast.ImportFrom(module=str(package), names=names):
                yield from (f"{package}.{one.name}" for one in names)
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                pass
            case ast.If(body=body, orelse=orelse):
                waiting += [*body, *orelse]


def test_nothing_that_is_left_imports_what_was_left_out(build: Build) -> None:
    left_out = (ROOT / "layers" / "core" / "unused.txt").read_text().split()
    names = tuple(name.replace("/", ".") for name in left_out)
    folder = build.folder / "CoreLayer" / "python"
    imports = {(path.name, name) for path in folder.rglob("*.py") for name in imported_first(path.read_text())}

    assert names
    assert [found for found in imports if found[1].startswith(names)] == []


def test_layers_bring_bytecode_that_is_never_compared_with_the_source(build: Build) -> None:
    """A function can't write any, and a zip doesn't keep the time by which Python would compare."""
    for layer in ("CoreLayer", "DataLayer", "ReportLayer", "StatisticsLayer"):
        modules = list((build.folder / layer).rglob("*.py"))
        assert modules
        for module in modules:
            header = Path(importlib.util.cache_from_source(str(module))).read_bytes()[:8]
            assert header[:4] == importlib.util.MAGIC_NUMBER
            assert int.from_bytes(header[4:], "little") == 0b01, module


def test_schemas_arrive_as_files(build: Build) -> None:
    """functions/automl/schemas is a link in the repository; a link does not survive a zip."""
    shipped = {path.name: path.read_text() for path in (ROOT / "schemas").glob("*.json")}
    for function in FUNCTIONS:
        folder = build.folder / function / "automl" / "schemas"
        assert not folder.is_symlink()
        assert {path.name: path.read_text() for path in folder.glob("*.json")} == shipped


def test_both_builds_hold_machine_code_of_their_processor(build: Build, other_build: Build) -> None:
    for made in (build, other_build):
        for layer in ("CoreLayer", "DataLayer", "ReportLayer", "StatisticsLayer"):
            libraries = [path for path in (made.folder / layer).rglob("*.so") if path.is_file()]
            assert libraries, f"{layer} has no machine code"
            for library in libraries:
                header = library.read_bytes()[:20]
                assert header[:4] == b"\x7fELF"
                assert int.from_bytes(header[18:20], "little") == ELF_MACHINE[made.architecture], library


@pytest.mark.parametrize("layer", LAYERS)
def test_layers_have_the_versions_that_are_tested(layer: str) -> None:
    pin = re.compile(r"^([\w.-]+)==([\w.]+)", re.M)
    tested = dict(pin.findall((ROOT / "requirements" / "dev.txt").read_text()))
    shipped = dict(pin.findall((ROOT / "layers" / layer / "requirements.txt").read_text()))
    assert shipped
    assert {name: version for name, version in shipped.items() if tested.get(name) != version} == {}


def test_the_build_holds_nothing_but_the_functions_code(build: Build) -> None:
    expected = {path.name for path in (ROOT / "functions").iterdir()} - {"__pycache__"}
    for function in FUNCTIONS:
        assert {path.name for path in (build.folder / function).iterdir()} - {"__pycache__"} == expected
