"""`everlisten devices`: what can be listened to."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict

from everlisten.app.exit_codes import DEVICE_TROUBLE, GOOD
from everlisten.audio_io.devices import list_devices
from everlisten.audio_io.native import DeviceInfo


def run(args: argparse.Namespace) -> int:
    """Print every device; exit code 4 if there is none at all."""
    found = list_devices()
    if args.json:
        print(json.dumps(asdict(found), ensure_ascii=False, indent=2))
    else:
        _print_group("Microphones", found.microphones, found.microphone_hint)
        _print_group("Computer sound", found.systems, found.system_hint)
    return GOOD if found.microphones or found.systems else DEVICE_TROUBLE


def _print_group(title: str, devices: Sequence[DeviceInfo], hint: str) -> None:
    print(f"{title}:")
    for device in devices:
        mark = "*" if device.is_default else " "
        facts = f"{device.rate_hz} Hz, {device.channels} ch" if device.rate_hz else ""
        print(f"  {mark} {device.name}  {facts}\n      {device.id}")
        if device.hint:
            print(f"      {device.hint}")
    if hint:
        print(f"    {hint}")
