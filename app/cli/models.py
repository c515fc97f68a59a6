"""`everlisten models`: list, fetch, verify, remove and convert models."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from everlisten.app.config import ConfigError
from everlisten.app.exit_codes import GOOD
from everlisten.app.paths import AppPaths
from everlisten.engine.errors import ModelLoadError
from everlisten.engine.laim.precision import PRECISIONS, ParameterCounts, needed_bytes
from everlisten.engine.models.catalogue import ModelCatalogue
from everlisten.engine.models.hub import Progress


def run(args: argparse.Namespace, paths: AppPaths) -> int:
    """Do what was asked for; a missing or damaged model raises `ModelLoadError`.

    Raises:
        ConfigError: The catalogue has no such model.
    """
    if args.action == "convert":
        return _convert(args)
    catalogue = ModelCatalogue(paths.models)
    known = [entry.id for entry in catalogue.entries()]
    if args.action != "list" and args.model not in known:
        raise ConfigError(f"Unknown model {args.model!r}; give one of {', '.join(known)}.")
    actions = {"list": _list, "fetch": _fetch, "verify": _verify, "remove": _remove}
    actions[args.action](catalogue, getattr(args, "model", ""))
    return GOOD


def _list(catalogue: ModelCatalogue, _: str) -> None:
    for entry in catalogue.entries():
        status = catalogue.status(entry.id)
        print(f"{entry.id}  {status.state}  {entry.size / 1e6:.0f} MB  {entry.licence}")
        print(f"    {entry.title}")
        if entry.parameters is not None:
            print(f"    {_memory(entry.parameters)}")
        if status.problem:
            print(f"    {status.problem}")


def _memory(counts: ParameterCounts) -> str:
    """What each precision needs; float32 is for proofs, not for use."""
    needs = (
        f"{precision} {needed_bytes(counts, precision) / 1e9:.1f} GB"
        for precision in PRECISIONS
        if precision != "float32"
    )
    return f"needs in GPU memory: {', '.join(needs)}"


def _fetch(catalogue: ModelCatalogue, model: str) -> None:
    with _byte_bar() as show:
        folder = catalogue.fetch(model, show)
    print(f"{model} is in {folder}")


def _convert(args: argparse.Namespace) -> int:
    if args.target.is_dir() and any(args.target.iterdir()):
        raise ConfigError(f"'{args.target}' holds files already; name a new folder.")
    if args.target.exists() and not args.target.is_dir():
        raise ConfigError(f"'{args.target}' is a file; name a new folder.")
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise ModelLoadError(
            "Converting needs PyTorch; run pip install 'everlisten[model]'"
        ) from error
    from everlisten.engine.laim.convert import convert
    from everlisten.engine.laim.precision import find_device

    device = find_device(args.device)
    with _byte_bar() as show:
        convert(args.source, args.target, args.precision, show, device=device.name)
    print(f"The {args.precision} checkpoint is in {args.target}")
    return GOOD


class _Bar(tqdm):
    monitor_interval = 0  # no thread that refreshes the bar and outlives it


@contextmanager
def _byte_bar() -> Iterator[Progress]:
    """A progress bar on the terminal's error stream; silent where that is a file."""
    with _Bar(unit="B", unit_scale=True, file=sys.stderr, disable=None, leave=False) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show


def _verify(catalogue: ModelCatalogue, model: str) -> None:
    catalogue.verify(model)
    print(f"{model} is whole: every file has the SHA-256 that the catalogue names.")


def _remove(catalogue: ModelCatalogue, model: str) -> None:
    catalogue.remove(model)
    print(f"The data folder holds no copy of {model} now.")
