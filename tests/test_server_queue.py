"""Turns, time and cancelling on a server, attacked by plain HTTP: nobody keeps others waiting, nothing goes on unwanted."""

from __future__ import annotations

import asyncio
import inspect
import io
import os
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import coroutines
import gradio as gr
import httpx
import page_server
import pytest
from gradio import queueing
from gradio.routes import App
from PIL import Image
from visitor import PATIENCE, Visitor

from imgstudio.bench import visitors
from imgstudio.interrupt import Work
from imgstudio.ui.server.jobs import Duty, Job, Mailbox
from imgstudio.ui.server.queue import BEAT, Turns, install

GAN, GATYS = "dcgan/avatars", "gatys/vgg-small"
SECONDS, WAITING, WAITING_ADDRESS = 20, 3, 6
NAN = float("nan")


@pytest.fixture(scope="module")
def url() -> str:
    limits = {"IMGSTUDIO_SECONDS": SECONDS, "IMGSTUDIO_WAITING": WAITING, "IMGSTUDIO_WAITING_ADDRESS": WAITING_ADDRESS}
    found = page_server.address(**{name: str(value) for name, value in limits.items()})
    for _ in range(4):  # on a slow machine, the net alone may take the time of a job to load
        if Visitor(found).ask("sample", GAN, "1", 0.7, "")[0] == "complete":
            break
    return found


@pytest.fixture
def visitor(url) -> Visitor:
    return Visitor(url)


@pytest.fixture(scope="module")
def picture(url) -> dict:
    return Visitor(url).upload(192, 160)


@pytest.fixture(scope="module")
def config(url) -> dict:
    return Visitor(url).config()


def endless(picture: dict, steps: int = 1000, size: int = 512) -> list:
    """Values for /stylize that take far longer than a job may."""
    return [GATYS, picture, picture, 1, 1, 1, size, steps, "none", None, 0]


def function(config: dict, name: str) -> int:
    """The number of an endpoint."""
    return next(each["id"] for each in config["dependencies"] if each["api_name"] == name)


def control(config: dict, elem_id: str, event: str = "click") -> tuple[int, list]:
    """The number of the function behind a control of the page, and the values that the page would send at first."""
    components = {each["id"]: each for each in config["components"]}
    [wanted] = (number for number, each in components.items() if each["props"].get("elem_id") == elem_id)
    for each in config["dependencies"]:
        if [wanted, event] in [list(target) for target in each["targets"]]:
            return each["id"], [components[number]["props"].get("value") for number in each["inputs"]]
    raise LookupError(elem_id)


def growing(config: dict) -> tuple[int, list]:
    """The button that grows a texture, with values for an optimisation of many steps."""
    number, values = control(config, "growth-button")
    components = {each["id"]: each["props"].get("elem_id") for each in config["components"]}
    inputs = next(each["inputs"] for each in config["dependencies"] if each["id"] == number)
    assert "quilting" in values and "growth-steps" in map(components.get, inputs)
    wanted = {"growth-steps": 500}
    return number, [
        wanted.get(components[each], "gatys" if value == "quilting" else value) for each, value in zip(inputs, values)
    ]


def printed(url: str) -> str:
    return page_server.process_of(url)[1].read_text()


def wait_for(condition, seconds: float = PATIENCE):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError("it did not happen")


class Log:
    """The lines of jobs that were printed since it was made."""

    def __init__(self, url: str) -> None:
        self.url, self.start = url, len(printed(url))

    def lines(self) -> list[dict[str, str]]:
        rows = [line for line in printed(self.url)[self.start :].splitlines() if "imgstudio.access" in line]
        return [dict(part.split("=", 1) for part in line.split()) for line in rows]

    def outcomes(self, operation: str) -> list[str]:
        return [line["outcome"] for line in self.lines() if line["op"] == operation]


def test_gradio_still_calls_what_is_overridden():
    """A change there has to be seen here before visitors see it."""
    for name in ("push", "get_events", "process_events", "send_message", "remove_from_queue", "clean_events", "start"):
        theirs, ours = (inspect.signature(getattr(queue, name)) for queue in (queueing.Queue, Turns))
        assert list(ours.parameters) == list(theirs.parameters), name
    source = inspect.getsource(queueing.Queue)
    for used in ("self.get_events()", "self.process_events,", "run_sync", "self.send_message("):
        assert used in source, used
    from gradio import routes

    source = inspect.getsource(routes)
    for used in ("_queue.push(", "_queue.remove_from_queue(body.event_id)", "clean_events(session_hash=session_hash)"):
        assert used in source, used
    assert "blocks._queue.pending_messages_per_session[" in source and "messages.get()" in source


