"""Keeps sounds judged while a session listens: one sound thread, begun again when it has failed.

It never waits for the engine and the engine never waits for it. While no sound thread runs, the
watch says that alerts do not work, and what is heard meanwhile is let go of: a warning that comes
minutes late is none.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from everlisten.app.session_plan import WatchPost
from everlisten.audio_io.chunk import Samples, SourceName
from everlisten.engine.alerts.settings import AlertSettings
from everlisten.engine.errors import EngineError
from everlisten.engine.events import AlertHealth
from everlisten.engine.runner import EventSink
from everlisten.engine.sounds.thread import (
    Acknowledge,
    Command,
    Mute,
    NotThis,
    Play,
    SetAlertSettings,
    Snooze,
    SoundThread,
)

logger = logging.getLogger(__name__)

RESTART_FIRST_S = 1.0
RESTART_LAST_S = 30.0
"""The pause before another try doubles from the first to the last."""
WELL_AFTER_S = 120.0
"""A thread that ran for so long is well: the next failure is a new one."""
REPEAT_S = 30.0
"""How often a problem that lasts is told again."""
END_TIMEOUT_S = 5.0
"""How long the end of a session waits for what is still to be judged."""
NOT_WORKING = "Alerts are not working: {reason}"
FAILED = "listening for sounds failed again and again; the log says more."


Employ = Callable[[WatchPost], SoundThread]
"""Makes a sound thread that was not started; raises `EngineError` where alerts cannot work."""


class SoundWatch:
    """The sound thread of one session.

    Args:
        post: Where it listens.
        employ: Makes a sound thread.
        tell: Takes `AlertHealth` events; must not block.
        wanted: Whether the user wants alerts or narration at all.
        settings: The user's switches as they are now.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        post: WatchPost,
        employ: Employ,
        tell: EventSink,
        *,
        wanted: Callable[[], bool] = lambda: True,
        settings: Callable[[], AlertSettings] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._post = post
        self._employ = employ
        self._tell = tell
        self._wanted = wanted
        self._settings = settings
        self._clock = clock
        self._posted_s = clock()
        self._thread: SoundThread | None = None
        self._former: SoundThread | None = None
        """The last one that ended; has its clips still."""
        self._pause_s = RESTART_FIRST_S
        self._try_at_s = 0.0
        self._begun_s = 0.0
        self._problem = ""
        self._told_s = 0.0
        self._ended = False
        # The window's settings and the control thread both begin and end it.
        self._lock = threading.RLock()

    @property
    def hearing(self) -> SoundThread | None:
        """The sound thread while it runs."""
        thread = self._thread
        return thread if thread is not None and thread.alive else None

    @property
    def finished(self) -> bool:
        """The feed has ended and everything in the ring was judged, or nobody judges it."""
        return self.hearing is None and self._post.ring.finished

    def start(self) -> None:
        """Begin."""
        self.look_after()

    def reconfigure(self) -> None:
        """The settings of alerts were changed."""
        with self._lock:
            self._pause_s, self._try_at_s = RESTART_FIRST_S, 0.0
            if not self._wanted():
                self._dismiss()
                self._problem = ""
            elif self._thread is not None and self._settings is not None:
                self._thread.send(SetAlertSettings(self._settings()))

    def send(self, command: Command) -> None:
        """Queue a command to the sound thread, if it runs."""
        thread = self.hearing
        if thread is not None:
            thread.send(command)

    def mute(self, until_s: float) -> None:
        """Everlisten itself is heard until then (`time.monotonic()`); a file does not hear it."""
        if SourceName.FILE not in self._post.ring.sources:
            self.send(Mute(until_s))

    def play(self, samples: Samples, sound: str) -> None:
        """Test a sound with an example, float32 [T] at 16 kHz."""
        self.send(Play(samples, sound))

    def acknowledge(self, alert_id: str) -> bool:
        """The user knows of an alert of this session; False if nobody says so to the timeline."""
        thread = self.hearing
        if thread is None or thread.clip(alert_id) is None:
            return False
        thread.send(Acknowledge(alert_id))
        return True

    def snooze(self, sound: str | None, minutes: float) -> None:
        """Hold back one sound, or all but emergencies (None)."""
        self.send(Snooze(sound, minutes))

    def not_this(self, alert_id: str) -> None:
        """An alert was about something else."""
        self.send(NotThis(alert_id))

    def clip(self, alert_id: str) -> Samples | None:
        """The sound of an alert while it is in memory."""
        thread = self._thread or self._former
        return thread.clip(alert_id) if thread is not None else None

    def look_after(self) -> None:
        """Begin again what has failed; call several times a second."""
        with self._lock:
            if self._ended or self.hearing is not None:
                return
            thread, self._thread = self._thread, None
            self._former = thread or self._former
            if self._post.ring.finished:
                return
            now_s = self._clock()
            if thread is not None:
                self._failed(now_s)
            if self._wanted() and now_s >= self._try_at_s:
                self._begin(now_s)
            if self._thread is None:
                self._let_go(now_s)

    def stop(self) -> None:
        """End; the feed has ended, so the thread ends by itself once the ring is empty."""
        with self._lock:
            self._ended = True
            thread = self._thread
            if thread is not None and thread.alive and not thread.join(END_TIMEOUT_S):
                logger.warning("the sounds of the session's last seconds were not judged")
            self._dismiss()

    def _begin(self, now_s: float) -> None:
        try:
            thread = self._employ(self._post)
        except EngineError as error:
            self._report(NOT_WORKING.format(reason=error), now_s)
            self._put_off(now_s)
            return
        except Exception as error:
            logger.exception("the sound thread could not be made")
            self._report(NOT_WORKING.format(reason=f"{error!r}. The log says more."), now_s)
            self._put_off(now_s)
            return
        self._problem = ""
        self._begun_s = now_s
        self._thread = thread
        self._post.ring.listening = True
        thread.start()

    def _failed(self, now_s: float) -> None:
        if now_s - self._begun_s > WELL_AFTER_S:
            self._pause_s = RESTART_FIRST_S
        # The thread itself has told why.
        self._problem = NOT_WORKING.format(reason=FAILED)
        self._told_s = now_s
        self._put_off(now_s)

    def _put_off(self, now_s: float) -> None:
        logger.warning("the sound thread is tried again in %.0f s", self._pause_s)
        self._try_at_s = now_s + self._pause_s
        self._pause_s = min(2 * self._pause_s, RESTART_LAST_S)

    def _let_go(self, now_s: float) -> None:
        ring = self._post.ring
        ring.listening = False
        while ring.pop() is not None:
            pass
        if self._problem and now_s - self._told_s >= REPEAT_S:
            self._report(self._problem, now_s)

    def _report(self, problem: str, now_s: float) -> None:
        self._problem = problem
        self._told_s = now_s
        session = self._post.session
        self._tell(
            AlertHealth(
                id=f"{session}-alert-health",
                session=session,
                # Nobody counts chunks now; the session's age stands for its stream time.
                emitted_s=now_s - self._posted_s,
                working=False,
                problem=problem,
            )
        )

    def _dismiss(self) -> None:
        thread, self._thread = self._thread, None
        self._former = thread or self._former
        if thread is not None:
            thread.stop()
