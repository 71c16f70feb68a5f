"""The part "Own picture" of "Steer": GAN inversion of a picture, and inpainting of masked parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import gradio as gr

from imgstudio.errors import StudioError
from imgstudio.studio import likeness, pictures, sampling
from imgstudio.studio.sampling import inversion
from imgstudio.studio.sampling.inversion import InversionStep

from ...kit import freshness, layout, prepared, sources
from ...kit.events import Stopwatch, connect, report_error, request_stop, unqueued, until_stopped
from ...kit.sources import Source
from ...server.painting import PaintInput
from ..style import region
from .editing_point import Base, Point

TARGET = 77  # seed of the picture that is looked for at first
STEPS, MOST_STEPS = 100, 600
PREVIEW_EVERY, EVERY = 0.5, 4  # seconds, steps
SHOWN = 384  # side of the target as it is shown and painted on, px
COMPLETIONS = 3
WORK = "invert"  # what its Stop stops
NOT_YET = '<p class="facts">"Find it" looks for the picture\'s place in latent space.</p>'
PAINT = '<p class="help">Paint over a part of the target, and the model fills it in, in several ways.</p>'
WORDS = {30: "hard to tell apart", 25: "close", 20: "alike", 16: "roughly alike", -999: "far off"}  # from so many dB on


class OwnPicture(NamedTuple):
    """The components."""

    tab: gr.Tab
    target: gr.Image
    upload: gr.UploadButton
    dice: gr.Button
    held: gr.State
    changed: gr.State
    found: gr.Image
    line: gr.HTML
    steps: gr.Slider
    seed: gr.Number
    seed_dice: gr.Button
    find: gr.Button
    stop: gr.Button
    edit: gr.Button
    place: gr.State  # Base that was found
    editor: gr.ImageEditor
    complete: gr.Button
    halt: gr.Button
    strip: gr.Gallery
    progress: gr.HTML
    completions: gr.State  # their Bases
    mark: freshness.Mark  # of what was found
    completed: freshness.Mark  # of the completions

    @property
    def finding(self) -> list[Any]:
        """The components, in the order of what `find` yields."""
        return [self.found, self.line, self.edit, self.place]

    @property
    def completing(self) -> list[Any]:
        """The components, in the order of what `complete` yields."""
        return [self.strip, self.progress, self.completions]


def build(start: Point | None) -> OwnPicture:
    """start: whose model draws the target at first; None where it can't."""
    source = prepared.opening("editing-own", lambda: sampled_target(start, TARGET), start.model) if start else None
    with gr.Tab("Own picture", id="own") as tab:
        with gr.Row(elem_classes="slots"):
            target, upload, dice = _slot(source)
            with gr.Column(min_width=110, elem_classes="slot dated"):
                found = layout.result("Found", elem_id="own-found", alt_text="What was found", buttons=["download"])
                mark = freshness.mark()
        line = layout.facts_line(NOT_YET)
        with gr.Row(elem_classes="buttons"):
            find = gr.Button("Find it", size="md", min_width=90, elem_id="own-find")
            stop = gr.Button("Stop", size="md", min_width=60, elem_id="own-stop")
            edit = gr.Button("Steer from here", size="md", min_width=130, interactive=False, elem_id="own-steer")
        with gr.Row():
            steps = gr.Slider(
                10,
                MOST_STEPS,
                STEPS,
                step=10,
                label="Steps",
                info="More steps give a closer match.",
                elem_id="own-steps",
                min_width=180,
            )
            with gr.Column(min_width=180):
                seed, seed_dice = layout.seed_row(0, "own-search", info="Another search ends elsewhere.")
        editor, complete, halt, strip, progress, completed = _completion(source)
        held, changed, place, completions = (gr.State(value) for value in (source, 0, None, ()))
    slot = [target, upload, dice, held, changed]
    first = [found, line, steps, seed, seed_dice, find, stop, edit, place]
    return OwnPicture(tab, *slot, *first, editor, complete, halt, strip, progress, completions, mark, completed)


def _slot(source: Source | None) -> tuple[gr.Image, gr.UploadButton, gr.Button]:
    with gr.Column(min_width=110, elem_classes="slot named"):
        target = sources.picture_input("Target", source, "own-target")
        with gr.Row(elem_classes="slot-buttons"):
            upload = gr.UploadButton("Upload", file_types=["image"], size="sm", min_width=40, elem_id="own-upload")
            dice = gr.Button("Draw one", size="sm", min_width=40, elem_id="own-dice")
    return target, upload, dice


