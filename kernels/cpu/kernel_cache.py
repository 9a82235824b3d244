"""Machine code of the kernels on the disk: checked before it is loaded, repaired where it is damaged, never a failure.

Numba's own cache believes its files: a truncated or garbled one fails every later run, or runs as code that nobody
wrote. Here a file bears the SHA-256 of what is in it, and its name that of all it depends on: function, signature,
processor, versions and sources. So two processes that write at once write the same, and there is no index that they
could break. What cannot be read is compiled anew, what cannot be written is done without, with one warning each.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import pickle
import sys
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ...errors import CapmixError
from .. import environment

FORMAT = "capmix kernel 1"
SUFFIX = ".nbc"
LONGEST_HEADER = 1000
VARIABLE = "NUMBA_CACHE_DIR"

_said: set[str] = set()
_listeners: list[Callable[[], None]] = []


@contextlib.contextmanager
def when_compiling(tell: Callable[[], None]) -> Iterator[None]:
    """Inside, `tell` is called before a function is compiled that the disk does not hold."""
    _listeners.append(tell)
    try:
        yield
    finally:
        _listeners.remove(tell)


class Damaged(CapmixError):
    """A file holds something else than what was written there."""


def folders(source: str) -> tuple[Path, ...]:
    """Where the code of the functions of a source file may lie, the first choice first: where NUMBA_CACHE_DIR says,
    beside the source, in the user's cache.
    """
    core: Any = importlib.import_module("numba.core")
    caching: Any = importlib.import_module("numba.core.caching")
    kinds = [caching.InTreeCacheLocator, caching.UserWideCacheLocator]
    if core.config.CACHE_DIR:
        kinds.insert(0, caching.UserProvidedCacheLocator)
    # Numba asks for a function as well, of which only the line matters, and not for the folder
    return tuple(Path(kind(folders, source).get_cache_path()) for kind in kinds)


class KernelCache:
    """What Numba asks a dispatcher's cache for; `places`: folders to look in, and to write to the first that can be."""

    def __init__(self, function: Callable[..., Any], sources: object, places: tuple[Path, ...]) -> None:
        module = function.__module__.rpartition(".")[2]
        name = function.__qualname__.replace("<", "").replace(">", "")
        self._base = f"{module}.{name}.{sys.implementation.cache_tag}"
        self._code = hashlib.sha256(function.__code__.co_code).hexdigest()
        self._sources = sources
        self._places = places

    @property
    def cache_path(self) -> str:
        return str(self._places[0])

    def enable(self) -> None:
        """Numba's; it is always on."""

    def disable(self) -> None:
        """Numba's; it is always on."""

    def flush(self) -> None:
        """Forget what lies on the disk."""
        for place in self._places:
            for path in place.glob(f"{self._base}.*{SUFFIX}"):
                with contextlib.suppress(OSError):
                    path.unlink()

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """The function compiled for a signature, None where it is not to be had from the disk."""
        try:
            target_context.refresh()
            built = built_by(self._sources, target_context.codegen())
            name = self._name(signature, built)
        except Exception:  # another layout of Numba's parts
            return None
        for place in asked(self._places):
            path = place / name
            try:
                header, content = read(path)
                if header != _header(name, built, content):
                    raise Damaged("it holds another kernel")
                compiler: Any = importlib.import_module("numba.core.compiler")
                return compiler.CompileResult._rebuild(target_context, *pickle.loads(content))
            except (FileNotFoundError, NotADirectoryError):
                continue
            except Exception as error:
                _say("damaged", f"the compiled kernel {path} cannot be used ({_reason(error)}): it is compiled anew")
        for tell in _listeners:
            tell()
        return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep a compiled function, in the first folder that can be written."""
        try:
            if any(not lifted.can_cache for lifted in result.lifted) or result.library.has_dynamic_globals:
                return
            serialize: Any = importlib.import_module("numba.core.serialize")
            built = built_by(self._sources, result.codegen)
            content, name = serialize.dumps(result._reduce()), self._name(signature, built)
        except Exception as error:
            _say("full", f"compiled kernels cannot be kept ({_reason(error)}): {EVERY_PLAN}")
            return
        failed: list[tuple[Path, Exception]] = []
        for place in self._places:
            try:
                write(place / name, _header(name, built, content), content)
            except OSError as error:
                failed.append((place, error))
                continue
            _drop_old(place, self._base, built)
            break
        if failed and (len(failed) == len(self._places) or named_by_user(failed[0][0])):
            place, why = failed[0]
            kept = self._places[len(failed)] if len(failed) < len(self._places) else None
            what = EVERY_PLAN if kept is None else f"they are kept in {kept}"
            _say("full", f"compiled kernels cannot be kept in {place} ({_reason(why)}): {what}; {cure(place)}")

    def _name(self, signature: Any, built: Mapping[str, str]) -> str:
        whole = json.dumps([built, repr(signature), self._code])
        return f"{self._base}.{hashlib.sha256(whole.encode()).hexdigest()[:32]}{SUFFIX}"


@cache
def asked(places: tuple[Path, ...]) -> tuple[Path, ...]:
    """Where to look: a folder that the user names stands for itself, unless nothing can be kept there."""
    return places[:1] if named_by_user(places[0]) and not fault(places[0]) else places


EVERY_PLAN = "every plan compiles for half a minute"


def cure(place: Path) -> str:
    """What to do about a folder that cannot be written."""
    return f"set {VARIABLE} to {'another' if named_by_user(place) else 'a'} folder that can be written"


def named_by_user(place: Path) -> bool:
    """Whether the folder is the one that NUMBA_CACHE_DIR names."""
    chosen = os.environ.get(VARIABLE)
    return bool(chosen) and Path(str(chosen)) in (place, *place.parents)


def built_by(sources: object, codegen: Any) -> dict[str, str]:
    """What made machine code, for which processor, and whether plainly; with another of either it is not used."""
    import llvmlite
    import numba

    return {
        "made": hashlib.sha256(repr((numba.__version__, llvmlite.__version__, sources)).encode()).hexdigest(),
        "processor": hashlib.sha256(repr((codegen.magic_tuple(), environment.plain_kernels())).encode()).hexdigest(),
    }


def _header(name: str, built: Mapping[str, str], content: bytes) -> dict[str, str]:
    return {"format": FORMAT, "name": name, **built, "sha256": hashlib.sha256(content).hexdigest()}


def read(path: Path) -> tuple[dict[str, str], bytes]:
    """Header and content of a file. Damaged where they do not belong together; OSError."""
    first, _, content = path.read_bytes().partition(b"\n")
    try:
        header = json.loads(first[:LONGEST_HEADER])
    except (ValueError, RecursionError):
        raise Damaged("its first line is not readable") from None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise Damaged("it is no file of this kind")
    if header.get("sha256") != hashlib.sha256(content).hexdigest():
        raise Damaged("its content is not what was written")
    return header, content


def write(path: Path, header: Mapping[str, str], content: bytes) -> None:
    """Write the file in one step; nothing is left where that fails. OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        with open(beside, "xb") as file:
            file.write(json.dumps(header).encode() + b"\n" + content)
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


