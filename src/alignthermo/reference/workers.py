"""Members side by side: each in a process of its own with one thread, parents before children.

Two processes of one thread do twice the work of one process of two threads on layers this small.
A worker that dies or a member that fails costs that member and what is made from it, nothing else.
"""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

import torch

from alignthermo.errors import AlignthermoError
from alignthermo.reference.member_build import Job, MemberReport, build_member
from alignthermo.reference.members import Member
from alignthermo.reference.training import Progress

GRACE_SECONDS = 10.0
"""How long a worker that was told to end may take to put its files away."""


@dataclass(frozen=True, kw_only=True)
class MemberFailure:
    """A member that was not built, why, and the exit code its error stands for."""

    name: str
    error: str
    exit_code: int


Outcome = MemberReport | MemberFailure


@dataclass(frozen=True)
class _Step:
    """A report of progress on its way from a worker."""

    stage: str
    done: int
    total: int
    detail: str


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep the order of summation fixed, and no threads spinning on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def build_here(job: Job, members: Sequence[Member], *, progress: Progress) -> list[Outcome]:
    """Build members one after the other in this process."""
    outcomes: dict[str, Outcome] = {}
    with one_thread():
        for member in members:
            outcomes[member.name] = _orphaned(member, outcomes) or _attempt(job, member, progress)
    return list(outcomes.values())


def build_side_by_side(
    job: Job, members: Sequence[Member], *, jobs: int, progress: Progress
) -> list[Outcome]:
    """Build members in up to `jobs` processes; the same files as :func:`build_here`.

    Whatever ends this call early, an interrupt above all, ends the workers too; their checkpoints
    are whole.
    """
    pool = _Pool(job=job, jobs=min(jobs, len(members)), waiting=list(members), progress=progress)
    try:
        pool.work()
    finally:
        pool.stop()
    return [pool.outcomes[member.name] for member in members]


def _orphaned(member: Member, outcomes: dict[str, Outcome]) -> MemberFailure | None:
    """Tell why a member cannot be built when its parent was not."""
    parent = outcomes.get(member.recipe.parent or "")
    if not isinstance(parent, MemberFailure):
        return None
    return MemberFailure(
        name=member.name, error=f"not built, since {parent.name} was not", exit_code=parent.exit_code
    )


def _attempt(job: Job, member: Member, progress: Progress) -> Outcome:
    """Build one member; an error becomes a result, so that the other members go on."""

    def named(stage: str, done: int, total: int, detail: str) -> None:
        progress(f"{member.name}: {stage}", done, total, detail)

    try:
        return build_member(job, member, progress=named)
    except Exception as error:  # noqa: BLE001 whatever it is, it is this member's: it is reported by name
        code = error.exit_code if isinstance(error, AlignthermoError) else AlignthermoError.exit_code
        named("failed", 1, 1, str(error))
        return MemberFailure(name=member.name, error=f"{type(error).__name__}: {error}", exit_code=code)


@dataclass(kw_only=True)
class _Worker:
    process: SpawnProcess
    member: Member


@dataclass(kw_only=True)
class _Pool:
    """The members still to do, the processes at work on some, and what became of the others."""

    job: Job
    jobs: int
    waiting: list[Member]
    progress: Progress
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    workers: dict[Connection, _Worker] = field(default_factory=dict)
    idle: list[tuple[Connection, SpawnProcess]] = field(default_factory=list)

    def work(self) -> None:
        while self.waiting or self.workers:
            self._give_out()
            for connection in wait(list(self.workers)) if self.workers else ():
                if isinstance(connection, Connection):
                    self._listen(connection)

    def _give_out(self) -> None:
        """Hand every member that is ready to a worker, as long as there are workers."""
        busy = {worker.member.name for worker in self.workers.values()}
        ahead = busy | {member.name for member in self.waiting}
        for member in list(self.waiting):
            orphan = _orphaned(member, self.outcomes)
            if orphan is not None:
                self.outcomes[member.name] = orphan
                self.progress(f"{member.name}: failed", 1, 1, orphan.error)
            elif member.recipe.parent in ahead or len(self.workers) >= self.jobs:
                continue
            else:
                connection, process = self.idle.pop() if self.idle else _start(self.job)
                connection.send(member)
                self.workers[connection] = _Worker(process=process, member=member)
            self.waiting.remove(member)

    def _listen(self, connection: Connection) -> None:
        worker = self.workers[connection]
        try:
            message = connection.recv()
        except (EOFError, ConnectionError):
            worker.process.join(GRACE_SECONDS)
            error = f"its process ended with code {worker.process.exitcode}; the same command resumes"
            message = MemberFailure(name=worker.member.name, error=error, exit_code=1)
            self.progress(f"{worker.member.name}: failed", 1, 1, error)
            connection.close()
            del self.workers[connection]
            self.outcomes[worker.member.name] = message
            return
        if isinstance(message, _Step):
            self.progress(message.stage, message.done, message.total, message.detail)
            return
        self.outcomes[worker.member.name] = message
        self.idle.append((connection, worker.process))
        del self.workers[connection]

    def stop(self) -> None:
        """End every process: at once, then by force."""
        everyone = [*self.idle, *((c, worker.process) for c, worker in self.workers.items())]
        for _, process in everyone:
            process.terminate()
        for connection, process in everyone:
            process.join(GRACE_SECONDS)
            if process.is_alive():
                process.kill()
                process.join()
            connection.close()


def _start(job: Job) -> tuple[Connection, SpawnProcess]:
    """Start a worker; it shares nothing with this process but the connection."""
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(theirs, job), daemon=True)
    with _interrupts_held():
        process.start()
    theirs.close()
    return ours, process


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Start processes that a Ctrl-C does not reach: the whole group gets it, the parent decides."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, job: Job) -> None:
    """Build the members that come in, one after the other, until the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    send = partial(_send_step, connection)
    with one_thread():
        try:
            while True:
                connection.send(_attempt(job, connection.recv(), send))
        except (EOFError, ConnectionError):
            return


def _send_step(connection: Connection, stage: str, done: int, total: int, detail: str) -> None:
    connection.send(_Step(stage, done, total, detail))


def _leave(number: int, frame: object) -> None:
    """End by way of the `finally` blocks, so that half-written files are taken away."""
    raise SystemExit(128 + number)
