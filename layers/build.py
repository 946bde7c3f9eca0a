"""Makes one layer: its locked packages, without what no function can reach, and with the bytecode of the rest.

Run by `sam build` (layer.mk) under Python 3.13, with nothing installed but pip.
"""

import compileall
import json
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path

import sdk_data

HERE = Path(__file__).parent
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
GLIBC_MINOR = 34
"""Of Amazon Linux 2023, which Lambda's python3.13 runs on."""
NOT_FOR_FUNCTIONS = ("bin", "share")
"""Folders of programs and of other tools' extensions, which packages bring beside their modules."""
SOURCES = {".c", ".h", ".pxd", ".pyi", ".pyx"}
"""Endings of files that compilers and type checkers read."""
ROOT_ON_LAMBDA = "/opt/python"


def install(layer: str, architecture: str, target: Path) -> None:
    """Lay the wheels for Lambda's processor and C library down in the target, whatever this machine is."""
    machine = MACHINES[architecture]
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC_MINOR, 4, -1)]
    platforms += [f"manylinux2014_{machine}", f"manylinux2010_{machine}", f"manylinux1_{machine}"]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-compile", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command += ["--implementation", "cp", "--python-version", "3.13", "--target", str(target)]
    command += [part for platform in platforms for part in ("--platform", platform)]
    subprocess.run([*command, "--requirement", str(HERE / layer / "requirements.txt")], check=True)


def remove_unused(target: Path, listed: list[str]) -> None:
    """Remove what is in the packages but never imported: what is listed, tests, programs, sources, lists of files.

    Raises:
        SystemExit: something listed is not there, so it lies elsewhere now.
    """
    missing = [name for name in listed if not (target / name).is_dir()]
    if missing:
        raise SystemExit(f"{', '.join(missing)} of unused.txt is not in the layer's packages; correct the list")
    folders = [target / name for name in (*NOT_FOR_FUNCTIONS, *listed)]
    folders += [path for path in target.rglob("tests") if path.is_dir()]
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    for path in [*target.glob("*.dist-info/RECORD"), *(one for one in target.rglob("*.*") if one.suffix in SOURCES)]:
        path.unlink()


def compile_all(target: Path) -> None:
    """Bytecode beside every module: a function's disk is read-only, so Python would compile at every cold start.

    It is not checked against the source's time, which a zip does not keep.
    """
    done = compileall.compile_dir(
        target,
        quiet=1,
        stripdir=str(target),
        prependdir=ROOT_ON_LAMBDA,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    if not done:
        raise SystemExit(f"Not every module under {target} could be compiled; see above which")


def build(layer: str, architecture: str, artifacts: Path) -> None:
    """Make the layer's folder ``python/`` in the artifacts."""
    target = artifacts / "python"
    unused, operations = HERE / layer / "unused.txt", HERE / layer / "operations.json"
    install(layer, architecture, target)
    remove_unused(target, unused.read_text(encoding="utf-8").split() if unused.exists() else [])
    if operations.exists():
        sdk_data.trim(target / "botocore" / "data", json.loads(operations.read_text(encoding="utf-8")))
    compile_all(target)


if __name__ == "__main__":
    build(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
