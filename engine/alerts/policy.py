"""When a sign of danger becomes an alert: one event, one alert, and a pause before the next.

A sound must be heard in several of its last chunks, or very clearly in fewer. It then goes on while
it is heard at half the probability, and until it has been quiet for `merge_s`: the alert is told
again with the same id and a later end. Once the event is over, the same kind is quiet until
`cooldown_s` after its end. Who wins where several sounds are heard is `contest`'s business, how an
event begins, grows and ends `lifecycle`'s; here is what is asked of each sound, and what the user
does about it.

Held back is what the user switched off or snoozed, and in quiet hours all but emergencies; if it
still goes on when that ends, it is told then. An emergency that nobody acknowledges is repeated,
louder each time, three times.

The policy itself holds no session: several threads may use one, each with a state of its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

from everlisten.engine.alerts.catalogue import AlertEntry, shipped_alerts
from everlisten.engine.alerts.contest import Contest
from everlisten.engine.alerts.evidence import (
    DEFAULT_THRESHOLD,
    RHYTHM_MATTERS,
    SLACK_S,
    HeardChunk,
    Track,
    bar,
    demanded,
    logit,
)
from everlisten.engine.alerts.lifecycle import Lifecycle
from everlisten.engine.alerts.settings import AlertSettings
from everlisten.engine.alerts.snoozes import Snoozes, local_now
from everlisten.engine.alerts.state import AlertState
from everlisten.engine.alerts.telling import Teller
from everlisten.engine.events import AlertAcknowledged, SoundAlert
from everlisten.engine.sounds.vocabulary import shipped_sounds


class AlertPolicy:
    """Decides for each sign whether the user is told.

    Args:
        entries: Another catalogue than the shipped one.
        settings: What the user chose; may be replaced at any time.
        now: The wall clock, for quiet hours and snoozes.
        snoozes: Shared with others who hold back by the same choice.
    """

    def __init__(
        self,
        entries: Mapping[str, AlertEntry] | None = None,
        settings: AlertSettings | None = None,
        now: Callable[[], datetime] = local_now,
        snoozes: Snoozes | None = None,
    ) -> None:
        self._shipped = shipped_alerts() if entries is None else entries
        self._entries = self._shipped
        self._others = {k: v for k, v in shipped_sounds().items() if k not in self._shipped}
        self._now = now
        self.snoozes = Snoozes() if snoozes is None else snoozes
        self._teller = Teller(settings or AlertSettings(), now, self.snoozes)

    @property
    def settings(self) -> AlertSettings:
        """What the user chose."""
        return self._teller.settings

    @settings.setter
    def settings(self, settings: AlertSettings) -> None:
        self._teller.settings = settings

    @property
    def entries(self) -> Mapping[str, AlertEntry]:
        """Every kind of alert by id, taught ones last."""
        return self._entries

    def set_taught(self, entries: Iterable[AlertEntry]) -> None:
        """Replace the kinds that the user taught."""
        taught = {entry.id: entry for entry in entries}
        self._entries = MappingProxyType({**self._shipped, **taught})

    def for_test(self, sound: str) -> AlertPolicy:
        """The same policy for a test: nothing is held back, and `sound` is switched on."""
        settings = dataclasses.replace(
            self.settings,
            enabled=True,
            quiet_from="",
            quiet_to="",
            switched_off=self.settings.switched_off - {sound},
        )
        return AlertPolicy(self._entries, settings, self._now)

    def new_state(self, session: str, *, test: bool = False) -> AlertState:
        """Nothing heard, nothing told."""
        return AlertState(session, test)

    def reset(self, state: AlertState) -> None:
        """Make `state` equal to a fresh one."""
        state.tracks.clear()
        state.events.clear()
        state.waiting.clear()
        state.told = 0

    def heard(self, state: AlertState, chunk: HeardChunk) -> list[SoundAlert]:
        """Take in one chunk.

        Args:
            state: Of the session; updated in place.
            chunk: What was heard; chunks come in the order of time.

        Returns:
            New alerts, present ones with a later end, and those that are repeated or over.
        """
        contest = self._contest(state, chunk)
        for sound, entry in self._entries.items():
            if sound in contest.bars:
                self._hear(state, chunk, sound, entry.window)
        for sound, words_of in self._others.items():
            if words_of.group and sound in chunk.probabilities:
                self._hear(state, chunk, sound, 4)
        return Lifecycle(contest, self._teller).step()

    def rhythm_matters(
        self,
        state: AlertState,
        probabilities: Mapping[str, float],
        thresholds: Mapping[str, float],
    ) -> bool:
        """Whether the rhythm of the last seconds can decide anything in the chunk to come."""
        for sound, entry in self._entries.items():
            if entry.pattern and sound in probabilities:
                track = state.tracks.get(sound)
                surest = max(probabilities[sound], track.surest if track is not None else 0.0)
                if logit(surest) >= self._bar(entry, thresholds) - RHYTHM_MATTERS:
                    return True
        return False

    def groups_on(self, state: AlertState) -> set[str]:
        """Groups of the sounds that the user is being warned about."""
        return {
            self._entries[sound].group
            for sound, event in state.events.items()
            if event.told_s is not None and not event.over and sound in self._entries
        }

    def sounding(self, state: AlertState, end_s: float) -> dict[str, str]:
        """Sounds that were heard in the chunk that ended at `end_s`, with the ids of their
        alerts; held back ones too."""
        return {
            sound: event.id
            for sound, event in state.events.items()
            if not event.over and abs(event.end_s - end_s) < SLACK_S
        }

    def flush(self, state: AlertState, emitted_s: float) -> list[SoundAlert]:
        """The sound has ended: everything is over."""
        told = []
        for sound, event in state.events.items():
            if not event.over:
                told += self._teller.end(self._entries.get(sound), event, state, emitted_s)
        return told

    def acknowledge(
        self, state: AlertState, alert_id: str, emitted_s: float, how: str = "user"
    ) -> AlertAcknowledged:
        """The user dealt with an alert; it is not repeated any more."""
        found = state.event_of(alert_id)
        if found is not None:
            found[1].acknowledged = True
        return AlertAcknowledged(
            id=alert_id,
            session=state.session,
            source=found[1].source if found is not None else None,
            start_s=emitted_s,
            end_s=emitted_s,
            emitted_s=emitted_s,
            how=how,
        )

    def snooze(
        self, state: AlertState, sound: str | None, minutes: float, emitted_s: float
    ) -> list[AlertAcknowledged]:
        """Hold back one sound, or all but emergencies (None); 0 minutes ends it.

        Returns:
            What is acknowledged by that.
        """
        entry = self._entries.get(sound) if sound is not None else None
        emergency = entry is not None and entry.emergency
        self.snoozes.set(sound, minutes, self._now(), emergency=emergency)
        if minutes <= 0:
            return []
        meant = [
            event
            for kind, event in state.events.items()
            if event.told_s is not None
            and not event.acknowledged
            and (kind == sound if sound is not None else not self._is_emergency(kind))
        ]
        return [self.acknowledge(state, event.id, emitted_s, "snooze") for event in meant]

    def _contest(self, state: AlertState, chunk: HeardChunk) -> Contest:
        bars: dict[str, float] = {}
        staying: dict[str, float] = {}
        needed: dict[str, int] = {}
        for sound, entry in self._entries.items():
            if sound in chunk.probabilities:
                further, needed[sound] = demanded(entry, chunk.rhythm)
                usual = self._bar(entry, chunk.thresholds)
                bars[sound] = usual + further
                # A rhythm helps an event to go on; that there is none does not end it.
                staying[sound] = min(bars[sound], usual)
        return Contest(self._entries, self._others, bars, staying, needed, state, chunk)

    def _bar(self, entry: AlertEntry, thresholds: Mapping[str, float]) -> float:
        sensitivity = self.settings.sensitivity.get(entry.id, entry.sensitivity)
        return bar(thresholds.get(entry.id, DEFAULT_THRESHOLD), sensitivity)

    def _hear(self, state: AlertState, chunk: HeardChunk, sound: str, window: int) -> None:
        track = state.tracks.get(sound)
        if track is None or track.window != window:
            track = state.tracks[sound] = Track(window)
        track.hear(sound, chunk)

    def _is_emergency(self, sound: str) -> bool:
        entry = self._entries.get(sound)
        return entry is not None and entry.emergency
