"""Turns an object that arrived into an instance of the store: checked, durable, indexed, and only then a success."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from node.domain.errors import Bug, InputRejected, InvalidIdentifier, TransientFailure
from node.domain.ports import Clock, Recorded
from node.domain.pseudonym import Pseudonymizer
from node.domain.study import Instance
from node.observe.events import Event
from node.observe.logging import event
from node.receive.arriving import Arrived, Arriving, Sender
from node.receive.commands import StoreRequest
from node.receive.commit import GroupCommit
from node.receive.statuses import DISK_FULL, SUCCESS, Answer, StoreStatus, answer
from node.store.files import DurableFolders, link_into_place, sync_directory
from node.store.headers import Header, MissingIdentifier, read_header
from node.store.layout import StoreLayout
from node.store.part10 import FileMeta, NotPart10, data_set_digest, data_set_start, read_file_meta

logger = logging.getLogger(__name__)

PARTIAL_SUFFIX = ".part"
_LOGGED = {
    Recorded.NEW: (logging.DEBUG, Event.INSTANCE_STORED, "object received"),
    Recorded.SAME: (logging.DEBUG, Event.INSTANCE_DUPLICATE, "object received"),
    Recorded.DIFFERENT: (
        logging.WARNING,
        Event.INSTANCE_CONFLICT,
        "other bytes under a known SOP Instance UID, kept aside",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What bounds one object, bytes. `free_bytes` tells the free disk at a path."""

    max_object_bytes: int
    min_free_bytes: int
    free_bytes: Callable[[Path], int]


def free_bytes(folder: Path) -> int:
    """Bytes that a user without privileges may still write on the folder's filesystem."""
    filesystem = os.statvfs(folder)
    return filesystem.f_bavail * filesystem.f_frsize


class Refused(InputRejected):
    """The object is not kept; `answer` is what the sender is told."""

    def __init__(self, refusal: Answer) -> None:
        super().__init__(refusal.comment)
        self.answer = refusal


