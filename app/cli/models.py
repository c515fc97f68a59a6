"""`everlisten models`: list, fetch, verify and remove models."""

from __future__ import annotations

import argparse
import sys

from tqdm import tqdm

from everlisten.app.config import ConfigError
from everlisten.app.exit_codes import GOOD
from everlisten.app.paths import AppPaths
from everlisten.engine.models.catalogue import ModelCatalogue


def run(args: argparse.Namespace, paths: AppPaths) -> int:
    """Do what was asked for; a missing or damaged model raises `ModelLoadError`.

    Raises:
        ConfigError: The catalogue has no such model.
    """
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
        if status.problem:
            print(f"    {status.problem}")


def _fetch(catalogue: ModelCatalogue, model: str) -> None:
    with tqdm(unit="B", unit_scale=True, file=sys.stderr, disable=None, leave=False) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        folder = catalogue.fetch(model, show)
    print(f"{model} is in {folder}")


def _verify(catalogue: ModelCatalogue, model: str) -> None:
    catalogue.verify(model)
    print(f"{model} is whole: every file has the SHA-256 that the catalogue names.")


def _remove(catalogue: ModelCatalogue, model: str) -> None:
    catalogue.remove(model)
    print(f"{model} is removed from the data folder.")
