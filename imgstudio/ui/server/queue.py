"""Turns: Gradio's queue, in which nobody can keep the others waiting.

A visitor, and a network address, may have so many jobs waiting. A job starts only while its caller listens, and ends with it.
What is cancelled keeps its lane until its thread has really ended. Gradio's own queue knows none of this; the methods that are
overridden here, and what they rely on, are checked by tests/test_server_queue.py.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from typing import Any

import gradio as gr
from fastapi import HTTPException, Request
from gradio import queueing
from gradio.server_messages import LogMessage, ProcessCompletedMessage
from gradio.utils import LRUCache

from ... import interrupt
from ...interrupt import DONE, FAILED, GONE, REFUSED, STOPPED
from . import access
from .jobs import Job, Mailbox, Served, unchanged
from .limits import Refusal, has_room, refusal
from .settings import settings

BEAT = 0.25  # seconds between two looks at who listens
PATIENCE = 20  # beats for which a waiting job is kept without a listener: five seconds
QUICK, IDLE = 0.005, 0.05  # seconds between two looks for a job, while there are some and while there are none
LOST = 120  # beats after which a job that computes without one is given up, should nobody have told of the end
KEPT = 240  # beats for which messages are kept that nobody has fetched: a minute
SESSIONS = 8000  # that messages are kept for
UNREAD = 100  # messages of one session, from which on refusals aren't added to them
CLOSED = "The job was stopped."


def install(demo: gr.Blocks) -> None:
    """Has the jobs of a page take turns, before it is launched. Nothing gets past the queue."""
    settings()  # what is wrong in the environment is told now, not to the first visitor
    demo.queue(api_open=False)
    options = {"live_updates": True, "concurrency_count": demo.max_threads, "update_intervals": 1, "max_size": None}
    demo._queue = Turns(blocks=demo, **options)


class Turns(queueing.Queue):
    """One for each page; `install` puts it there."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.ANALYTICS_MAX_EVENTS = 1  # figures of every event would be kept, and summed up after each
        self.sleep_when_free = QUICK
        self.jobs: dict[str, Job] = {}  # by id of the event, from its arrival to the end of its thread
        self.pending_messages_per_session = LRUCache(SESSIONS)
        self._arrivals = asyncio.Lock()
        self._served = Served()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task] = set()

    # --- arrival

    async def push(self, body: Any, request: Request, username: str | None) -> tuple[bool, Any, Any]:
        """As Gradio's: whether it was taken, the id of its event or a sentence, and in one word how it went."""
        body.session_hash = body.session_hash or None  # an empty name is none
        async with self._arrivals:
            self.sleep_when_free = QUICK
            job = Job.of(self.blocks, body, request)
            self._replace_preview(job)
            refused = refusal(job, self.jobs.values())
            if refused is not None:
                return self._refuse(job, body, refused)
            if body.session_hash is not None:
                self.pending_messages_per_session.setdefault(body.session_hash, Mailbox())
            taken, event_id, state = await super().push(body, request, username)
            if taken:
                job.event = self.event_ids_to_events[event_id]
                job.session = job.event.session_hash  # of a plain caller, the event's own
                self.jobs[event_id] = job
                messages = self.pending_messages_per_session[job.session]
                if not isinstance(messages, Mailbox):
                    self.pending_messages_per_session[job.session] = Mailbox.holding(messages)
            return taken, event_id, state

    def compute_analytics_summary(self, records: Any) -> Any:  # noqa: ARG002
        """Nobody looks at it."""
        return self.cached_event_analytics_summary

    def _refuse(self, job: Job, body: Any, refused: Refusal) -> tuple[bool, Any, Any]:
        """Tells the caller in the way that reaches them: a plain caller by the answer, the page by a message."""
        access.record(job.session, job.operation, 0.0, REFUSED, refused.reason)
        if job.plain or body.session_hash is None or refused.status != 429 or not self._deliverable(body.session_hash):
            raise HTTPException(refused.status, refused.sentence)
        event_id = uuid.uuid4().hex
        messages = self.pending_messages_per_session[body.session_hash]
        self.pending_event_ids_session.setdefault(body.session_hash, set()).add(event_id)
        if job.private:
            # An error would be written over every output of the event.
            told = LogMessage(log=refused.sentence, level="warning", title="Warning", event_id=event_id)
            messages.put_nowait(told)
            output, success = unchanged(job.fn), True
        else:
            output, success = {"error": refused.sentence, "visible": True, "title": "Error", "duration": 10}, False
        messages.put_nowait(ProcessCompletedMessage(output=output, success=success, event_id=event_id))
        return True, event_id, "success"

    def _deliverable(self, session: str) -> bool:
        """Whether there is room for a message to that session."""
        if session not in self.pending_messages_per_session and len(self.pending_messages_per_session) >= SESSIONS // 4:
            return False  # or else, made-up sessions could push those of visitors out
        return self.pending_messages_per_session.setdefault(session, Mailbox()).qsize() < UNREAD

    def _replace_preview(self, job: Job) -> None:
        """Of a control that is dragged, the newest position is wanted: an older one that waits gives its place to it, and what
        was being drawn for an older one is broken off."""
        older = [each for each in self.jobs.values() if each.waiting and (each.session, each.fn) == (job.session, job.fn)]
        for other in older if job.live else ():
            self._take_out(other, STOPPED, "replaced")
        for other in list(self.jobs.values()) if job.duty.ends else ():
            if other.session != job.session or other.kind != job.duty.ends:
                continue
            if other.waiting:
                self._take_out(other, STOPPED, "replaced")
            else:
                other.work.end(STOPPED)  # and its event lives on: the page waits for its answer

    # --- turns

    def get_events(self) -> tuple[list[queueing.Event], bool, str] | None:
        """The next job whose caller listens: previews first, then of the address, and there of the visitor, that was served the
        longest ago. What has begun takes turns step by step (see `studio.scheduler`)."""
        names = list(self.event_queue_per_concurrency_id)
        random.shuffle(names)
        for name in names:
            lane = self.event_queue_per_concurrency_id[name]
            if self._full(name):
                continue
            waiting = [job for event in lane.queue if (job := self.jobs.get(event._id))]
            ready = [job for job in waiting if self._heard(job) and has_room(job, self.jobs.values())]
            if ready:
                job = min(ready, key=lambda each: (not each.live, *self._served.last(name, each)))
                self._served.note(name, job)
                lane.queue.remove(job.event)
                job.begin()  # from now on it can only be ended: whoever takes it for one that waits would leave its lane taken
                return [job.event], False, name
        return None

    def _full(self, name: str) -> bool:
        """Whether a lane has no room for another job now."""
        lane = self.event_queue_per_concurrency_id[name]
        return lane.concurrency_limit is not None and lane.current_concurrency >= lane.concurrency_limit

    async def process_events(self, events: list[queueing.Event], batch: bool, begin_time: float, fn: Any) -> None:
        """One job. Gradio cancels this task and frees its lane; the job itself goes on in one of its own until its thread has
        ended, which it is told to do at once."""
        event = events[0]
        task = asyncio.ensure_future(self._process(event, super().process_events(events, batch, begin_time, fn)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            self._end(event, STOPPED)
            raise

    async def _process(self, event: queueing.Event, steps: Any) -> None:
        job = self.jobs[event._id]
        try:
            with interrupt.running(job.work):
                await steps
        except interrupt.Ended:
            self.send_message(event, ProcessCompletedMessage(output=unchanged(job.fn), success=True))
        finally:
            self.jobs.pop(event._id, None)
            self._record(job)

    def send_message(self, event: queueing.Event, event_message: Any) -> None:
        """As Gradio's; a session that has gone gets none, and what failed is noted."""
        if event.session_hash not in self.pending_messages_per_session:
            return
        job = self.jobs.get(event._id)
        if job and isinstance(event_message, ProcessCompletedMessage) and not event_message.success and job.work.outcome == DONE:
            job.work.tell(FAILED)
        super().send_message(event, event_message)

    # --- the end

    def stop(self, session: str, kind: str) -> None:
        """The Stop button of a kind of work: what waits leaves the queue at once, what computes ends after its step. May be
        called from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop, session, kind)

    def _stop(self, session: str, kind: str) -> None:
        for job in list(self.jobs.values()):
            if job.session == session and job.kind == kind:
                if job.waiting and (self._full(job.lane) or not has_room(job, self.jobs.values())):
                    self._take_out(job, STOPPED)
                else:  # also where it is about to start, and then stops after its first step
                    job.work.ask()

    async def remove_from_queue(self, event_id: str) -> None:
        """Gradio's /cancel comes here."""
        job = self.jobs.get(event_id)
        if job is not None and job.waiting:
            self._forget(job, STOPPED)
        elif job is not None:
            self._end(job.event, STOPPED)
        await super().remove_from_queue(event_id)

    async def clean_events(self, *, session_hash: str | None = None, event_id: str | None = None) -> None:
        """The stream of a session was closed."""
        for job in list(self.jobs.values()):
            if job.session == session_hash or job.event._id == event_id:
                if job.waiting:
                    self._forget(job, GONE)
                else:
                    self._end(job.event, GONE)
        await super().clean_events(session_hash=session_hash, event_id=event_id)

    def _end(self, event: queueing.Event, outcome: str) -> None:
        event.alive = False
        if job := self.jobs.get(event._id):
            job.work.end(outcome)

    def _forget(self, job: Job, outcome: str, reason: str = "") -> None:
        """A waiting job that is about to leave the queue, or has just left it."""
        self.jobs.pop(job.event._id, None)
        job.work.tell(outcome, reason)
        self._record(job)

    def _take_out(self, job: Job, outcome: str, reason: str = "") -> None:
        """Takes a waiting job out of the queue, and tells its caller that it is over."""
        self.event_queue_per_concurrency_id[job.lane].queue.remove(job.event)
        self.event_ids_to_events.pop(job.event._id, None)
        success = job.private
        output = unchanged(job.fn) if success else {"error": CLOSED, "visible": True, "title": "Error", "duration": 10}
        self.send_message(job.event, ProcessCompletedMessage(output=output, success=success))
        self._forget(job, outcome, reason)

    def _record(self, job: Job) -> None:
        if job.heavy or job.work.outcome not in (DONE, STOPPED, GONE):
            access.record(job.session, job.operation, job.seconds, job.work.outcome, job.work.reason)

    # --- listeners

    def start(self) -> None:
        super().start()
        self._loop = asyncio.get_running_loop()
        self._tasks.add(self._loop.create_task(self._watch()))

    async def _watch(self) -> None:
        """Counts beats of this loop, not seconds: where the whole server stood still, no caller had a chance to be heard."""
        while not self.stopped:
            await asyncio.sleep(BEAT)
            for job in list(self.jobs.values()):
                job.unheard = 0 if self._heard(job) else job.unheard + 1
                if job.waiting and job.unheard >= PATIENCE:
                    self._take_out(job, GONE, "no-listener")
                elif not job.waiting and job.unheard >= LOST:
                    self._end(job.event, GONE)
            self.sleep_when_free = QUICK if self.jobs else IDLE
            self._forget_messages()

    def _mailbox(self, job: Job) -> Any:
        return self.pending_messages_per_session.get(job.session)

    def _heard(self, job: Job) -> bool:
        messages = self._mailbox(job)
        return isinstance(messages, Mailbox) and messages.heard

    def _forget_messages(self) -> None:
        """Those that nobody fetches, of sessions without a job."""
        busy = {job.session for job in self.jobs.values()}
        for session, messages in list(self.pending_messages_per_session.items()):
            if isinstance(messages, Mailbox):
                messages.idle = 0 if messages.heard or session in busy else messages.idle + 1
                if messages.idle >= (PATIENCE if messages.empty() else KEPT):
                    self.pending_messages_per_session.pop(session, None)
        for session in [each for each in self.pending_event_ids_session if each not in self.pending_messages_per_session]:
            self.pending_event_ids_session.pop(session, None)
