"""When a sign of danger becomes an alert: one event, one alert, and a pause before the next.

A sign is taken to continue the event before it if it comes within `merge_s` of its end: the alert
is told again with the same id and a later end. Once the event is over, the same kind is quiet until
`cooldown_s` after its end. Nothing here judges the words of a reply; there are no lists of phrases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.alerts.catalogue import URGENT_REPLY, AlertEntry, shipped_alerts
from everlisten.engine.events import SoundAlert


@dataclass(slots=True)
class OpenAlert:
    """The last event of one kind."""

    id: str
    source: SourceName | None
    start_s: float
    end_s: float
    confidence: float


@dataclass(slots=True)
class AlertState:
    """What has been told in a session."""

    session: str
    last: dict[str, OpenAlert] = field(default_factory=dict)
    """By id of the catalogue entry."""
    told: int = 0


class AlertPolicy:
    """Decides for each sign whether the user is told.

    Args:
        entries: Another catalogue than the shipped one.
    """

    def __init__(self, entries: Mapping[str, AlertEntry] | None = None) -> None:
        self._entries = shipped_alerts() if entries is None else entries

    def new_state(self, session: str) -> AlertState:
        """Nothing told yet."""
        return AlertState(session)

    def reset(self, state: AlertState) -> None:
        """Make `state` equal to a fresh one."""
        state.last.clear()
        state.told = 0

    def urgent_reply(
        self,
        state: AlertState,
        *,
        source: SourceName | None,
        start_s: float,
        end_s: float,
        confidence: float,
        emitted_s: float,
    ) -> SoundAlert | None:
        """The model begins a reply that it marks as urgent.

        Args:
            state: Of the session; updated in place.
            source: The loudest one over the time in question.
            start_s: Stream time where the sound begins that the reply is about.
            end_s: Stream time up to which the model had heard.
            confidence: Probability with which it decided to speak, 0..1.
            emitted_s: Stream time consumed by now.

        Returns:
            A new alert, the present one with a later end, or None while the kind is quiet.
        """
        entry = self._entries[URGENT_REPLY]
        last = state.last.get(entry.id)
        gap_s = start_s - last.end_s if last is not None else entry.cooldown_s
        if last is not None and gap_s <= entry.merge_s:
            last.end_s = max(last.end_s, end_s)
            last.confidence = max(last.confidence, confidence)
        elif gap_s < entry.cooldown_s:
            return None
        else:
            # The stream time keeps ids apart when the engine is restarted within a session.
            alert_id = f"{state.session}-{entry.id}-{round(end_s * 10)}"
            last = OpenAlert(alert_id, source, start_s, end_s, confidence)
            state.last[entry.id] = last
            state.told += 1
        return _alert(entry, last, state.session, emitted_s)


def _alert(entry: AlertEntry, alert: OpenAlert, session: str, emitted_s: float) -> SoundAlert:
    return SoundAlert(
        id=alert.id,
        session=session,
        source=alert.source,
        start_s=alert.start_s,
        end_s=alert.end_s,
        emitted_s=emitted_s,
        label=entry.label,
        severity=entry.severity,
        confidence=alert.confidence,
        advice=entry.advice,
    )
