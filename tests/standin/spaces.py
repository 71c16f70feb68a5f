"""A stand-in for the package `spaces`, which lends GPUs on ZeroGPU Spaces. It has no GPU either, but the same manners:

- each call runs in a forked process, in a thread there; what it changes elsewhere is lost;
- arguments, results and steps are pickled; of an exception, only the name of its class comes back;
- inside such a process, a decorated function is a plain one.

Each loan is a line of JSON in the file that STANDIN_LOG names: function, seconds and process.
"""

from __future__ import annotations

import functools
import inspect
import json
import multiprocessing
import os
import pickle
import threading
import traceback

_context = multiprocessing.get_context("fork")
_forked = False


class WorkerError(Exception):
    """What became of any exception in the other process."""


def GPU(task=None, *, duration=60):
    """@spaces.GPU and @spaces.GPU(duration=seconds or a function of the same arguments)"""
    if task is None:
        return functools.partial(GPU, duration=duration)
    return _steps(task, duration) if inspect.isgeneratorfunction(task) else _call(task, duration)


def gradio_auto_wrap(task):
    """Gradio hands every handler to this; unless a variable says otherwise, it does nothing."""
    return task


def _call(task, duration):
    @functools.wraps(task)
    def call(*args, **kwargs):
        if _forked:
            return task(*args, **kwargs)
        ours, worker = _fork(task, duration, args, kwargs)
        kind, value = pickle.loads(ours.recv_bytes())
        worker.join()
        if kind == "error":
            raise WorkerError(value)
        return value

    return call


def _steps(task, duration):
    @functools.wraps(task)
    def steps(*args, **kwargs):
        if _forked:
            yield from task(*args, **kwargs)
            return
        ours, worker = _fork(task, duration, args, kwargs)
        try:
            while (message := pickle.loads(ours.recv_bytes()))[0] != "end":
                if message[0] == "error":
                    raise WorkerError(message[1])
                yield message[1]
        finally:
            ours.close()  # the other process notices when it sends the next step
            worker.join()

    return steps


def _fork(task, duration, args, kwargs):
    seconds = duration(*args, **kwargs) if callable(duration) else duration
    ours, theirs = _context.Pipe()
    worker = _context.Process(target=_work, args=(theirs, ours, task), daemon=True)
    worker.start()
    theirs.close()
    ours.send_bytes(pickle.dumps((args, kwargs)))
    if log := os.environ.get("STANDIN_LOG"):
        with open(log, "a", encoding="utf-8") as file:
            file.write(json.dumps({"function": task.__name__, "seconds": seconds, "process": worker.pid}) + "\n")
    return ours, worker


def _work(connection, parents, task):
    global _forked
    _forked = True
    parents.close()
    args, kwargs = pickle.loads(connection.recv_bytes())
    thread = threading.Thread(target=_run, args=(connection, task, args, kwargs))
    thread.start()
    thread.join()


def _run(connection, task, args, kwargs):
    try:
        if inspect.isgeneratorfunction(task):
            steps = task(*args, **kwargs)
            for step in steps:
                try:
                    connection.send_bytes(pickle.dumps(("step", step)))
                except BrokenPipeError:
                    steps.close()
                    return
            connection.send_bytes(pickle.dumps(("end", None)))
        else:
            connection.send_bytes(pickle.dumps(("result", task(*args, **kwargs))))
    except Exception as error:
        traceback.print_exc()
        connection.send_bytes(pickle.dumps(("error", type(error).__name__)))