def test_six_visitors_at_once_get_what_each_would_get_alone(url, config):
    jobs = {
        "sample": lambda picture: [GAN, "1-4", 0.7, ""],
        "prior": lambda picture: ["vae/avatars", "3"],
        "stylize": lambda picture: ["fast/scream", picture, None, 1, 1, 1, 128, 10, "none", None, 0],
        "translate": lambda picture: ["cyclegan/apple2tomato", picture],
        "segment": lambda picture: ["gabor/texture", picture, 2],
        "decompose": lambda picture: [picture, 0.5, "rtv", 128],
    }
    noise = Visitor(url).upload(160, 128)
    content = Visitor(url).bytes_of(noise)

    def made(name: str) -> list[bytes]:
        """The pixels: a file holds the time at which it was made, too."""
        visitor = Visitor(url)
        values = jobs[name](visitor.upload(content=content))
        event, data = visitor.ask(name, *values, *defaults(config, name)[len(values) :])
        assert event == "complete", (name, data)
        return [Image.open(io.BytesIO(visitor.bytes_of(file))).convert("RGB").tobytes() for file in files_in(data)]

    alone = {name: made(name) for name in jobs}
    assert all(alone.values()) and len({pictures[0] for pictures in alone.values()}) == len(jobs)
    with ThreadPoolExecutor(len(jobs)) as pool:
        assert dict(zip(jobs, pool.map(made, jobs))) == alone


def defaults(config: dict, name: str) -> list:
    """The values that an endpoint's fields have at first."""
    components = {each["id"]: each["props"].get("value") for each in config["components"]}
    return [components[each] for each in config["dependencies"][function(config, name)]["inputs"]]


def files_in(data: object) -> list[dict]:
    """The files of an answer, in their order."""
    if isinstance(data, dict) and "path" in data:
        return [data]
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return [file for each in inner for file in files_in(each)]


@pytest.mark.parametrize("how", ["closed", "cancelled", "replaced", "unheard"])
def test_a_job_that_is_given_up_as_its_turn_comes_frees_its_lane(how):
    """Between the moment that Gradio takes it from the queue and the first step of its task, others can have their say."""
    with gr.Blocks() as demo:
        gr.Button().click(
            lambda: None, trigger_mode="always_last", concurrency_id="lane", concurrency_limit=1, api_visibility="private"
        )
    install(demo)
    queue, [fn] = demo._queue, demo.fns.values()
    queue.set_server_app(App.create_app(demo))
    queue.create_event_queue_for_fn(fn)
    queue.active_jobs = [None]
    lane = queue.event_queue_per_concurrency_id["lane"]

    async def turn() -> None:
        messages = queue.pending_messages_per_session["somebody"] = Mailbox()
        messages._last = time.monotonic()  # somebody listens
        event = queueing.Event("somebody", fn, None, None)
        job = Job(fn, "somebody", "", False, Work(None, 0.0), Duty(), event=event)
        queue.jobs[event._id] = job
        lane.queue.append(event)
        events, batch, _ = queue.get_events()
        queue.active_jobs[0], lane.current_concurrency = events, 1  # as Gradio does then
        if how == "closed":
            await queue.clean_events(session_hash="somebody")
        elif how == "cancelled":
            await queue.remove_from_queue(event._id)
        elif how == "replaced":
            queue._replace_preview(job)
        else:
            job.unheard = 10_000
            messages._last = -1e9
            watching = asyncio.ensure_future(queue._watch())
            await asyncio.sleep(3 * BEAT)
            assert not watching.done()  # it goes on for all others
            watching.cancel()
        await queue.process_events(events, batch, time.time(), fn)

    coroutines.run(turn())
    assert (lane.current_concurrency, queue.active_jobs, queue.jobs) == (0, [None], {})


def test_an_abandoned_job_makes_way(url, visitor, picture):
    log = Log(url)
    event = visitor.call("stylize", *endless(picture)).json()["event_id"]
    with pytest.raises(httpx.ReadTimeout):  # the connection is closed in the middle of it
        visitor.result("stylize", event, timeout=2)
    name, data = Visitor(url).ask("sample", GAN, "1", 0.7, "")
    assert name == "complete" and data[0][0]["caption"] == "1"
    assert wait_for(lambda: log.outcomes("stylize")) == ["gone"]


