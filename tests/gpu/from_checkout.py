"""Run the engine's benchmark or the GPU tests from a checkout, without installing Everlisten.

    python tests/gpu/from_checkout.py bench --random released --precision bf16 --out FOLDER
    python tests/gpu/from_checkout.py test [pytest's options]

A machine with a GPU often has PyTorch of its own and none of the window's or sound card's packages;
the engine needs none of these. A folder of its own, with a link `everlisten` to the checkout, leads
the import path, so `everlisten.engine` is found in `engine/`, in child processes as well.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
STAND_INS = Path(__file__).resolve().parent / "stand_ins"
USAGE_ERROR = 2


def main(arguments: list[str]) -> int:
    """Run one of the two; returns its exit code."""
    commands = {"bench": _bench, "test": _test}
    if not arguments or arguments[0] not in commands:
        print(__doc__, file=sys.stderr)
        return USAGE_ERROR
    with tempfile.TemporaryDirectory(prefix="everlisten-import-") as folder:
        (Path(folder) / "everlisten").symlink_to(REPOSITORY, target_is_directory=True)
        paths = [folder, os.environ.get("PYTHONPATH", "")]
        if find_spec("soundfile") is None:
            paths.append(str(STAND_INS))
        path = os.pathsep.join(filter(None, paths))
        command = commands[arguments[0]](arguments[1:])
        return subprocess.run(command, env={**os.environ, "PYTHONPATH": path}).returncode


def _bench(arguments: list[str]) -> list[str]:
    return [sys.executable, "-m", "everlisten.app.bench.engine", *arguments]


def _test(arguments: list[str]) -> list[str]:
    # Not the project's pytest settings: they name plug-ins for windows that may be missing here.
    settings = ["-c", os.devnull, "--rootdir", str(REPOSITORY), "--import-mode=importlib"]
    settings += ["-p", "no:cacheprovider", "-ra"]
    return [
        sys.executable,
        "-m",
        "pytest",
        *settings,
        str(REPOSITORY / "tests" / "gpu"),
        *arguments,
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
