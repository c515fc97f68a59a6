"""Before PyTorch is imported: its compiler starts no worker processes that outlive a test."""

from __future__ import annotations

import os

os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