def test_a_job_whose_stream_nobody_opens_is_not_computed(url, visitor, picture):
    log = Log(url)
    assert visitor.call("stylize", *endless(picture)).status_code == 200
    assert Visitor(url).ask("sample", GAN, "1", 0.7, "")[0] == "complete"
    [line] = wait_for(lambda: [line for line in log.lines() if line["op"] == "stylize"])
    assert (line["outcome"], line["reason"], line["seconds"]) == ("gone", "no-listener", "0.00")


def test_cancelled_jobs_leave_no_thread_at_work(url, visitor, picture, config):
    pid, _ = page_server.process_of(url)
    log, number = Log(url), function(config, "stylize")
    visitor.ask("sample", GAN, "1", 0.7, "")
    before = len(os.listdir(f"/proc/{pid}/task"))
    for count in range(1, 16):
        event = visitor.call("stylize", *endless(picture)).json()["event_id"]
        answers: list = []
        listener = threading.Thread(target=lambda: answers.append(visitor.result("stylize", event)))  # noqa: B023
        listener.start()
        time.sleep(0.4)
        visitor.cancel(event, number, event)
        listener.join(PATIENCE)
        wait_for(lambda: len(log.outcomes("stylize")) == count)  # noqa: B023
    assert set(log.outcomes("stylize")) == {"stopped"}
    wait_for(lambda: _idle(pid), 10)
    assert len(os.listdir(f"/proc/{pid}/task")) <= before + 4


def _idle(pid: int) -> bool:
    """Whether a process takes less than a third of one processor over a second."""
    before = _ticks(pid)
    time.sleep(1)
    return _ticks(pid) - before < os.sysconf("SC_CLK_TCK") / 3


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_a_job_ends_when_its_time_is_over(url, visitor, picture):
    log = Log(url)
    name, data = visitor.ask("stylize", *endless(picture))
    assert name == "error" and f"The {SECONDS} seconds" in data["error"]
    assert wait_for(lambda: log.outcomes("stylize")) == ["timed-out"]


def test_one_visitor_cannot_lock_out_the_others(url, visitor, picture, config):
    log, number = Log(url), function(config, "stylize")
    other = Visitor(url)
    with visitor.listening():
        events = [visitor.join(number, endless(picture)) for _ in range(65)]
        assert {answer.status_code for answer in events} == {200}
        told = visitor.completed(events[-1].json()["event_id"])
        assert not told["success"] and f"{WAITING} jobs of yours wait already" in told["output"]["error"]
        with other.listening():
            stop, values = control(config, "style-stop")
            assert other.completed(other.join(stop, values).json()["event_id"])["success"]
            chosen, values = control(config, "sampling-model", "change")
            assert other.completed(other.join(chosen, values).json()["event_id"])["success"]
            assert other.ask("sample", GAN, "5", 0.7, "")[0] == "complete"
    # The attacker has left: nothing of theirs is computed any more.
    assert wait_for(lambda: _idle(page_server.process_of(url)[0]))
    outcomes = log.outcomes("stylize")
    assert outcomes.count("refused") >= 50 and "done" not in outcomes


def test_an_address_has_so_many_jobs_waiting(url, visitor, picture):
    log = Log(url)
    answers = [visitor.call("stylize", *endless(picture)) for _ in range(WAITING_ADDRESS + 2)]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert refused and {answer.status_code for answer in refused} == {429}
    assert f"{WAITING_ADDRESS} jobs from your network wait already" in refused[0].json()["detail"]
    taken = len(answers) - len(refused)
    assert wait_for(
        lambda: log.outcomes("stylize").count("gone") >= taken
    )  # those without a listener go, and there is room again
    wait_for(lambda: visitor.call("sample", GAN, "1", 0.7, "").status_code == 200)


def test_the_stop_button_takes_a_waiting_job_out(url, visitor, config):
    """One result at a time for each page: a second one waits."""
    log = Log(url)
    paint, values = growing(config)
    stop, _ = control(config, "growth-stop")
    with visitor.listening():
        first = visitor.join(paint, values).json()["event_id"]
        visitor.wait(lambda each: each.get("event_id") == first and each["msg"] == "process_generating")
        second = visitor.join(paint, values).json()["event_id"]
        visitor.join(stop, [])
        assert visitor.completed(second)["success"]
        assert visitor.completed(first)["success"]  # what computes ends after its step, with what it has
        assert not any(each["msg"] == "process_starts" and each["event_id"] == second for each in visitor.messages)
    assert wait_for(lambda: len(found := log.outcomes("synthesize")) == 2 and found) == ["stopped"] * 2


