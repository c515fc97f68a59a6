"""Memory that is free again goes back to the system."""

from __future__ import annotations

import ctypes
import logging
import sys

logger = logging.getLogger(__name__)


def give_back_memory() -> None:
    """After loading a model: glibc keeps what the loading took, tens of megabytes, for later."""
    if not sys.platform.startswith("linux"):
        return
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    except (OSError, AttributeError) as error:
        logger.debug("memory stays with the process: %s", error)
