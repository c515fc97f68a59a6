"""What the documents name exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

FAULTS = "## Faults of the released code"
TEST_NAME = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
NO_CONCERN = "does not concern this engine"
FILE_NAME = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|md|sh|yaml|yml|toml|txt|svg|flac))`")
LINK = re.compile(r"\]\(([^)#:]+)\)")


@pytest.fixture(scope="module")
def documents(repository: Path) -> dict[Path, str]:
    paths = [*repository.glob("*.md"), *(repository / "docs").glob("*.md")]
    return {path: path.read_text(encoding="utf-8") for path in paths}


@pytest.fixture(scope="module")
def faults(repository: Path) -> list[tuple[str, str, str]]:
    """Fault, how it is done here, tests: the rows of the table."""
    text = (repository / "docs" / "engine.md").read_text(encoding="utf-8")
    lines = [line for line in text.partition(FAULTS)[2].splitlines() if line.startswith("|")]
    rows = [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in lines[2:]]
    assert all(len(row) == 3 for row in rows), [row for row in rows if len(row) != 3]
    return [(row[0], row[1], row[2]) for row in rows]


@cache
def names_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_tests_that_documents_name_exist(repository: Path, documents: dict[Path, str]) -> None:
    named = {match for text in documents.values() for match in TEST_NAME.findall(text)}
    assert len(named) > 50
    missing = []
    for file, test in sorted(named):
        path = repository / "tests" / file
        if not path.is_file() or test not in names_in(path):
            missing.append(f"{file}::{test}")
    assert missing == []


def test_every_fault_of_the_released_code_has_its_test(faults: list[tuple[str, str, str]]) -> None:
    assert len(faults) >= 55
    assert len({fault for fault, _, _ in faults}) == len(faults)
    for fault, here, tests in faults:
        assert here, fault
        assert TEST_NAME.findall(tests) or NO_CONCERN in here, fault
        # Nothing but names of tests: a slip in one would hide it.
        assert TEST_NAME.sub("", tests).strip(", ") == "", fault


def test_files_that_documents_name_exist(repository: Path, documents: dict[Path, str]) -> None:
    missing = [
        f"{path.name}: {name}"
        for path, text in documents.items()
        for name in FILE_NAME.findall(text)
        if not any((root / name).exists() for root in (repository, repository / "tests"))
    ]
    missing += [
        f"{path.name}: {target}"
        for path, text in documents.items()
        for target in LINK.findall(text)
        if not (path.parent / target).exists()
    ]
    assert missing == []
