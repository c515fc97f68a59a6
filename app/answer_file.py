"""Results of tasks as lines of JSON, in a file with which a run that was cut off goes on."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from everlisten.app.config import ConfigError
from everlisten.app.file_tasks import FileTask, TaskResult

Key = tuple[str, int, str, str, str, str]
"""File, number, task, question, language, model: what makes a result the same."""
_BEGIN = b'{"file": '
"""How each line begins."""


class AnswerFile:
    """Appends results; knows what an earlier run has written.

    A line is on disk before the next result is worked on. A last line that was half written is
    removed; a file with other content is left alone.
    """

    def __init__(self, path: Path, task: FileTask, model: str) -> None:
        """Open the file, or make it.

        Args:
            path: The file; its folder must be there.
            task: What is asked of every file.
            model: Who answers: results of another model do not count.

        Raises:
            ConfigError: It cannot be written, or holds something else.
        """
        self._task = task
        self._model = model
        self._path = path
        try:
            self._file: BinaryIO = path.open("a+b")
        except OSError as error:
            raise ConfigError(
                f"'{path}' cannot be written ({error.strerror}); choose another --out."
            ) from error
        try:
            self._known = self._read()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> AnswerFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def has(self, file: Path, number: int = 0) -> bool:
        """Whether this result is there already."""
        return self._key(file, number) in self._known

    def add(self, result: TaskResult) -> None:
        """Write one result down.

        Raises:
            ConfigError: The disk is full or gone.
        """
        line = json.dumps(as_json(result, self._task, self._model), ensure_ascii=False)
        try:
            self._file.write(line.encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise ConfigError(
                f"'{self._path}' cannot be written ({error.strerror}); run the same command again"
                " when it can."
            ) from error
        self._known.add(self._key(result.file, result.number))

    def _key(self, file: Path, number: int) -> Key:
        task = self._task
        return (str(file.resolve()), number, task.kind, task.text, task.to, self._model)

    def _read(self) -> set[Key]:
        """Keys of what is there; brings the file's end in order."""
        self._file.seek(0)
        content = self._file.read()
        begun, newline, rest = content.rpartition(b"\n")
        known = {self._parse(line, i) for i, line in enumerate((begun + newline).splitlines(), 1)}
        if rest:
            self._end(rest, len(begun + newline), known)
        return known

    def _end(self, rest: bytes, begin: int, known: set[Key]) -> None:
        """A last line without its end: whole, half written, or not ours."""
        try:
            known.add(self._parse(rest, 1))
            self._file.write(b"\n")
        except ConfigError:
            if rest[: len(_BEGIN)] != _BEGIN[: len(rest)]:
                raise
            self._file.truncate(begin)
        self._file.flush()

    def _parse(self, line: bytes, number: int) -> Key:
        try:
            value = json.loads(line)
            named = (value[name] for name in ("file", "number", "task", "question", "to", "model"))
            file, count, *others = named
            return (str(file), int(count), *map(str, others))  # type: ignore[return-value]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ConfigError(
                f"'{self._path}' holds something else than results (line {number}); choose another"
                " --out."
            ) from error


def as_json(result: TaskResult, task: FileTask, model: str) -> dict[str, Any]:
    """One line's object."""
    values = asdict(result)
    return {
        "file": str(values.pop("file").resolve()),
        "number": values.pop("number"),
        "recording": str(values.pop("recording").resolve()),
        "task": task.kind,
        "question": task.text,
        "to": task.to,
        "model": model,
        **{name: round(v, 3) if isinstance(v, float) else v for name, v in values.items()},
    }
