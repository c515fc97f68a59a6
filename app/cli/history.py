"""`everlisten history`: list, search and export sessions."""

from __future__ import annotations

import argparse
import sys

from everlisten.app.console import clock
from everlisten.app.exit_codes import GOOD
from everlisten.app.paths import AppPaths
from everlisten.engine.errors import TimelineError
from everlisten.engine.timeline.history import TimelineHistory
from everlisten.engine.timeline.store import TimelineStore


def run(args: argparse.Namespace, paths: AppPaths) -> int:
    """Do what was asked for; reads beside a running window."""
    with TimelineStore(paths.timeline) as store:
        history = TimelineHistory(store)
        if args.action == "list":
            _list(history)
        elif args.action == "search":
            _search(history, args.text)
        else:
            session = _newest(history) if args.session == "last" else args.session
            history.export(session, args.path)
            print(f"Session {session} is written to {args.path}.")
    return GOOD


def _list(history: TimelineHistory) -> None:
    sessions = history.sessions()
    if not sessions:
        print("There is no session yet.", file=sys.stderr)
    for info in sessions:
        count = "1 caption" if info.captions == 1 else f"{info.captions} captions"
        marks = " (recovered)" if info.recovered else "" if info.ended else " (listening now)"
        print(
            f"{info.id}  {info.started_at:%Y-%m-%d %H:%M}  {clock(info.length_s)}"
            f"  {count}  {info.title}{marks}"
        )


def _search(history: TimelineHistory, text: str) -> None:
    hits = history.search(text)
    if not hits:
        print(f"Nothing was found for '{text}'.", file=sys.stderr)
    for hit in hits:
        print(f"{hit.session.id}  [{clock(hit.start_s)}] {hit.text}")


def _newest(history: TimelineHistory) -> str:
    sessions = history.sessions()
    if not sessions:
        raise TimelineError("There is no session yet; 'everlisten listen' begins one.")
    return sessions[0].id
