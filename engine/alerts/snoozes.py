"""What the user does not want to be told for a while; outlives a session."""

from __future__ import annotations

from datetime import datetime, timedelta

from everlisten.engine.alerts.catalogue import AlertEntry

LONGEST_EMERGENCY_MINUTES = 60.0
"""Nobody sleeps through a fire because of a switch that was forgotten."""
LONGEST_MINUTES = 24 * 60.0


def local_now() -> datetime:
    """The wall clock's time with zone."""
    return datetime.now().astimezone()


class Snoozes:
    """Until when each sound, or all of them, is held back.

    A snooze of everything holds back warnings and notices only. An emergency is snoozed by its
    name alone, for an hour at most. Every call may come from any thread.
    """

    def __init__(self) -> None:
        self._until: dict[str | None, datetime] = {}

    def set(
        self, sound: str | None, minutes: float, now: datetime, *, emergency: bool = False
    ) -> datetime:
        """Hold back one sound, or all (None); 0 minutes or fewer ends it.

        Args:
            sound: Id in the catalogue, or None.
            minutes: A day at most, an hour for an emergency.
            now: The wall clock's time.
            emergency: Whether the sound is one.

        Returns:
            Until when.
        """
        most = LONGEST_EMERGENCY_MINUTES if emergency else LONGEST_MINUTES
        minutes = min(max(minutes, 0.0), most)
        until = now + timedelta(minutes=minutes)
        if minutes > 0:
            self._until[sound] = until
        else:
            self._until.pop(sound, None)
        return until

    def holds(self, entry: AlertEntry, now: datetime) -> bool:
        """Whether alerts of this kind are held back."""
        named, everything = self._until.get(entry.id), self._until.get(None)
        if named is not None and now < named:
            return True
        return everything is not None and now < everything and not entry.emergency

    def active(self, now: datetime) -> dict[str | None, datetime]:
        """What is held back until when, by id; None stands for everything."""
        return {sound: until for sound, until in dict(self._until).items() if now < until}
