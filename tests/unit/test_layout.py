"""The rooms are where they should be, and what ships is whole."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import soundfile
import yaml
from packaging.requirements import Requirement

ROOMS = ("app", "ui", "trainer", "engine", "audio_io", "assets")
CORES = ("engine", "trainer", "audio_io")
VERBS = ("listen", "ask", "devices", "models", "history", "bench", "eval")
LARGEST_FILE_BYTES = 30 * 1024 * 1024
LARGEST_ASSETS_BYTES = 60 * 1024 * 1024

TORCH_BY_NATURE = (
    "everlisten.engine.laim",
    "everlisten.app.bench.random_checkpoint",
    "everlisten.app.bench.released_way",
    *(
        f"everlisten.trainer.{name}"
        for name in (
            "loop",
            "sounds.agreement",
            "sounds.candidates",
            "sounds.export",
            "sounds.log_mel",
            "sounds.mixing",
            "sounds.nano",
            "sounds.objective",
            "sounds.network",
            "sounds.pool",
            "sounds.released_checkpoint",
            "sounds.targets",
            "sounds.teacher",
            "sounds.train",
            "sounds.validation",
            "sounds.workshop",
        )
    ),
)
"""The big model, what its benchmark alone is made of, and what trains; all else does without."""
TRITON_BY_NATURE = tuple(
    f"everlisten.engine.laim.{name}"
    for name in (
        "kernels",
        "product_kernels",
        "attention_kernels",
        "tower_kernels",
        "fast_operations",
        "fast_tower",
    )
)
"""Imported on a GPU alone; Triton has no wheels for other machines."""
QT = {"PySide6", "shiboken6"}
TORCH = {"torch", "transformers", "triton"}

IMPORT_EVERYTHING = """
import importlib, json, pkgutil, sys
packages, without = map(json.loads, sys.argv[1:])
def wanted(name):
    skipped = any(name == each or name.startswith(each + ".") for each in without)
    return not (skipped or name.endswith("__main__"))
def walk(name):
    package = importlib.import_module(name)
    for module in pkgutil.iter_modules(getattr(package, "__path__", ()), name + "."):
        if wanted(module.name):
            walk(module.name)
for name in packages:
    walk(name)
print(json.dumps(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def pyproject(repository: Path) -> dict[str, Any]:
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))


def tracked_files(repository: Path) -> list[Path]:
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z"],
        cwd=repository,
        check=True,
        capture_output=True,
        text=True,
    )
    files = [repository / name for name in listed.stdout.split("\0") if name]
    return [path for path in files if path.is_file()]


def imported_by(*packages: str, without: Sequence[str] = ()) -> set[str]:
    """Modules that a fresh interpreter has loaded after importing all of `packages`.

    Args:
        packages: With every module below.
        without: Modules and packages below them that are left out.
    """
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_EVERYTHING, json.dumps(packages), json.dumps(without)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def test_packages_are_the_folders_on_disk(repository: Path, pyproject: dict[str, Any]) -> None:
    setuptools = pyproject["tool"]["setuptools"]
    on_disk = {
        "everlisten." + ".".join(path.parent.relative_to(repository).parts)
        for room in ROOMS
        for path in (repository / room).rglob("__init__.py")
    }
    assert set(setuptools["packages"]) == on_disk
    assert setuptools["package-dir"] == {
        package: package.removeprefix("everlisten.").replace(".", "/") for package in on_disk
    }


def test_every_module_lies_in_a_package(repository: Path) -> None:
    loose = [
        path
        for room in ROOMS
        if room != "assets"
        for path in (repository / room).rglob("*.py")
        if not (path.parent / "__init__.py").exists()
    ]
    assert loose == []


def test_packaging_and_tests_are_no_packages(repository: Path) -> None:
    assert list((repository / "packaging").rglob("__init__.py")) == []
    assert list((repository / "tests").rglob("__init__.py")) == []


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_are_typed(repository: Path, room: str) -> None:
    assert (repository / room / "py.typed").exists()


def test_tests_run_against_the_installed_package(repository: Path) -> None:
    spec = importlib.util.find_spec("everlisten.engine")
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).resolve().parent != repository / "engine"
    assert version("everlisten")


def test_installed_files_are_those_of_the_checkout(repository: Path) -> None:
    spec = importlib.util.find_spec("everlisten.engine")
    assert spec is not None
    assert spec.origin is not None
    installed = Path(spec.origin).resolve().parents[1]

    def contents(root: Path) -> dict[str, bytes]:
        return {
            str(path.relative_to(root)): path.read_bytes()
            for room in ROOMS
            for path in (root / room).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }

    here, there = contents(repository), contents(installed)
    names = here.keys() | there.keys()
    differ = sorted(name for name in names if here.get(name) != there.get(name))
    assert differ == [], "the installed package is stale: pip install ."