class Intake:
    """Keeps objects. One for all associations of a process.

    An object is written to the incoming folder and synced, gets its name in the store as a second link, is recorded by
    the index, and loses its first name. What dies in between leaves either a partial file with one link, which nobody
    was promised, or a complete one with two, which `node.receive.recovery` records.
    """

    def __init__(
        self,
        layout: StoreLayout,
        incoming: Path,
        *,
        commit: GroupCommit,
        limits: Limits,
        pseudonymizer: Pseudonymizer,
        clock: Clock,
    ) -> None:
        self._layout = layout
        self._incoming = incoming
        self._commit = commit
        self._limits = limits
        self._pseudonymizer = pseudonymizer
        self._clock = clock
        self._folders = DurableFolders(layout.root)
        self._numbers = itertools.count()
        self._run = uuid.uuid4().hex

    def begin(self, request: StoreRequest, sender: Sender) -> Arriving | Answer:
        """A place for the data set of a request, or what forbids to keep it."""
        if not request.has_data_set:
            return answer(StoreStatus.NO_DATA_SET)
        if request.sop_class is None or request.sop_instance is None:
            return answer(StoreStatus.INVALID_IDENTIFIER)
        if request.sop_class != sender.abstract_syntax:
            return answer(StoreStatus.SOP_CLASS_NOT_SUPPORTED)
        if self._limits.free_bytes(self._layout.root) < self._limits.min_free_bytes:
            return DISK_FULL
        meta = FileMeta(
            sop_class_uid=request.sop_class,
            sop_instance_uid=request.sop_instance,
            transfer_syntax=sender.transfer_syntax,
            sent_by=sender.ae_title,
        )
        # process identifiers repeat, in containers most of all: the random part keeps a new file off a left one
        file = self._incoming / f"{self._run}-{next(self._numbers)}{PARTIAL_SUFFIX}"
        return Arriving(file, meta, max_bytes=self._limits.max_object_bytes)

    def keep(self, arriving: Arriving) -> Answer:
        """Store a complete object. Never raises: whatever goes wrong is a status, and in the log."""
        try:
            kept = arriving.refusal or self._keep(arriving.complete())
        except Refused as error:
            return error.answer
        except (TransientFailure, OSError) as error:
            logger.warning(
                "object not stored", extra=event(Event.INSTANCE_REFUSED, error=type(error).__name__), exc_info=True
            )
            return answer(StoreStatus.OUT_OF_RESOURCES)
        except Exception as error:
            # the door of the DICOM side: one object that the program cannot handle must not end the listener
            logger.exception("object not stored", extra=event(Event.UNEXPECTED_ERROR, error=type(error).__name__))
            return answer(StoreStatus.PROCESSING_FAILURE)
        else:
            arriving.discard()
            return kept
        finally:
            arriving.leave()

    def record(self, file: Path) -> None:
        """Record a complete file of the incoming folder that has its name in the store already.

        Raises
        ------
        Refused, Bug
            Where it cannot be read any more.
        TransientFailure
            Where the index cannot be written now.
        """
        with _opened(file) as arrived:
            self._keep(arrived)

    def _keep(self, arrived: Arrived) -> Answer:
        instance = self._instance(arrived)
        os.fdatasync(arrived.handle)
        instances = self._placed(arrived.file, instance)
        for each in instances:
            sync_directory(self._layout.absolute(each.file).parent)
        recorded = self._commit.commit(instances)[-1]
        self._log(instance, recorded)
        return SUCCESS

    def _instance(self, arrived: Arrived) -> Instance:
        header = self._checked_header(arrived)
        return Instance(
            sop_instance_uid=header.sop_instance_uid,
            sop_class_uid=header.sop_class_uid,
            series_uid=header.series_uid,
            study_uid=header.study_uid,
            transfer_syntax=arrived.meta.transfer_syntax,
            file=self._layout.instance(header.study_uid, header.series_uid, header.sop_instance_uid),
            size=arrived.size,
            digest=arrived.digest,
            patient=self._pseudonymizer.of(header.identity),
            received_at=self._clock.now(),
            facts=header.facts,
        )

    def _placed(self, file: Path, instance: Instance) -> tuple[Instance, ...]:
        """What to record after the file got its name in the store; the last one is the file's own.

        Where another file has the name, the first one stays. It is recorded again, too: whoever brought it may have
        died before the index knew.
        """
        target = self._layout.absolute(instance.file)
        if self._link(file, target):
            return (instance,)
        with _opened(target) as first:
            if first.digest == instance.digest:
                return (instance,)
            aside = replace(instance, file=self._layout.conflict(instance.sop_instance_uid, instance.digest))
            self._link(file, self._layout.absolute(aside.file))
            return (self._instance(first), aside)

    def _link(self, file: Path, target: Path) -> bool:
        self._folders.make(target.parent)
        try:
            return link_into_place(file, target)
        except FileNotFoundError:
            # retention removed the folder since it was made
            self._folders.forget()
            self._folders.make(target.parent)
            return link_into_place(file, target)

    def _checked_header(self, arrived: Arrived) -> Header:
        """The header of an object that is what its command said it is.

        Raises
        ------
        Refused
            Where it is not, or cannot be read.
        """
        try:
            header = read_header(arrived.handle, arrived.meta.transfer_syntax, scratch=self._incoming)
        except MissingIdentifier as error:
            raise Refused(answer(StoreStatus.MISSING_IDENTIFIER)) from error
        except InvalidIdentifier as error:
            raise Refused(answer(StoreStatus.INVALID_IDENTIFIER)) from error
        except InputRejected as error:
            raise Refused(answer(StoreStatus.NOT_UNDERSTOOD)) from error
        said = (arrived.meta.sop_class_uid, arrived.meta.sop_instance_uid)
        if (header.sop_class_uid, header.sop_instance_uid) != said:
            raise Refused(answer(StoreStatus.DOES_NOT_MATCH))
        return header

    def _log(self, instance: Instance, recorded: Recorded) -> None:
        level, name, text = _LOGGED[recorded]
        if logger.isEnabledFor(level):
            study, own = self._pseudonymizer.of(instance.study_uid), self._pseudonymizer.of(instance.sop_instance_uid)
            logger.log(level, text, extra=event(name, study=study, instance=own, size=instance.size))


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[Arrived]:
    """A complete file of the store as it arrived once.

    Raises
    ------
    Bug
        Where it does not begin as the node's files do.
    """
    handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(handle).st_size - data_set_start(handle)
        meta, digest = read_file_meta(handle), data_set_digest(handle)
        yield Arrived(file=file, handle=handle, meta=meta, size=size, digest=digest)
    except NotPart10 as error:
        raise Bug(f"a file of the store must be a DICOM file: {error}") from error
    finally:
        os.close(handle)