def test_nobody_waits_for_the_long_work_of_others(url, visitor, picture, config):
    log, other, third = Log(url), Visitor(url), Visitor(url)
    paint, values = growing(config)
    with visitor.listening(), third.listening():
        for _ in range(WAITING + 1):
            event = visitor.join(paint, values).json()["event_id"]
            visitor.wait(lambda each: each["msg"] == "process_generating")
        assert other.ask("sample", GAN, "5", 0.7, "")[0] == "complete"
        another = third.join(paint, values).json()["event_id"]  # long work of two visitors goes on side by side
        third.wait(lambda each: each.get("event_id") == another and each["msg"] == "process_generating")
        assert not any(each["msg"] == "process_starts" and each["event_id"] == event for each in visitor.messages)
        assert log.outcomes("synthesize") == [] and "done" in log.outcomes("sample")
    assert wait_for(lambda: len(found := log.outcomes("synthesize")) == WAITING + 2 and found) == ["gone"] * (WAITING + 2)


def test_a_new_preview_breaks_off_what_was_drawn_for_the_last_and_both_are_answered(url, visitor, config):
    log = Log(url)
    preview, values = control(config, "sampling-truncation", "input")
    [whole] = (each for each in config["dependencies"] if each["trigger_after"] == preview)
    props = {each["id"]: each["props"] for each in config["components"]}
    everything = [props[number].get("value") for number in whole["inputs"]]
    with visitor.listening():
        first = visitor.join(whole["id"], everything).json()["event_id"]
        visitor.wait(lambda each: each.get("event_id") == first and each["msg"] == "process_starts")
        second = visitor.join(preview, values).json()["event_id"]
        assert visitor.completed(first)["success"] and visitor.completed(second)["success"]
        third = visitor.join(whole["id"], everything).json()["event_id"]
        drawn, broken = (visitor.completed(event)["output"]["data"] for event in (third, first))
        assert any("value" in (each or {}) for each in drawn) and not any("value" in (each or {}) for each in broken)
    assert wait_for(lambda: len(found := log.outcomes("adjust")) == 2 and found) == ["stopped", "done"]
    assert log.outcomes("preview") == ["done"]


def test_work_of_the_page_keeps_what_is_there_when_its_time_is_over(url, visitor, config):
    paint, values = growing(config)
    log = Log(url)
    with visitor.listening():
        event = visitor.join(paint, values).json()["event_id"]
        told = visitor.wait(lambda each: each.get("event_id") == event and each["msg"] == "log")
        assert f"The {SECONDS} seconds" in told["log"] and told["level"] == "warning"
        assert visitor.completed(event)["success"]
    assert any(each["msg"] == "process_generating" for each in visitor.messages)
    assert wait_for(lambda: log.outcomes("synthesize")) == ["timed-out"]


def test_nobody_cancels_for_others(url, visitor, picture, config):
    number, stranger = function(config, "stylize"), Visitor(url)
    event = visitor.call("stylize", *endless(picture, 2, 64)).json()["event_id"]
    answers: list = []
    listener = threading.Thread(target=lambda: answers.append(visitor.result("stylize", event)))
    listener.start()
    for guess in (stranger.session, "", "0", "null", "*"):
        for each in (number, 0, 1):
            stranger.cancel(guess, each, "0" * 32)
    listener.join(PATIENCE)
    assert answers[0][0] == "complete", answers