def _completion(source: Source | None) -> tuple:
    with gr.Column(elem_classes="band tight"):
        gr.HTML("<h2>Fill in a part</h2>")
        gr.HTML(PAINT)
    with gr.Row(elem_classes="hanging"):
        with gr.Column(scale=4, min_width=240):
            editor = PaintInput(
                value=region.canvas(source),
                type="pil",
                format="png",
                show_label=False,
                label="What is to be filled in",
                sources=(),
                transforms=(),
                layers=False,
                buttons=[],
                height=340,
                canvas_size=(SHOWN, SHOWN),
                brush=gr.Brush(default_size=50, colors=[region.BRUSH], color_mode="fixed"),
                eraser=gr.Eraser(default_size=50),
                elem_id="own-editor",
            )
        with gr.Column(scale=3, min_width=200):
            with gr.Row(elem_classes="buttons"):
                complete = gr.Button("Complete", size="md", min_width=100, elem_id="own-complete")
                halt = gr.Button("Stop", size="md", min_width=60, elem_id="own-halt")
            progress = layout.facts_line()
    with gr.Column(elem_classes="dated"):
        strip = layout.strip("Completions", COMPLETIONS, elem_id="own-completions", elem_classes=["sheet", "film"])
        completed = freshness.mark()
    return editor, complete, halt, strip, progress, completed


# --- the target


def sampled_target(point: Point, seed: int) -> Source | None:
    """A picture that the model makes from a seed, to be found again; None where it can't be made."""
    try:
        [picture] = sampling.sample(point.model, [seed], **point.chosen())
    except StudioError:
        return None
    settings = {"task": "sample", "model": point.model, "seed": seed, **point.chosen()}
    path = layout.save_result(picture, layout.file_name(point.model, "seed", seed), settings)
    shown = layout.save_result(point.enlarged(picture, SHOWN), "target", settings)
    return Source(f"Seed {seed}", path, shown, digest=pictures.digest(path))


def redraw(changed: int, *values: Any) -> tuple:
    """The dice: values for (target, held, changed)."""
    source = sampled_target(Point.of(*values), layout.random_seed())
    if source is None:
        raise StudioError("This model can't draw a picture now: upload one of your own.")
    return source.shown, source, changed + 1


def accept(path: str | None, held: Source | None, changed: int) -> tuple:
    """Takes an upload as the net will see it, the middle square. Values for (target, held, changed)."""
    shown, uploaded, count = sources.accept(path, held, changed)
    if count != changed + 1:
        return shown, uploaded, count
    square = layout.save_result(pictures.square(uploaded.path, SHOWN), "target", {})
    return square, uploaded._replace(shown=square), count


# --- the search


def find(request: gr.Request, held: Source | None, steps: float, seed: float | None, *values: Any) -> Iterator[tuple]:
    """The button: values for `OwnPicture.finding`. What was found until a stop, or an error, is kept."""
    if held is None:
        raise StudioError("There is no picture yet: choose one, or let the model draw one.")
    point, watch, step = Point.of(*values), Stopwatch(), None
    search = inversion.invert(point.model, held.path, steps=int(steps), seed=layout.whole(seed), every=EVERY)
    try:
        for step in until_stopped(search, request, WORK):
            if step.done < step.total and (step.done == 0 or watch.due(PREVIEW_EVERY)):
                yield *_shown(step, point, held, seed, "preview"), gr.skip(), gr.skip()
    except StudioError as error:
        if step is None:
            raise
        report_error(error)
    if step is not None:
        title = "Own picture" if held.uploaded else f"{held.title}, found"
        picture, line = _shown(step, point, held, seed, "found")
        line += layout.warning(likeness.gan_domain_warning(point.model, step.losses["psnr"]))
        yield picture, line, gr.update(interactive=True), Base(title, step.latent)


def _shown(step: InversionStep, point: Point, held: Source, seed: float | None, name: str) -> tuple[str, str]:
    """Values for (picture, fact line)."""
    settings = {"task": "invert", "model": point.model, "steps": step.done, "seed": layout.whole(seed)}
    settings |= {**held.record("target"), "latent": step.latent.text()}
    shown = point.enlarged(step.image, SHOWN)
    unfinished = name == "preview"
    path = (
        layout.preview(shown, "found") if unfinished else layout.save_result(shown, layout.file_name(point.model, name), settings)
    )
    return path, layout.facts(f"step {step.done} of {step.total}", step.seconds, similarity(step.losses["psnr"]))


