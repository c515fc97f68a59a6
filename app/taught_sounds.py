"""The sounds that the user taught: learned in the window's worker, kept, and listened for."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from everlisten.app.alert_kit import AlertKit
from everlisten.app.samples import from_window
from everlisten.app.taught_renewal import TaughtRenewal
from everlisten.audio_io.chunk import Samples
from everlisten.engine.errors import EngineError
from everlisten.engine.sounds.taught import Estimate as Measured
from everlisten.engine.sounds.taught import TaughtSound
from everlisten.ui import teaching_protocols as window
from everlisten.ui.alert_protocols import Severity
from everlisten.ui.teaching_protocols import Estimate, TaughtDraft, TaughtRow


class TaughtSounds:
    """Implements `ui.teaching_protocols.TaughtSounds`.

    Args:
        kit: Has the model, the background and the store.
        renewal: Knows what becomes of those that belong to another sound model.
        on_change: Called after every change of what is listened for.
    """

    def __init__(
        self, kit: AlertKit, renewal: TaughtRenewal, on_change: Callable[[], None]
    ) -> None:
        self._kit = kit
        self._renewal = renewal
        self._on_change = on_change
        self._drafts: dict[str, tuple[TaughtSound, Sequence[Samples]]] = {}

    def sounds(self) -> Sequence[TaughtSound]:
        """All of them, the oldest first."""
        return self._kit.taught_store().sounds()

    def knows(self, id: str) -> bool:
        """Whether there is one with this id."""
        return any(sound.id == id for sound in self.sounds())

    def rows(self) -> Sequence[TaughtRow]:
        """What the window lists."""
        return [
            TaughtRow(
                id=sound.id,
                name=sound.name,
                enabled=sound.enabled,
                examples=sound.examples,
                estimate=self._words(sound),
                severity=severity_of(sound.severity),
            )
            for sound in self.sounds()
        ]

    def _words(self, sound: TaughtSound) -> str:
        if self._kit.model_version not in ("", sound.version):
            return self._renewal.words(sound.id)
        return sound.estimate.sentence

    def example(self, id: str) -> Samples:
        """The first recording of one.

        Raises:
            EngineError: It is damaged or gone.
        """
        examples = self._kit.taught_store().examples(id)
        if not examples:
            raise EngineError("The examples of this sound are gone.")
        return examples[0]

    def teach(
        self,
        name: str,
        severity: Severity,
        examples: Sequence[window.Samples],
        progress: Callable[[float], None],
    ) -> TaughtDraft:
        """Learn a sound; takes up to a minute.

        Raises:
            EngineError: What is wrong with the examples, the name or the model.
        """
        # Only now: what teaches is not needed for listening.
        from everlisten.trainer.teaching.lesson import teach

        model = self._kit.fresh_model()
        recordings = [from_window(one) for one in examples]
        sound = teach(
            recordings,
            name,
            model,
            self._kit.background(),
            severity=severity,
            others=self.sounds(),
            progress=progress,
        )
        self._drafts[sound.id] = (sound, recordings)
        return TaughtDraft(
            id=sound.id, name=sound.name, severity=severity, estimate=_estimate(sound.estimate)
        )

    def save(self, draft: TaughtDraft, enabled: bool) -> None:
        """Keep what was learned.

        Raises:
            EngineError: The disk refuses, or the name was taken meanwhile.
        """
        if draft.id not in self._drafts:
            raise EngineError("What was learned is gone; teach the sound again.")
        sound, examples = self._drafts[draft.id]
        store = self._kit.taught_store()
        store.save(sound, examples)
        del self._drafts[draft.id]
        if enabled:
            store.enable(sound.id, True)
            self._on_change()

    def discard(self, draft: TaughtDraft) -> None:
        """Forget what was learned and not saved."""
        self._drafts.pop(draft.id, None)

    def rename(self, id: str, name: str) -> str:
        """Give one another name."""
        return self._try(lambda: self._kit.taught_store().rename(id, name))

    def enable(self, id: str, on: bool) -> str:
        """Listen for one, or no longer."""
        return self._try(lambda: self._kit.taught_store().enable(id, on))

    def delete(self, id: str) -> str:
        """Forget one and its examples."""
        return self._try(lambda: self._forget(id))

    def _forget(self, id: str) -> None:
        self._kit.taught_store().delete(id)
        self._kit.forget_counter_examples(id)

    def export(self, id: str, path: Path) -> str:
        """Write one as one file."""
        return self._try(lambda: self._kit.taught_store().export(id, path))

    def import_file(self, path: Path) -> str:
        """Take one over from a file; it stays off until it is switched on."""
        return self._try(lambda: self._import(path))

    def _import(self, path: Path) -> None:
        """What another sound model learned is learned again from its examples."""
        from everlisten.trainer.teaching.refit import import_sound

        kit = self._kit
        import_sound(kit.taught_store(), path, kit.fresh_model(), kit.background())

    def _try(self, change: Callable[[], object]) -> str:
        try:
            change()
        except EngineError as error:
            return str(error)
        self._on_change()
        return ""


def _estimate(measured: Measured) -> Estimate:
    rate = measured.false_alarms_per_hour
    return Estimate(
        found=measured.recognised,
        examples=measured.trials,
        false_alarms_per_hour=rate if math.isfinite(rate) else 0.0,
        background_s=measured.background_hours * 3_600,
        warnings=measured.warnings,
    )


def severity_of(value: str) -> Severity:
    """One of the three that the window knows; a notice where it is another word."""
    return value if value in ("emergency", "warning") else "notice"  # type: ignore[return-value]
