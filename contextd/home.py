"""The composition root of one home: takes its lock, opens stores, bundle and keys, and hands out the plane."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from contextd.config import FILE, Settings, first_settings, load_settings
from contextd.model.errors import InvalidInput, NotFound, Refused, Unavailable
from contextd.model.names import checked_principal
from contextd.operations.evidence import catch_up
from contextd.operations.people import first_principal
from contextd.operations.plane import Caller, Plane
from contextd.policy.access import Permit
from contextd.policy.bundle import load_bundle, read_bundle
from contextd.store import tokens
from contextd.store.audit.errors import AuditDamaged
from contextd.store.audit.log import AuditLog
from contextd.store.audit.verification import AuditVerification, verify_log
from contextd.store.control.plane import Control
from contextd.store.keys import (
    create_fingerprint_key,
    create_signing_key,
    load_fingerprint_key,
    load_signing_key,
)
from contextd.store.shelf.shelf import Shelf

ORIGIN = "contextd.dev/audit"
STATE = ("control.db", "audit.db")
NOBODY = Caller("unknown", ())
"""Who holds a token that is nobody's."""

_POLL_SECONDS = 0.05


class HomeLocked(Unavailable):
    """Another process holds the home; nothing was changed."""

    default_reason = "HOME_LOCKED"


class HomeIncomplete(Unavailable):
    """A store of the home is gone. Beginning it anew in silence would look like a home in which nothing ever happened."""

    default_reason = "HOME_INCOMPLETE"


@dataclass(frozen=True, slots=True)
class World:
    """What only the outermost floor may read: clock, randomness and environment."""

    now: Callable[[], datetime]
    entropy: Callable[[int], bytes]
    environ: Mapping[str, str] = field(default_factory=dict)


class Home:
    """One home, opened and locked for this process. Use as a context manager.

    Raises (on entering):
        NotFound: there is no home at ``path``.
        HomeLocked: another process holds it for longer than ``patience``; says which.
        HomeIncomplete: the control plane or the audit log is gone.
        ConfigInvalid, BundleInvalid, KeysUnavailable, ControlUnavailable, AuditUnavailable: what keeps it from opening.
    """

    def __init__(self, path: Path, world: World, patience: timedelta = timedelta(seconds=30)) -> None:
        self.path = path
        self.world = world
        self._patience = patience
        self._lock = -1
        self._shelves: dict[str, Shelf] = {}

    def __enter__(self) -> Self:
        if not (self.path / FILE).exists():
            raise NotFound(
                f"there is no contextd home at {self.path}", hint=f"contextd init --home {self.path} --as you@example.org"
            )
        self._lock = _take_lock(self.path, self._patience)
        try:
            self._open()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._close()

    def caller(self, token_file: Path | None = None) -> Caller:
        """Who a token belongs to: the one in ``token_file``, else that of the home's own principal.

        Raises:
            KeysUnavailable, TokenInvalid: the file is missing, open to others, or holds no token.
            Refused: the token is nobody's, or revoked.
        """
        file = token_file or tokens.token_path(self.token_folder, self._own_principal())
        principal = self.plane.control.people.principal_of(tokens.token_hash(tokens.read_token(file)))
        if principal is None:
            index = self.plane.record("refused", NOBODY, "home", action="authenticate", reason="UNAUTHENTICATED")
            raise Refused(
                f"the token in {file} is not one of this home, or was revoked",
                reason="UNAUTHENTICATED",
                hint="a steward makes another: contextd token create PRINCIPAL",
                audit=str(index),
            )
        return self.plane.caller(principal)

    @property
    def token_folder(self) -> Path:
        """Where tokens of this home's principals lie."""
        return self.path / "keys" / "tokens"

    def _own_principal(self) -> str:
        if self.settings.principal:
            return self.settings.principal
        raise InvalidInput(
            "no principal is set for this home",
            hint=f'--token-file FILE, or principal = "you@example.org" in {self.path / FILE}',
        )

    def _open(self) -> None:
        self.settings: Settings = load_settings(self.path, self.world.environ)
        bundle = load_bundle(read_bundle(self.settings.boundaries))
        keys = self.path / "keys"
        signer = load_signing_key(keys)
        self._check_whole()
        self._control = Control.open(self.path / "control.db")
        expected = self._control.receipts.last_audit_index() + 1
        self._audit = AuditLog.open(self.path / "audit.db", signer, ORIGIN, expected=expected)
        self.plane = Plane(
            control=self._control,
            audit=self._audit,
            signer=signer,
            bundle=bundle,
            permit=Permit(bundle),
            shelf=self._shelf,
            now=self.world.now,
            entropy=self.world.entropy,
            fingerprint_key=load_fingerprint_key(keys),
            cache_dir=self.path / "cache",
            keep_query_text=self.settings.keep_query_text,
        )
        now = self.world.now()
        if self._control.bundles.take_effect(bundle.digest, bundle.ingest.digest, bundle.files, by="contextd", at=now):
            self.plane.record("bundle-in-force", Caller("contextd", ()), bundle.digest, ingest_digest=bundle.ingest.digest)
        self._control.jobs.interrupt_running(now)
        catch_up(self.plane)

    def _check_whole(self) -> None:
        """The control plane and the audit log begin together: one without the other has lost it, and is not begun anew."""
        there = [(self.path / name).exists() for name in STATE]
        if any(there) and not all(there):
            lost = STATE[there.index(False)]
            raise HomeIncomplete(
                f"{self.path / lost} is gone; nothing is made in its place",
                hint=f"restore {self.path} from a backup as a whole, or move it away and make a new home",
            )

    def _shelf(self, name: str) -> Shelf:
        if name not in self._shelves:
            self._shelves[name] = Shelf(self.path / "shelves" / f"{name}.db", name)
        return self._shelves[name]

    def _close(self) -> None:
        for shelf in self._shelves.values():
            shelf.close()
        if hasattr(self, "_audit"):
            with suppress(Unavailable):
                self._audit.sign_head()
            self._audit.close()
        if hasattr(self, "_control"):
            self._control.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def verify_damaged(path: Path, why: AuditDamaged) -> AuditVerification:
    """Recompute the audit log of a home that does not open over it, with what was noticed then among the problems.

    For whoever can read the home's keys, which is more than any role gives; nothing is recorded, since nothing can be.

    Raises:
        KeysUnavailable, AuditUnavailable: the signing key or the file cannot be read.
    """
    found = verify_log(path / "audit.db", ORIGIN, [load_signing_key(path / "keys")], ())
    first_bad = found.covered if found.first_bad is None else found.first_bad
    return replace(found, first_bad=first_bad, problems=(why.message, *found.problems))