def similarity(psnr: float) -> str:
    """How alike two pictures are, in words and in decibels."""
    return f"{next(words for limit, words in WORDS.items() if psnr >= limit)}, PSNR {psnr:.1f} dB"


# --- completion


def complete(
    request: gr.Request,
    held: Source | None,
    painted: dict[str, Any] | None,
    steps: float,
    seed: float | None,
    *values: Any,
) -> Iterator[tuple]:
    """The button: values for `OwnPicture.completing`, one completion after the other."""
    mask = region.painted(painted)  # read at the click: the editor tells of a stroke late, or only after the next one
    if held is None or mask is None:
        raise StudioError("Nothing is painted over yet: paint on the target what is to be filled in.")
    point, first = Point.of(*values), layout.whole(seed)
    picture = pictures.read(held.path)
    picture = pictures.square(picture, min(picture.size))  # as it lies under the brush
    tiles, bases, watch = [], [], Stopwatch()
    last, numbers = None, range(first, first + COMPLETIONS)
    work = ((number, step) for number in numbers for step in _steps(point, picture, mask, steps, number))
    for number, step in until_stopped(work, request, WORK):
        last, done = (number, step), step.done == step.total
        if done:
            tiles, bases = [*tiles, _tile(point, number, step)], [*bases, Base(f"Completion {number}", step.latent)]
        if done or watch.due(PREVIEW_EVERY):
            now = [] if done else [(layout.preview(point.enlarged(step.image, SHOWN), "completion"), f"seed {number}")]
            line = layout.facts(f"step {step.done} of {step.total}", step.seconds, f"{len(tiles)} of {COMPLETIONS} complete")
            yield gr.update(value=[*tiles, *now], selected_index=-1), line, tuple(bases)
    if last and last[1].done < last[1].total:  # stopped: the one in the making is kept as it is
        number, step = last
        tiles, bases = [*tiles, _tile(point, number, step)], [*bases, Base(f"Completion {number}", step.latent)]
    many = f"{len(tiles)} completions" if len(tiles) != 1 else "1 completion"
    line = layout.facts(many, watch.seconds, "click on one to steer from there")
    yield gr.update(value=tiles, selected_index=-1), line, tuple(bases)


def _steps(point: Point, picture: Any, mask: str, steps: float, seed: int) -> Iterator[InversionStep]:
    yield from inversion.complete(point.model, picture, mask, steps=int(steps), seed=seed, every=EVERY)


def _tile(point: Point, seed: int, step: InversionStep) -> tuple[str, str]:
    settings = {"task": "complete", "model": point.model, "seed": seed, "steps": step.done, "latent": step.latent.text()}
    name = layout.file_name(point.model, "completion", seed)
    return layout.save_result(point.enlarged(step.image, SHOWN), name, settings), f"seed {seed}"


# --- events


def wire(own: OwnPicture, state: list[Any]) -> None:
    """Connects all but what leads to another point. state: components that make up a `Point`."""
    slot = [own.target, own.held, own.changed]
    lane = {"concurrency_id": "upload", "concurrency_limit": 1}  # as in slots.py
    for component, event in ((own.target, own.target.change), (own.upload, own.upload.upload)):
        unqueued(event, accept, [component, own.held, own.changed], slot, trigger_mode="always_last", **lane)
    connect(own.dice.click, redraw, [own.changed, *state], slot)
    unqueued(own.held.change, region.canvas, own.held, own.editor)
    unqueued(own.seed_dice.click, layout.random_seed, None, own.seed)
    unqueued([own.stop.click, own.halt.click], stop)
    watched = {"model": state[0], "target": own.held}
    found = freshness.watch(own.mark, watched, '"Find it" looks anew.', opened=False)
    completed = freshness.watch(own.completed, watched, "Complete makes new ones.", opened=False)
    asked = [own.held, own.steps, own.seed, *state]
    connect(own.find.click, find, asked, own.finding, kind=WORK, show_progress="hidden", renews=found)
    asked = [own.held, own.editor, own.steps, own.seed, *state]
    connect(own.complete.click, complete, asked, own.completing, kind=WORK, show_progress="hidden", renews=completed)


def stop(request: gr.Request) -> None:
    """Both Stop buttons: one search goes on at a time."""
    request_stop(request, WORK)


def chosen(event: gr.SelectData, bases: tuple[Base, ...]) -> Base | None:
    """A click on a completion: its place; None while it is in the making."""
    return bases[event.index] if 0 <= event.index < len(bases) else None