@pytest.mark.parametrize(
    ("endpoint", "data"),
    [
        ("sample", [GAN]),
        ("sample", [GAN, "0", float("nan"), ""]),
        ("sample", [GAN, "0", float("inf"), ""]),
        ("sample", [GAN, "0", "much", ""]),
        ("sample", [GAN, "0", {"a": []}, ""]),
        ("sample", [GAN, "0-64", 0.7, ""]),
        ("walk", [GAN, "0-9", 100, 0.7, True, "", 12, "webp"]),
        ("walk", [GAN, "0-3", float("nan"), 0.7, "yes", "", 12, "webp"]),
        ("invert", ["stylegan2/fruits", None, 10**9, 0]),
        ("edit", ["stylegan2/fruits", "0", {"component 1": float("nan")}, "", 0.7, "", 0]),
        ("edit", ["stylegan2/fruits", "0", [1, 2], "", 0.7, "", 0]),
        ("feature_maps", ["stylegan2/fruits", "0", 0, 10**6, 0.7, "", 0]),
        ("decompose", [None, 0.5, "rtv", 100_000]),
        ("synthesize", [None, 100_000, 10, 0, "gatys", GATYS, False, 1, "noise"]),
        ("manifold", ["vae/fruits", None, None, None, None, 15]),
        ("interpolate", ["vae/fruits", None, None, 240, "slerp"]),
    ],
)
def test_values_out_of_range_get_a_sentence(url, visitor, endpoint, data):
    before = len(printed(url))
    name, answer = visitor.ask(endpoint, *data)
    assert name == "error" and re.search(r"[a-z]{3,}.*\.$", answer["error"], re.IGNORECASE)
    assert "went wrong" not in answer["error"]
    assert "Traceback" not in printed(url)[before:]


def test_sliders_and_menus_of_the_page_refuse_in_a_sentence(url, visitor, config):
    components = {each["id"]: each for each in config["components"]}
    number, values = control(config, "growth-button")
    inputs = next(each["inputs"] for each in config["dependencies"] if each["id"] == number)
    kinds = [components[each]["type"] for each in inputs]
    before = len(printed(url))
    with visitor.listening():
        for kind, wrong in (
            ("slider", 1e9),
            ("slider", "x"),
            ("slider", NAN),
            ("slider", [[]]),
            ("dropdown", "nothing"),
            ("radio", "nothing"),
        ):
            if kind in kinds:
                place = kinds.index(kind)
                event = visitor.join(number, [*values[:place], wrong, *values[place + 1 :]]).json()["event_id"]
                told = visitor.completed(event)
                assert not told["success"] and told["output"]["error"].endswith("."), (kind, wrong, told)
        told = visitor.completed(visitor.join(number, []).json()["event_id"])
        assert "values, and 0 were sent" in told["output"]["error"]
    assert "slider" in kinds
    assert "Traceback" not in printed(url)[before:]


def test_nothing_gets_past_the_queue(url, visitor, config):
    for way in ("run", "api"):
        for body in ({}, {"fn_index": function(config, "stylize")}, {"session_hash": "x", "fn_index": 0}):
            answer = httpx.post(f"{visitor.api}/{way}/sample", json={"data": [GAN, "0", 0.7, ""], **body}, timeout=PATIENCE)
            assert answer.status_code == 404 and "queue" in answer.json()["detail"]
    assert visitor.call("page").status_code == 404
    assert visitor.join(10**6, []).status_code == 404
    visitor.session = "x" * 1000
    assert visitor.join(function(config, "sample"), []).status_code == 400


def test_the_log_tells_no_secrets(url, visitor, picture):
    visitor.ask("sample", GAN, "1", 0.7, "")
    visitor.ask("stylize", "no such model", *endless(picture)[1:])
    rows = [line for line in printed(url).splitlines() if "imgstudio.access" in line]
    for row in rows:
        pattern = r"time=\S+Z log=imgstudio\.access visitor=[0-9a-f]{8} op=\w+ seconds=[\d.]+ outcome=[\w-]+( reason=[\w-]+)?"
        assert re.fullmatch(pattern, row), row
    text = "\n".join(rows)
    for secret in ("127.0.0.1", "holiday", "private", "/tmp", ".png", visitor.session, "no such model"):
        assert secret not in text
    assert {"outcome=done", "outcome=refused"} <= {part for row in rows for part in row.split()}


def test_a_class_can_be_played_at_a_page(url, monkeypatch):
    monkeypatch.setattr(visitors, "CLASS", {"drag": 2, "segment": 1})
    monkeypatch.setattr(visitors, "ALONE", 1)
    title, _, drag, segment, same, *rest = visitors.report(3, 3, url)
    assert title.startswith("3 visitors for 3 s") and "the same pixels" in same and rest == []
    for row, kind in ((drag, "drag"), (segment, "segment")):
        name, *numbers = row.split()
        *seconds, answers, errors = map(float, numbers)
        assert name == kind and all(0 < each < PATIENCE for each in seconds) and answers >= 1 and errors == 0
