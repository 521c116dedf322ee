"""Verifying: every clip of a protocol read from its files, what is wrong with them, and a manifest of what they are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from vgbench.config import DEFAULT_PROTOCOL, DEFAULT_WORKERS
from vgbench.data.inspection.findings import findings, keep_findings
from vgbench.data.inspection.prepare import ROLES
from vgbench.data.inspection.survey import Survey, survey
from vgbench.data.protocol_data import ProtocolData
from vgbench.errors import DataError
from vgbench.files import cache_folder, write_text
from vgbench.plugins.observers import Observer
from vgbench.plugins.telling import Telling
from vgbench.protocol import Protocol, as_protocol


class Verified(NamedTuple):
    """What a protocol's data are."""

    surveys: dict[str, Survey]
    """Role → its survey."""
    findings: list[str]
    manifest: dict[str, Any]


def verify(
    *,
    protocol: Protocol | str | Path = DEFAULT_PROTOCOL,
    data: Mapping[str, Path] | None = None,
    roles: Sequence[str] = ROLES,
    workers: int = DEFAULT_WORKERS,
    from_files: bool = True,
    observer: Observer | None = None,
) -> Verified:
    """Read everything that a protocol cuts from its data; what is found is quoted in evaluations under it, if all its roles are looked at.

    from_files: False reads packed splits where there are some; True reads every file, its fingerprint included, and compares what is
    packed.  DataError: a split is not there.
    """
    opened = ProtocolData(as_protocol(protocol), data or {})
    if from_files:
        for role in roles:
            if getattr(opened.protocol, role) is not None:
                opened.computed_fingerprint(getattr(opened.protocol, role).split)
    surveys = {
        role: survey(opened, role, from_files=from_files, workers=workers, observer=observer or Telling())
        for role in roles
        if getattr(opened.protocol, role) is not None
    }
    found = findings(opened, surveys)
    if set(roles) == set(ROLES) and not keep_findings(opened, found):
        (observer or Telling()).note(f"{cache_folder()} cannot be written, so that evaluations will not quote what was found.")
    return Verified(surveys, found, _manifest(opened, surveys))


def write_manifest(path: Path, manifest: Mapping[str, Any]) -> None:
    """Write a manifest, whole or not at all.

    DataError: its folder is not there.
    """
    if not path.parent.is_dir():
        raise DataError(f"{path} cannot be written: there is no folder {path.parent}.")
    write_text(path, json.dumps(manifest, indent=1) + "\n")


def _manifest(data: ProtocolData, surveys: Mapping[str, Survey]) -> dict[str, Any]:
    return {
        "protocol": {"id": data.protocol_id, "name": data.protocol.name, **data.protocol.compared()},
        "splits": {
            role: {
                "split": one.split,
                "fingerprint": data.split_fingerprint(one.split),
                "n_videos": one.n_videos,
                "n_expected": one.n_expected,
                "n_used": len(one.clips),
                "damaged": one.damaged,
                "short": one.short,
                "defects": dict(one.defects),
                "clips": {clip.clip_id: clip.sha256 for clip in one.clips},
            }
            for role, one in surveys.items()
        },
    }
