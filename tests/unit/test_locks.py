"""What is installed is what was locked: packages have hashes, no list names an index, and installers check."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONSTRAINTS = ROOT / "requirements" / "localstack-constraints.txt"
"""Input of `make lock`: it bounds versions, and nothing is installed from it."""
LOCKS = sorted({*(ROOT / "requirements").glob("*.txt"), *(ROOT / "layers").glob("*/requirements.txt")} - {CONSTRAINTS})
REQUIREMENT = re.compile(
    r"^(?P<pin>[a-z0-9][a-z0-9.-]*(\[[a-z0-9,-]+\])?==\S+)(?P<marker> ; [^\\]+)?"
    r"(?P<rest> \\(\n {4}--hash=\S+( \\)?)*)?$",
    re.M,
)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_package_is_pinned_with_its_hashes(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    requirements = list(REQUIREMENT.finditer(text))
    assert requirements
    for one in requirements:
        assert HASH.search(one["rest"] or ""), one["pin"]
    left = REQUIREMENT.sub("", text).splitlines()
    assert [line for line in left if line.strip() and not line.lstrip().startswith("#")] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_lock_names_where_packages_come_from(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"--(extra-)?index-url|--find-links|--trusted-host|(^|\s)-[fi]\s| @ ", text)


def test_whatever_installs_from_a_lock_checks_the_hashes() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    layers = (ROOT / "layers" / "build.py").read_text(encoding="utf-8")
    installs = [line for line in makefile.splitlines() if re.search(r"pip (sync|install)|-m pip", line)]
    assert len(installs) >= 5
    for line in installs:
        assert "--require-hashes" in line or "--no-deps --editable ." in line, line
    assert layers.count('"install"') == layers.count("--require-hashes") == 1


def test_every_lock_has_an_installer_and_is_made_by_make_lock() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    lock = makefile[makefile.index("\nlock:") :]
    for path in LOCKS:
        named = path.stem if path.parent.name == "requirements" else path.parent.name
        assert re.search(rf"\b{named}\b", lock), path
        if path.parent.name == "requirements":
            assert f"requirements/{path.name}" in makefile[: makefile.index("\nlock:")]
