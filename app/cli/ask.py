"""`everlisten ask`: transcribe, translate or answer about whole files with the big model."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

from tqdm import tqdm

from everlisten.app.answer_file import AnswerFile
from everlisten.app.config import AppConfig, ConfigError
from everlisten.app.exit_codes import BAD_INPUT, GOOD
from everlisten.app.file_tasks import FileTask, TaskResult, TaskRunner
from everlisten.app.languages import parse_target
from everlisten.app.model_choice import ModelChoice
from everlisten.app.paths import AppPaths
from everlisten.audio_io.errors import AudioFileError
from everlisten.engine.laim.sequence import is_sequence, read_sequence
from everlisten.engine.models.catalogue import ModelCatalogue


def run(args: argparse.Namespace, config: AppConfig, paths: AppPaths) -> int:
    """Work through the files; what cannot be read is told, and the others go on.

    Raises:
        ConfigError: Options or files do not fit together.
        EngineError: The model is missing or damaged, or a sequence is.
    """
    choice = _choice(args, config)
    task = _task(args)
    _check_files(args.files)
    opened = nullcontext() if args.out is None else AnswerFile(args.out, task, _who(choice))
    with opened as answers:
        files = dict.fromkeys(args.files)
        missing = [path for path in files if not (answers and _is_done(path, task, answers))]
        if not missing:
            print(f"All results are in {args.out} already.", file=sys.stderr)
            return GOOD
        runner = TaskRunner(choice, ModelCatalogue(paths.models))
        refused = Refusals()
        total = sum(len(_numbers(path, task)) for path in missing)
        bar = tqdm(total=total, unit="file", file=sys.stderr, disable=None)
        with bar:
            for result in _results(runner, missing, task, refused):
                _keep(result, answers, alone=len(args.files) == 1)
                bar.update()
    return BAD_INPUT if refused.count else GOOD


class Refusals:
    """Tells at once what could not be read, above the bar, and counts it."""

    def __init__(self) -> None:
        self.count = 0

    def file(self, error: AudioFileError) -> None:
        """A file that cannot be read."""
        self.count += 1
        self.say(str(error))

    def say(self, sentence: str) -> None:
        """Anything else that the user should know."""
        tqdm.write(f"everlisten: {sentence}", file=sys.stderr)


def _choice(args: argparse.Namespace, config: AppConfig) -> ModelChoice:
    kept = config.engine
    choice = ModelChoice(
        model=args.model,
        device=args.device or kept.device,
        precision=args.precision or kept.precision,
        eager=args.eager or kept.eager,
    )
    choice.check()
    if not choice.is_big:
        raise ConfigError(
            "ask needs the big model; give --model audio-interaction or the folder of a checkpoint."
        )
    return choice


def _task(args: argparse.Namespace) -> FileTask:
    to = "" if args.to is None else parse_target(args.to, any_language=True) or ""
    if (args.task == "translate") != bool(to):
        raise ConfigError(
            "--task translate needs the language: add --to zh or another."
            if args.task == "translate"
            else "--to goes with --task translate only."
        )
    if args.text and args.task != "question":
        raise ConfigError("--text goes with --task question only.")
    return FileTask(kind=args.task, text=args.text.strip(), to=to)


def _check_files(files: Sequence[Path]) -> None:
    """Refuse missing files before the model is loaded, which takes long."""
    for path in files:
        if is_sequence(path):
            read_sequence(path)
        elif path.is_dir():
            raise AudioFileError(path, "is a folder", "name the sound files in it")
        elif not path.is_file():
            raise AudioFileError(path, "is not there", "check the name")


def _who(choice: ModelChoice) -> str:
    folder = Path(choice.model)
    return str(folder.resolve()) if folder.is_dir() else choice.model


def _numbers(path: Path, task: FileTask) -> list[int]:
    """Numbers of the results that a file gives."""
    if not is_sequence(path):
        return [0]
    return list(range(1, len(read_sequence(path)) + 1 + bool(task.text)))


def _is_done(path: Path, task: FileTask, answers: AnswerFile) -> bool:
    return all(answers.has(path, number) for number in _numbers(path, task))


def _results(
    runner: TaskRunner, files: Sequence[Path], task: FileTask, refused: Refusals
) -> Iterator[TaskResult]:
    single = [path for path in files if not is_sequence(path)]
    if single:
        yield from runner.files(single, task, refused.file)
    for path in files:
        if is_sequence(path):
            yield from runner.sequence(path, task, refused.say)


def _keep(result: TaskResult, answers: AnswerFile | None, *, alone: bool) -> None:
    """Write a result down, or print it."""
    if answers is not None:
        # A sequence is heard again from its start, also for what is not written down yet.
        if not answers.has(result.file, result.number):
            answers.add(result)
        return
    named = "" if alone and not result.number else f"{result.recording}: "
    tqdm.write(f"{named}{result.text}", file=sys.stdout)