def make_home(path: Path, world: World, principal: str, boundaries: Path | None, shipped: Path) -> Home:
    """Make a home at ``path`` (0700) with keys, a bundle and its first principal; returns it, not yet opened.

    ``boundaries`` is an organization's bundle, used where it stands; without one a copy of the ``shipped`` default is made.

    Raises:
        InvalidInput: there is a home already, the folder is not empty, or the principal is no name for one.
        BundleInvalid: the bundle is not valid; nothing was made.
    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise InvalidInput(
            f"{path} is there already and not an empty folder",
            hint="contextd --home DIR init …, with a folder that is not there",
        )
    checked_principal(principal)
    source = boundaries or shipped
    load_bundle(read_bundle(source))
    fresh = not path.exists()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
    except OSError as error:
        raise InvalidInput(
            f"{path} cannot be made: {error.strerror}", hint=f"check that its folder is yours: ls -ld {path.parent}"
        ) from error
    try:
        for folder in ("keys", "shelves", "cache"):
            (path / folder).mkdir(mode=0o700)
        if boundaries is None:
            shutil.copytree(shipped, path / "boundaries")
        create_signing_key(path / "keys", world.entropy)
        create_fingerprint_key(path / "keys", world.entropy)
        named = "boundaries" if boundaries is None else str(boundaries.absolute())
        (path / FILE).write_text(first_settings(principal, named), encoding="utf-8")
        home = Home(path, world)
        with home:
            first_principal(home.plane, principal, home.token_folder)
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        if not fresh:
            path.mkdir(mode=0o700)
        raise
    return home


def _take_lock(path: Path, patience: timedelta) -> int:
    """Hold ``home.lock`` for this process, waiting for whoever holds it; the kernel lets it go when the process ends."""
    descriptor = os.open(path / "home.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    tries = max(1, int(patience.total_seconds() / _POLL_SECONDS))
    for _ in range(tries):
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            return descriptor
        time.sleep(_POLL_SECONDS)
    holder = os.pread(descriptor, 32, 0).decode(errors="replace") or "unknown"
    os.close(descriptor)
    raise HomeLocked(
        f"another process (pid {holder}) holds {path}; waited {patience.total_seconds():g}s",
        hint="let it finish, or raise --timeout",
        pid=holder,
    )