def _drop_old(place: Path, base: str, built: Mapping[str, str]) -> None:
    """Delete what other versions of the sources or of Numba have made for this processor; nobody reads it again."""
    for path in place.glob(f"{base}.*{SUFFIX}"):
        with contextlib.suppress(OSError, Damaged):
            header, _ = read(path)
            if header.get("processor") == built["processor"] and header.get("made") != built["made"]:
                path.unlink()


@dataclass(frozen=True)
class Kept:
    """What a run would find: `usable` kernels in `place`, `damaged` files; `fault`: why nothing can be written there,
    "" where it can.
    """

    place: Path
    usable: int
    damaged: tuple[Path, ...]
    fault: str


def kept(sources: object, source: str) -> list[Kept]:
    """The state of each folder where kernels may lie, in the order in which they are asked."""
    registry: Any = importlib.import_module("numba.core.registry")
    built = built_by(sources, registry.cpu_target.target_context.codegen())
    return [_state(place, built) for place in asked(folders(source))]


def _state(place: Path, built: Mapping[str, str]) -> Kept:
    usable, damaged = set(), []
    for path in _files(place):
        try:
            header, _ = read(path)
        except (OSError, Damaged):
            damaged.append(path)
            continue
        if header.get("name") != path.name:
            damaged.append(path)
        elif all(header.get(key) == value for key, value in built.items()):
            usable.add(path.name.rsplit(".", 2)[0])
    return Kept(place, len(usable), tuple(damaged), fault(place))


def _files(place: Path) -> Iterator[Path]:
    """Files that look as if this cache had written them; Numba's own end in another way."""
    with contextlib.suppress(OSError):
        for path in sorted(place.glob(f"*{SUFFIX}")):
            digest = path.name.split(".")[-2]
            if len(digest) == 32 and set(digest) <= set("0123456789abcdef"):
                yield path


def fault(place: Path) -> str:
    """Why a folder cannot be written, "" where it can. Tries it, and leaves nothing behind."""
    missing = [folder for folder in (place, *place.parents) if not folder.exists()]
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"\0" * 4096)
            file.flush()
    except OSError as error:
        return _reason(error)
    finally:
        for folder in missing:
            with contextlib.suppress(OSError):
                folder.rmdir()
    return ""


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) if isinstance(error, Damaged) else f"{type(error).__name__}: {error}"


def _say(kind: str, words: str) -> None:
    """One warning of each kind in a process."""
    if kind not in _said:
        _said.add(kind)
        warnings.warn(words, RuntimeWarning, stacklevel=2)
