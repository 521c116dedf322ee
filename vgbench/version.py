"""The version of this distribution, and of the interfaces that plugins are written for."""

from __future__ import annotations

__version__ = "0.1.0"

VGBENCH_API = 1
"""The version of the hooks and interfaces; a plugin module may state the one it was written for under the same name."""
