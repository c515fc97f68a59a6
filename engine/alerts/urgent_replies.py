"""When an urgent reply of the big model becomes an alert.

Urgent is what the model marks so while it begins to reply. Nothing here judges the words of a
reply; there are no lists of phrases. Replies that follow within `merge_s` belong to the same event,
and then the kind is quiet until `cooldown_s` after its end. Held back is what the user switched off
or snoozed, and in quiet hours what is no emergency.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.alerts.catalogue import URGENT_REPLY, AlertEntry, shipped_alerts
from everlisten.engine.alerts.settings import AlertSettings
from everlisten.engine.alerts.snoozes import Snoozes, local_now
from everlisten.engine.alerts.state import AlertState, Event
from everlisten.engine.alerts.telling import Teller
from everlisten.engine.events import SoundAlert


class UrgentReplyPolicy:
    """Decides which urgent replies the user is told. Holds no session.

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
        self._entry = (shipped_alerts() if entries is None else entries)[URGENT_REPLY]
        snoozes = Snoozes() if snoozes is None else snoozes
        self._teller = Teller(settings or AlertSettings(), now, snoozes)

    @property
    def settings(self) -> AlertSettings:
        """What the user chose."""
        return self._teller.settings

    @settings.setter
    def settings(self, settings: AlertSettings) -> None:
        self._teller.settings = settings

    def new_state(self, session: str) -> AlertState:
        """Nothing told."""
        return AlertState(session)

    def reply_begun(
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
        entry = self._entry
        event = state.events.get(entry.id)
        gap_s = start_s - event.end_s if event is not None else entry.cooldown_s
        if event is not None and gap_s <= entry.merge_s:
            event.end_s = max(event.end_s, end_s)
            event.confidence = max(event.confidence, confidence)
        elif gap_s < entry.cooldown_s:
            return None
        else:
            # The stream time keeps ids apart when the engine is restarted within a session.
            event = Event(
                id=state.new_id(entry.id, end_s), source=source, start_s=start_s, end_s=end_s,
                confidence=confidence, told_s=emitted_s,
            )  # fmt: skip
            state.events[entry.id] = event
            state.told += 1
        if not self._teller.tellable(entry):
            return None
        return self._teller.alert(entry, event, state, emitted_s, ongoing=False)
