"""The SDK in the core layer knows what the functions call. The layer itself is built by tests/packaging."""

import ast
import gzip
import importlib.util
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import botocore
import botocore.session
import pytest
from botocore.awsrequest import AWSRequest
from botocore.model import OperationModel

from tests.template import FUNCTIONS
from tests.unit.test_permissions import handler_of, operations, reached, service_of

LAYERS = Path(__file__).parents[2] / "layers"
DATA = Path(botocore.__file__).parent / "data"
OF_OTHERS = {
    "s3": {"CreateSession", "HeadBucket"},
    "xray": {"GetSamplingRules", "GetSamplingTargets"},
}
"""What botocore itself calls, for directory buckets and to find a bucket's region; and X-Ray's SDK
when it is imported anywhere but on Lambda, as by the local cloud."""
TRANSFERS = {
    "download_fileobj": {"HeadObject", "GetObject"},
    "upload_fileobj": {
        "PutObject",
        "CreateMultipartUpload",
        "UploadPart",
        "CompleteMultipartUpload",
        "AbortMultipartUpload",
    },
}
"""What boto3 adds to S3's client, and what that calls."""


def called() -> dict[str, set[str]]:
    """Service → the operations of it that some function's code can call."""
    found: dict[str, set[str]] = {}
    for function in FUNCTIONS:
        for node in (
            below for nodes in reached(handler_of(function)).values() for one in nodes for below in ast.walk(one)
        ):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=client, attr="get_paginator"), args=[ast.Constant(value=str(name))]
                ):
                    pass
                case ast.Attribute(value=client, attr=name):
                    pass
                case _:
                    continue
            service = service_of(client)
            if service and name in operations(service):
                found.setdefault(service, set()).add(operations(service)[name].partition(":")[2])
            elif service and name in TRANSFERS:
                found.setdefault(service, set()).update(TRANSFERS[name])
    return found


@pytest.fixture(scope="module")
def sdk_data() -> Iterator[ModuleType]:
    """The module that `sam build` runs; it lies where no package is."""
    spec = importlib.util.spec_from_file_location("sdk_data", LAYERS / "sdk_data.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["sdk_data"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["sdk_data"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A copy of what botocore knows of two services."""
    for name in ("sagemaker", "sagemaker-runtime", "sagemaker-edge"):
        shutil.copytree(DATA / name, tmp_path / name)
    shutil.copy(DATA / "endpoints.json", tmp_path)
    return tmp_path


def test_the_layer_knows_every_operation_that_a_function_calls_and_no_other() -> None:
    """When this fails, make layers/core/operations.json say what is expected here."""
    listed = json.loads((LAYERS / "core" / "operations.json").read_text())
    expected = called()
    for service, names in OF_OTHERS.items():
        expected[service] = expected.get(service, set()) | names

    assert listed == {service: sorted(expected[service]) for service in sorted(expected)}


def models(path: Path) -> dict[str, Any]:
    file = path / "service-2.json"
    document: dict[str, Any] = json.loads(
        file.read_text() if file.exists() else gzip.decompress((path / "service-2.json.gz").read_bytes())
    )
    return document


def test_a_kept_operation_is_described_as_before_but_for_the_prose(sdk_data: ModuleType, data: Path) -> None:
    (before,) = (models(path) for path in (DATA / "sagemaker").iterdir())
    sdk_data.trim(data, {"sagemaker": ["CreateEndpoint", "DescribeEndpoint"], "sagemaker-runtime": ["InvokeEndpoint"]})
    (after,) = (models(path) for path in (data / "sagemaker").iterdir())

    assert set(after["operations"]) == {"CreateEndpoint", "DescribeEndpoint"}
    assert after["metadata"] == before["metadata"]
    for kind in ("operations", "shapes"):
        for name, kept in after[kind].items():
            assert kept == sdk_data._without_prose(before[kind][name])


class Sent(Exception):
    """Ends a call before anything goes over the network."""


def least(shape: Any) -> Any:
    """A value that the shape's own rules let through."""
    match shape.type_name:
        case "structure":
            some = list(shape.members)[:1] if shape.is_tagged_union else shape.required_members
            return {name: least(shape.members[name]) for name in some}
        case "list":
            return [least(shape.member)]
        case "map":
            return {"key": least(shape.value)}
        case "boolean":
            return True
        case "blob":
            return b"x"
        case "string":
            return shape.enum[0] if shape.enum else "a" * max(3, shape.metadata.get("min", 3))
    return max(1, int(shape.metadata.get("min", 1)))


def url_of(client: Any, operation: OperationModel) -> str:
    """Where the call of an operation would go."""
    found: list[str] = []

    def stop(request: AWSRequest, **_: Any) -> None:
        found.append(str(request.url))
        raise Sent

    client.meta.events.register_last("before-send", stop)
    with pytest.raises(Sent):
        getattr(client, botocore.xform_name(operation.name))(**least(operation.input_shape))
    client.meta.events.unregister("before-send", stop)
    return found[0]


@pytest.mark.parametrize("region", ["eu-central-1", "cn-north-1", "us-gov-west-1"])
def test_every_call_is_made_as_by_the_whole_sdk(
    sdk_data: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, region: str
) -> None:
    """To describe a client is not to call it: parameters, endpoint rules and signing are read with the first call."""
    listed = json.loads((LAYERS / "core" / "operations.json").read_text())
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    for name in listed:
        shutil.copytree(DATA / name, tmp_path / name)
    for path in DATA.glob("*.json*"):
        shutil.copy(path, tmp_path)
    sdk_data.trim(tmp_path, listed)
    trimmed, whole = botocore.session.Session(), botocore.session.Session()
    loader = trimmed.get_component("data_loader")
    loader._search_paths = [str(tmp_path)]

    for service, names in listed.items():
        kept, known = (one.create_client(service, region_name=region) for one in (trimmed, whole))
        for name in names:
            operation = known.meta.service_model.operation_model(name)
            assert url_of(kept, kept.meta.service_model.operation_model(name)) == url_of(known, operation), name
