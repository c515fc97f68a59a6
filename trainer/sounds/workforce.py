"""Processes that play scenes to a model; each keeps the corpus and a model of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from everlisten.engine.sounds.model import SoundModel
from everlisten.trainer.sounds import esc10, scenes
from everlisten.trainer.sounds.corpus import Corpus, read_corpus
from everlisten.trainer.sounds.esc10 import ClipReading
from everlisten.trainer.sounds.hearing import Recording, readings_of
from everlisten.trainer.sounds.scene_plans import ScenePlan


class _Worker:
    """What one process keeps."""

    corpus: Corpus
    model: SoundModel


@contextmanager
def workers(data: Path, model: Path, processes: int) -> Iterator[Callable[..., Iterator[Any]]]:
    """A `map` over processes; over this one alone where one is asked for.

    Raises:
        ModelLoadError: The model is damaged; told here and not as a broken pool.
    """
    SoundModel(model)
    if processes == 1:
        _begin(data, model)
    with mapped(processes, _begin, (data, model)) as apply:
        yield apply


@contextmanager
def mapped(
    processes: int, begin: Callable[..., None] | None = None, arguments: tuple[Any, ...] = ()
) -> Iterator[Callable[..., Iterator[Any]]]:
    """A `map` over processes that keeps the order, each begun with `begin(*arguments)`."""
    if processes == 1:
        yield map
        return
    # Not forked: the library that runs the model has threads.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, context, initializer=begin, initargs=arguments)
    try:
        yield pool.map
    finally:
        pool.shutdown(cancel_futures=True)


def hear(plan: ScenePlan) -> Recording | None:
    """Make a scene and play it to the model; None where its clip is silent."""
    scene = scenes.made(plan, _Worker.corpus)
    if scene is None:
        return None
    return Recording(scene.outcome, readings_of(_Worker.model, scene.samples))


def hear_clip(name: str) -> ClipReading:
    """Play one clip of ESC-10, dry and alone."""
    clip = next(each for each in _Worker.corpus.clips if each.name == name)
    return esc10.clip_reading(_Worker.model, clip)


def _begin(data: Path, model: Path) -> None:
    _Worker.corpus = read_corpus(data)
    _Worker.model = SoundModel(model)