def test_cores_load_no_qt_and_no_torch() -> None:
    """All but the big model, which is made of torch."""
    packages = [f"everlisten.{core}" for core in CORES]
    loaded = imported_by(*packages, without=TORCH_BY_NATURE)
    assert "everlisten.engine.embedded.model" in loaded, "nothing was walked"
    assert loaded.isdisjoint(QT | TORCH)


def test_the_big_model_loads_no_qt() -> None:
    without = () if importlib.util.find_spec("triton") else TRITON_BY_NATURE
    loaded = imported_by("everlisten.engine.laim", without=without)
    assert {"torch", "everlisten.engine.laim.model"} <= loaded, "nothing was walked"
    assert loaded.isdisjoint(QT)


def test_without_a_gpu_the_big_model_loads_no_triton() -> None:
    """Other machines have no wheel of it."""
    loaded = imported_by("everlisten.engine.laim", without=TRITON_BY_NATURE)
    ours = {name for name in loaded if name.startswith("everlisten.")}
    assert ours.isdisjoint(TRITON_BY_NATURE)


def test_program_loads_no_torch() -> None:
    """Torch would cost the captions memory and seconds."""
    loaded = imported_by("everlisten.app", "everlisten.ui", without=TORCH_BY_NATURE)
    wanted = ("main", "desktop", "cli.parser", *(f"cli.{verb}" for verb in VERBS), "bench.engine")
    assert {f"everlisten.app.{name}" for name in wanted} <= loaded, "nothing was walked"
    assert "everlisten.ui.main_window" in loaded
    assert loaded.isdisjoint(TORCH)


def test_nothing_serves_the_network(repository: Path) -> None:
    """What is heard can be asked for by nobody: the window and its second start are local."""
    found = {
        (str(path.relative_to(repository)), name)
        for room in ROOMS
        for path in (repository / room).rglob("*.py")
        if "bench" not in path.parts
        for name in imports_of(path)
        if name.partition(".")[0] in SERVING or name.startswith(("http.server", QT_NETWORK))
    }
    second_start = "app/single_instance.py"
    assert found == {
        (second_start, f"{QT_NETWORK}.QLocalServer"),
        (second_start, f"{QT_NETWORK}.QLocalSocket"),
    }


QT_NETWORK = "PySide6.QtNetwork"
SERVING = {
    "socket", "socketserver", "asyncio", "aiohttp", "bottle", "fastapi", "flask", "gradio",
    "starlette", "tornado", "uvicorn", "websocket", "websockets", "xmlrpc",
}  # fmt: skip
"""What a program that listens on a port would import."""


def imports_of(path: Path) -> Iterator[str]:
    """Dotted names that a file imports anywhere, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_import_contracts_hold(repository: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=repository,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_yaml_loads(repository: Path) -> None:
    files = [
        path
        for room in (*ROOMS, "packaging")
        for pattern in ("*.yaml", "*.yml")
        for path in (repository / room).rglob(pattern)
    ]
    assert files
    for path in files:
        assert yaml.safe_load(path.read_text(encoding="utf-8")) is not None, path


def test_every_recording_opens(repository: Path) -> None:
    files = [
        path
        for suffix in ("flac", "ogg", "wav")
        for path in (repository / "assets").rglob(f"*.{suffix}")
    ]
    assert files
    for path in files:
        assert soundfile.info(path).frames > 0, path


def test_sizes(repository: Path) -> None:
    sizes = {path: path.stat().st_size for path in tracked_files(repository)}
    assert [path for path, size in sizes.items() if size > LARGEST_FILE_BYTES] == []
    assets = sum(size for path, size in sizes.items() if repository / "assets" in path.parents)
    assert assets < LARGEST_ASSETS_BYTES


def test_locks_fit_the_declared_dependencies(repository: Path, pyproject: dict[str, Any]) -> None:
    project = pyproject["project"]
    extras = project["optional-dependencies"]
    wanted = {
        "run.txt": project["dependencies"] + extras["captions"],
        "test.txt": [
            each
            for each in project["dependencies"] + [e for extra in extras.values() for e in extra]
            if Requirement(each).name != "torch"
        ],
        "torch.txt": [each for each in extras["model"] if Requirement(each).name == "torch"],
    }
    for name, requirements in wanted.items():
        pins = pinned((repository / "packaging" / "lock" / name).read_text(encoding="utf-8"))
        for requirement in map(Requirement, requirements):
            versions = pins.get(normalized(requirement.name), [])
            assert versions, f"{name} lacks {requirement}: make lock"
            for each in versions:
                assert requirement.specifier.contains(each), f"{name}: {requirement} is {each}"


def pinned(lock: str) -> dict[str, list[str]]:
    """Versions of each package in a lock file; more than one where Python's version decides."""
    pins: dict[str, list[str]] = {}
    for match in re.finditer(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock, re.MULTILINE):
        pins.setdefault(normalized(match[1]), []).append(match[2])
    return pins


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
