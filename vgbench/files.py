"""Files: written whole or not at all, appended line by line, locked by folder; and the cache, which may be deleted at any time."""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import stat
import struct
import tokenize
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from vgbench.errors import RunError, VgbenchError

RUNS_ADVICE = "Free some space, or give another folder with --runs."
OUT_ADVICE = "Check the folder, its permissions and free space, or name another file."

BROKEN_FILE = (
    *(OSError, EOFError, ValueError, TypeError, AttributeError, LookupError, SyntaxError, RuntimeError, MemoryError, OverflowError),
    *(pickle.UnpicklingError, struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)
"""What numpy, zipfile, pickle and torch raise for a file of arrays that is damaged, or made to mislead."""

_DOS_FOLDER = 0x10


def torch_archive_problem(path: Path) -> str:
    """Which part of an archive of `torch.save` is not what was written, as the end of a sentence; empty where all are, or it is none.

    torch itself does not compare the checksums in it, and gives what happens to be in memory for a part that is marked as a folder.
    """
    if not zipfile.is_zipfile(path):  # torch says what is wrong with it, or reads its older format
        return ""
    with zipfile.ZipFile(path) as archive:
        damaged, parts = archive.testzip(), archive.infolist()
    if damaged is not None:
        return f"{damaged} in it does not have the checksum it was written with"
    for part in parts:
        if part.is_dir() or part.external_attr & _DOS_FOLDER:
            return f"{part.filename} in it is marked as a folder"
        if part.compress_type != zipfile.ZIP_STORED:
            return f"{part.filename} in it is compressed, which torch.save does not do"
    return ""


_WITH_STRAY_BYTES = re.compile('[^"\n/]*[\ud800-\udfff][^"\n/]*')


def is_utf8(name: str | Path) -> bool:
    """Whether a file's name can be written to a file or shown: on some systems a name may be any bytes."""
    return str(name).isascii() or not _WITH_STRAY_BYTES.search(str(name))


def escaped(name: str | Path) -> str:
    """The name with `\\xe9` for each byte of it that is not UTF-8."""
    return os.fsencode(str(name)).decode("utf-8", "backslashreplace") if os.name == "posix" else ascii(str(name))


@contextmanager
def new_file(path: Path, *, flushed: bool = True) -> Iterator[Path]:
    """A path beside `path` to write to, renamed into its place when the block ends well, so that a reader never sees a half.

    flushed: whether the content is on the disk before it gets its name.  OSError: as the system says; nothing is left then.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        yield temporary
        if flushed:
            with open(temporary, "rb+") as file:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def writing(what: Path | str, *, error: type[VgbenchError] = RunError, advice: str = RUNS_ADVICE) -> Iterator[None]:
    """Turn the system's refusal to write, or a name that is not UTF-8, into an error that says what, why, and what to do."""
    try:
        yield
    except OSError as refusal:
        raise error(f"{what} cannot be written: {refusal.strerror or refusal}. {advice}") from refusal
    except UnicodeEncodeError as refusal:
        name = next(iter(_WITH_STRAY_BYTES.findall(refusal.object)), "")
        raise error(f"{what} cannot be written: the name {escaped(name)} in it is not UTF-8. Rename that file or folder.") from refusal


def write_text(path: Path, text: str, *, advice: str = RUNS_ADVICE) -> None:
    """Write a file, whole or not at all.  RunError: the disk is full or the folder cannot be written."""
    with writing(path, advice=advice), new_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def whole_lines(path: Path) -> Iterator[str]:
    """The lines of a file that is appended to, each with its end; a last one that a kill tore is passed over."""
    with open(path, "rb") as file:  # as bytes: the tear may be within a character
        for line in file:
            if line.endswith(b"\n"):
                yield line.decode("utf-8")


def cut_torn_line(path: Path) -> None:
    """Cut a last line that a kill left without its end."""
    if not path.exists():
        return
    with open(path, "r+b") as file:
        file.truncate(file.read().rfind(b"\n") + 1)
        file.flush()
        os.fsync(file.fileno())


def lock_folder(folder: Path) -> IO[bytes]:
    """A lock on the folder, held until the file that is returned is closed.

    BlockingIOError: another process holds it.  OSError: the folder cannot be written.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    lock = os.fdopen(os.open(folder / ".lock", flags, 0o644), "rb+", buffering=0)  # neither through a link nor emptied
    try:
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:  # a system without flock: there, two processes in one folder are the user's care
        pass
    except OSError:
        lock.close()
        raise
    return lock


def check_own_files(folder: Path) -> None:
    """Whether a folder that may come from a stranger holds nothing but folders and plain files.

    RunError: it holds a link, through which something outside would be read or written, or a pipe or device, which may never end.
    """
    for inside, folders, files in os.walk(folder):
        for name in (*folders, *files):
            mode = os.lstat(os.path.join(inside, name)).st_mode
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                kind = "a link" if stat.S_ISLNK(mode) else "neither a file nor a folder"
                raise RunError(f"{os.path.join(inside, name)} is {kind}; a run's folder holds plain files alone. Put a copy in its place.")


def cache_folder() -> Path:
    """$VGBENCH_CACHE, else vgbench in the user's cache folder."""
    own = os.environ.get("VGBENCH_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(own) if own else base / "vgbench"


def packs_folder() -> Path:
    """Where `vgbench data prepare` keeps packed splits."""
    return cache_folder() / "packed"


def size_text(n_bytes: int) -> str:
    """A number of bytes for people."""
    unit, exponent = next(((unit, n) for unit, n in (("GiB", 3), ("MiB", 2)) if n_bytes >= 1024**n), ("KiB", 1))
    return f"{n_bytes / 1024**exponent:.1f} {unit}"


def sha256_of(path: Path) -> str:
    """Of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_cached(path: Path, text: str) -> bool:
    """Write a small file of the cache, whole or not at all; False where that cannot be done, which costs only time later."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with new_file(path, flushed=False) as temporary:
            temporary.write_text(text, encoding="utf-8")
        return True
    return False
