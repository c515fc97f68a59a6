"""The taught sounds on disk: one folder each, and one archive to hand a sound on.

A folder is written under another name and then takes its place whole, so a sound is there or not,
whenever the computer stops. The window's process and a terminal's may have the same folder open.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from everlisten.audio_io.chunk import Samples
from everlisten.engine.errors import EngineError
from everlisten.engine.sounds import taught_file
from everlisten.engine.sounds.folder_lock import locked
from everlisten.engine.sounds.taught import MAX_NAME, TaughtSound, new_id
from everlisten.engine.sounds.taught_archive import unzipped, zipped
from everlisten.engine.sounds.taught_file import DESCRIPTION, WEIGHTS
from everlisten.engine.sounds.whole_file import replace_file, write_file

logger = logging.getLogger(__name__)

SUFFIX = ".everlisten-sound"
MAX_SOUNDS = 100
_NEW, _OLD = ".new-", ".old-"


class TaughtStore:
    """All taught sounds of this user. Any thread may call.

    Args:
        folder: `<data>/sounds/taught`; made when the first sound is saved.

    Attributes:
        problems: A sentence for each folder that cannot be used; its files are left as they are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        self.problems: list[str] = []
        self._sounds: dict[str, TaughtSound] = {}
        if folder.is_dir():
            with self._faults("read"), locked(folder):
                self._recover()
                self._load()

    def sounds(self) -> list[TaughtSound]:
        """All of them, the oldest first."""
        with self._lock:
            return sorted(self._sounds.values(), key=lambda sound: (sound.created_at, sound.id))

    def get(self, sound_id: str) -> TaughtSound:
        """One of them.

        Raises:
            EngineError: There is none with that id.
        """
        with self._lock:
            if sound_id not in self._sounds:
                raise EngineError(f"There is no taught sound {sound_id!r} any more")
            return self._sounds[sound_id]

    def examples(self, sound_id: str) -> list[Samples]:
        """The recordings that a sound was taught with, float32 [T] each.

        Raises:
            EngineError: They are damaged or gone.
        """
        with self._lock, self._faults("read"):
            return [
                taught_file.decode((self._place(sound_id) / name).read_bytes(), name)
                for name in self._example_names(sound_id)
            ]

    def save(self, sound: TaughtSound, examples: Sequence[Samples]) -> None:
        """Keep a new sound, or put one that was taught again in its place.

        Raises:
            EngineError: The name is taken, there are too many, or the disk refuses.
        """
        with self._lock, self._faults("written"), locked(self._folder):
            self._check_name(sound.id, sound.name)
            if sound.id not in self._sounds and len(self._sounds) >= MAX_SOUNDS:
                raise EngineError(
                    f"There are {MAX_SOUNDS} taught sounds already: delete one that is not needed"
                )
            self._write(sound, taught_file.pack(sound, examples))

    def renew(self, again: TaughtSound) -> TaughtSound:
        """Put a sound that was fitted again in its place; its examples stay what they are.

        Fitting takes a while: what the user changed meanwhile holds.

        Returns:
            The sound as it is kept.

        Raises:
            EngineError: It was deleted meanwhile, or the disk refuses.
        """
        with self._lock, self._faults("written"), locked(self._folder):
            now = self.get(again.id)
            again = replace(
                again,
                name=now.name,
                severity=now.severity,
                advice=now.advice,
                enabled=now.enabled,
            )
            place = self._place(again.id)
            kept = {name: (place / name).read_bytes() for name in self._example_names(again.id)}
            self._write(again, {**taught_file.pack(again, ()), **kept})
            return again

    def rename(self, sound_id: str, name: str) -> None:
        """Give a sound another name.

        Raises:
            EngineError: The name is empty, too long or taken, or the disk refuses.
        """
        self._change(replace(self.get(sound_id), name=name.strip()))

    def tell(self, sound_id: str, severity: str, advice: str) -> None:
        """Change how a sound is told: "emergency", "warning" or "notice", and what to do."""
        self._change(replace(self.get(sound_id), severity=severity, advice=advice.strip()))

    def enable(self, sound_id: str, enabled: bool) -> None:
        """Listen for a sound, or no longer."""
        self._change(replace(self.get(sound_id), enabled=enabled))

    def delete(self, sound_id: str) -> None:
        """Forget a sound and its examples."""
        with self._lock, self._faults("deleted"), locked(self._folder):
            place = self._place(sound_id)
            aside = place.with_name(f"{_OLD}{secrets.token_hex(4)}")
            place.rename(aside)
            del self._sounds[sound_id]
            shutil.rmtree(aside)

    def export(self, sound_id: str, path: Path) -> Path:
        """Write one archive with everything of a sound.

        Args:
            sound_id: Which.
            path: Where; ".everlisten-sound" is appended if it is missing.

        Returns:
            The file that was written.

        Raises:
            EngineError: The disk refuses.
        """
        if path.suffix != SUFFIX:
            path = path.with_name(path.name + SUFFIX)
        names = (DESCRIPTION, WEIGHTS, *self._example_names(sound_id))
        with self._lock, self._faults("exported", path):
            files = {name: (self._place(sound_id) / name).read_bytes() for name in names}
            replace_file(path, zipped(files))
        return path

    def import_file(self, path: Path) -> TaughtSound:
        """Take in a sound that somebody exported; it stays off until it is switched on.

        Of another sound model it is listed as stale and to be fitted again from its examples.

        Raises:
            EngineError: One sentence: why the file is refused.
        """
        with self._faults("read", path):
            files = unzipped(path)
        try:
            sound = taught_file.read_sound(files[DESCRIPTION], files[WEIGHTS])
            examples = [
                taught_file.decode(files[name], name)
                for name in sorted(files.keys() - {DESCRIPTION, WEIGHTS}, key=taught_file.number_of)
            ]
        except EngineError as error:
            raise EngineError(f"{path.name} is refused: {error}") from error
        with self._lock:
            known = sound.id in self._sounds
            sound = replace(
                sound,
                id=new_id() if known else sound.id,
                name=self._free_name(sound.name),
                enabled=False,
                examples=len(examples),
            )
            self.save(sound, examples)
        return sound

    def _change(self, sound: TaughtSound) -> None:
        with self._lock, self._faults("written"), locked(self._folder):
            self.get(sound.id)
            self._check_name(sound.id, sound.name)
            replace_file(self._place(sound.id) / DESCRIPTION, taught_file.describe(sound))
            self._sounds[sound.id] = sound

    def _write(self, sound: TaughtSound, files: Mapping[str, bytes]) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._folder / f"{_NEW}{sound.id}"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        try:
            for name, data in files.items():
                write_file(fresh / name, data)
            place, aside = self._folder / sound.id, self._folder / f"{_OLD}{sound.id}"
            if place.exists():
                place.rename(aside)
            fresh.rename(place)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        shutil.rmtree(aside, ignore_errors=True)
        self._sounds[sound.id] = sound

    def _recover(self) -> None:
        """After a crash: what was set aside comes back unless its successor is in place."""
        for aside in self._folder.glob(f"{_OLD}taught-*"):
            place = self._folder / aside.name.removeprefix(_OLD)
            if not place.exists():
                aside.rename(place)
        for pattern in (f"{_NEW}*", f"{_OLD}*"):
            for left in self._folder.glob(pattern):
                shutil.rmtree(left, ignore_errors=True)

    def _load(self) -> None:
        for place in sorted(self._folder.glob("taught-*")):
            try:
                sound = taught_file.read_sound(
                    _bounded(place / DESCRIPTION, "yaml"), _bounded(place / WEIGHTS, "npz")
                )
                if sound.id != place.name:
                    raise EngineError(f"{DESCRIPTION} bears the id {sound.id}")
            except (EngineError, OSError) as error:
                logger.warning("taught sound %s: %s", place.name, error)
                self.problems.append(f"The taught sound in {place} cannot be used: {error}")
            else:
                self._sounds[sound.id] = sound

    def _place(self, sound_id: str) -> Path:
        return self._folder / self.get(sound_id).id

    def _example_names(self, sound_id: str) -> list[str]:
        found = (path.name for path in self._place(sound_id).glob("example-*.flac"))
        return sorted(
            (name for name in found if taught_file.EXAMPLE.fullmatch(name)),
            key=taught_file.number_of,
        )

    def _check_name(self, sound_id: str, name: str) -> None:
        taken = {s.name.casefold() for s in self._sounds.values() if s.id != sound_id}
        if name.casefold() in taken:
            raise EngineError(f"There is a taught sound named {name!r}: give another name")

    def _free_name(self, name: str) -> str:
        taken = {sound.name.casefold() for sound in self._sounds.values()}
        free, number = name, 2
        while free.casefold() in taken:
            ending = f" ({number})"
            free, number = name[: MAX_NAME - len(ending)] + ending, number + 1
        return free

    @contextlib.contextmanager
    def _faults(self, done: str, path: Path | None = None) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            raise EngineError(f"{path or self._folder} could not be {done}: {reason}") from error


def _bounded(path: Path, kind: str) -> bytes:
    if path.stat().st_size > taught_file.MAX_BYTES[kind]:
        raise EngineError(f"{path.name} is too large")
    return path.read_bytes()
