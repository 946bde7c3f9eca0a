"""Every function of the build output works alone: its code, its layers, nothing else."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.sam_build import ROOT, Build

LIMIT = 250 * 2**20
"""Bytes that a function and its layers may have, unzipped."""
FUNCTIONS = re.findall(
    r"^  (\w+Function):\n    Type: AWS::Serverless::Function$", (ROOT / "template.yaml").read_text(), re.M
)
LAYERS = sorted(path.parent.name for path in (ROOT / "layers").glob("*/requirements.txt"))
IMPORT = (
    "import sys, json, importlib; sys.path[:0] = json.loads(sys.argv[1]); importlib.import_module(sys.argv[2]).handler"
)
"""Run with -I and -S: the interpreter sees its standard library and these folders only."""
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
        [sys.executable, "-I", "-S", "-c", IMPORT, path, module],
        env=variables,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_and_layers_fit(build: Build, function: str) -> None:
    parts = {str(folder): size(folder) for folder in build.search_path(function)}
    assert 0 < sum(parts.values()) < LIMIT, parts


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_and_layers_fit_on_the_other_processor(other_build: Build, function: str) -> None:
    parts = {str(folder): size(folder) for folder in other_build.search_path(function)}
    assert 0 < sum(parts.values()) < LIMIT, parts


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
