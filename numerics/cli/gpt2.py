"""`isthmus gpt2`: GPT-2 models by AdamW and Muon, paths between them, spectra, whole studies."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from numerics.cli import options
from numerics.cli.output import EXIT_DONE, EXIT_FALSE, console, emit, progress, say
from numerics.cli.outputs import Folder, check_outputs
from theory.errors import InputError
from theory.problem import positive_integer

if TYPE_CHECKING:
    from transformers import GPT2LMHeadModel

    from numerics.gpt2.data import Texts
    from numerics.gpt2.training import Recipe

app = typer.Typer(
    help="GPT-2 models by AdamW and Muon: training, paths, spectra, whole studies. Needs the "
    "extra gpt2."
)

Out = Annotated[Path, typer.Option(metavar="DIR", help="Folder for what is made.")]
Training = Annotated[
    list[str] | None,
    typer.Option(
        "--text",
        metavar="TEXT",
        help="To train on: a file, a folder (without what isthmus made in it), stdlib or "
        "python-docs; again for more.  [default: stdlib]",
    ),
]
Other = Annotated[
    list[str] | None,
    typer.Option(
        "--other", metavar="TEXT", help="Out of distribution, likewise.  [default: python-docs]"
    ),
]
Tokenizer = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A tokenizer.json; without one, tokens are bytes."),
]
Windows = Annotated[
    int, typer.Option(metavar="N", help="Windows of each text for losses that are reported.")
]
Optimizer = Annotated[
    str, typer.Option(metavar="OPT", help="Of the hidden matrices: adamw or muon.")
]
Steps = Annotated[int, typer.Option(metavar="N", help="Steps of training.")]
Batch = Annotated[int, typer.Option(metavar="B", help="Windows in each step.")]
Accumulation = Annotated[
    int, typer.Option(metavar="K", help="Parts of a batch, one after the other.")
]
LearningRate = Annotated[float, typer.Option(metavar="LR", help="AdamW's.")]
MuonLearningRate = Annotated[float, typer.Option(metavar="LR", help="Muon's.")]
WeightDecay = Annotated[float, typer.Option(metavar="L", help="Decoupled; none on vectors.")]
Schedule = Annotated[
    str, typer.Option(metavar="NAME", help="cosine, or wsd: warm-up, stay, decay.")
]
Precision = Annotated[
    str, typer.Option(metavar="TYPE", help="float32, bfloat16, or auto: bfloat16 on a GPU.")
]
Plot = Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it: .svg, .png or .pdf.")]
Seed = Annotated[int, typer.Option(metavar="K", help="Of the weights and the batches.")]


@app.command()
def train(
    context: typer.Context,
    out: Out,
    optimizer: Optimizer = "adamw",
    text: Training = None,
    other: Other = None,
    tokenizer: Tokenizer = None,
    layers: Annotated[int, typer.Option(metavar="N")] = 2,
    width: Annotated[int, typer.Option(metavar="D")] = 64,
    heads: Annotated[int, typer.Option(metavar="H")] = 4,
    block: Annotated[int, typer.Option(metavar="T", help="The longest context.")] = 64,
    start: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Train this checkpoint on, in place of a random start."),
    ] = None,
    steps: Steps = 1500,
    batch: Batch = 32,
    accumulation: Accumulation = 1,
    learning_rate: LearningRate = 4e-3,
    muon_learning_rate: MuonLearningRate = 0.03,
    weight_decay: WeightDecay = 0.1,
    schedule: Schedule = "cosine",
    precision: Precision = "auto",
    seed: Seed = 0,
    windows: Windows = 128,
    json: options.Json = None,
) -> int:
    """Pretrain a GPT-2 model; DIR becomes a checkpoint that transformers reads.

    Training that was stopped goes on from its last saved state. Several processes train together
    under torchrun: torchrun --nproc-per-node 2 --no-python isthmus gpt2 train ...
    """
    reads = _inputs([*(text or ()), *(other or ()), tokenizer], [start])
    check_outputs(reads, json=json, out=Folder(out, ("training.json", *_MODEL)))

    from numerics.files import provenance, write_json
    from numerics.gpt2.data import make_output
    from numerics.gpt2.model import Shape, build, load, shape_of
    from numerics.gpt2.pretraining import pretrain
    from numerics.gpt2.training import torchrun_workers

    recipe = _recipe(context)
    record = out / "training.json"
    if record.exists():
        raise InputError(str(out), "holds a trained model; give another folder")
    if start is None:
        texts = _texts(text, other, tokenizer, block, windows)
        model = build(Shape(layers, width, heads, block, texts.training.vocabulary), seed=seed)
    else:
        model = load(start)
        texts = _texts(text, other, tokenizer, shape_of(model).block, windows)
        _refuse_other_vocabulary(start, model, texts)
    with torchrun_workers() as workers, progress(steps) as report:
        if workers.first:
            make_output(out)
        measured = pretrain(model, recipe, texts, folder=out, workers=workers, progress=report)
        if not workers.first:
            return EXIT_DONE
    document = {
        "model": str(out),
        "parameters": sum(p.numel() for p in model.parameters()),
        "processes": workers.count,
        "recipe": asdict(recipe),
        **measured,
        **provenance(context.obj),
    }
    write_json(record, document)
    emit(document, json)
    if json != "-":
        _print_ends([(str(out), document)])
    return EXIT_DONE


@app.command()
def connect(
    context: typer.Context,
    first: Annotated[Path, typer.Argument(metavar="FIRST", help="A checkpoint; t = 0.")],
    second: Annotated[Path, typer.Argument(metavar="SECOND", help="Another; t = 1.")],
    out: Out,
    kind: Annotated[
        str, typer.Option(metavar="KIND", help="linear, polychain or bezier.")
    ] = "polychain",
    bends: Annotated[int, typer.Option(metavar="N", help="Learned control points.")] = 1,
    alignment: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="Of the second model to the first: learned, orthogonal, permutation or none.",
        ),
    ] = "learned",
    alignment_steps: Annotated[
        int, typer.Option(metavar="N", help="Of the learned alignment.")
    ] = 200,
    optimizer: Optimizer = "adamw",
    text: Training = None,
    other: Other = None,
    tokenizer: Tokenizer = None,
    steps: Steps = 1500,
    batch: Batch = 32,
    accumulation: Accumulation = 1,
    learning_rate: LearningRate = 2e-3,
    muon_learning_rate: MuonLearningRate = 0.01,
    weight_decay: WeightDecay = 0.1,
    schedule: Schedule = "cosine",
    precision: Precision = "auto",
    seed: Seed = 0,
    windows: Windows = 128,
    points: Annotated[int, typer.Option(metavar="N", help="t's at which to measure.")] = 21,
    plot: Plot = None,
    json: options.Json = None,
) -> int:
    """Connect two models by a path and measure the barrier on it.

    The second model is first brought into the coordinates of the first, which does not change what
    it says. DIR holds the control points as checkpoints (last/ is the second model so aligned) and
    what was measured, connection.json. The barrier is the most by which the loss exceeds the chord
    between the losses of the ends.
    """
    reads = _inputs([*(text or ()), *(other or ()), tokenizer], [first, second])
    written = Folder(out, ("connection.json", "path.json"))
    check_outputs(reads, json=json, plot=plot, out=written)

    from numerics.files import provenance, write_json
    from numerics.gpt2.connection import ALIGNMENTS, KINDS, aligned, learn_path, measure
    from numerics.gpt2.data import make_output
    from numerics.gpt2.model import load, shape_of
    from numerics.gpt2.training import Recipe, torchrun_workers
    from numerics.pictures.style import panel, save_figure

    recipe = _recipe(context)
    rotation = Recipe(
        steps=alignment_steps, batch=batch, learning_rate=3e-3, weight_decay=0.0, seed=seed
    )
    for name, value, known in (("alignment", alignment, ALIGNMENTS), ("kind", kind, KINDS)):
        if value not in known:
            raise InputError(name, f"{value!r} is not one of {', '.join(known)}")
    positive_integer(bends, "bends")
    models = load(first), load(second)
    texts = _texts(text, other, tokenizer, shape_of(models[0]).block, windows)
    for folder, model in zip((first, second), models, strict=True):
        _refuse_other_vocabulary(folder, model, texts)
    if (out / "connection.json").exists():
        raise InputError(str(out), "holds a connection; give another folder")
    with torchrun_workers() as workers, progress(steps) as report:
        if workers.first:
            make_output(out)
        shared: dict[str, Any] = {"workers": workers, "progress": report}
        ours, theirs = aligned(
            *models, alignment, texts, rotation, folder=out / "rotation", **shared
        )
        path = learn_path(ours, theirs, texts, recipe, kind=kind, bends=bends, folder=out, **shared)
        if not workers.first:
            return EXIT_DONE
        path.save(out)
        measured = measure(path, texts, points=points, progress=report)
    document = {
        "first": str(first),
        "second": str(second),
        "path": str(out),
        "kind": kind,
        "bends": len(path.bends),
        "alignment": alignment,
        "recipe": asdict(recipe),
        **measured,
        **provenance(context.obj),
    }
    write_json(out / "connection.json", document)
    if plot is not None:
        from numerics.gpt2.plots import draw_connection

        save_figure(plot, lambda: panel(partial(draw_connection, measured=document)))
    emit(document, json)
    if json != "-":
        _print_connection(document)
    return EXIT_DONE


@app.command()
def spectrum(
    context: typer.Context,
    source: Annotated[
        Path, typer.Argument(metavar="DIR", help="A checkpoint, or what `connect` made.")
    ],
    points: Annotated[int, typer.Option(metavar="N", help="t's along a path.")] = 11,
    raw: Annotated[
        bool,
        typer.Option("--raw", help="A checkpoint as it is: norms not folded into the matrices."),
    ] = False,
    plot: Plot = None,
    json: options.Json = None,
) -> int:
    """Stable and effective ranks of the hidden matrices, and their norms; along a path, at many t.

    Stable rank: ||W||_F^2 / ||W||_2^2. Along a path "preserved" has a number, the largest relative
    change of the median over matrices, and "smooth transition" has two: monotonicity (1: it only
    rises, -1: it only falls) and the largest step between neighbours as a share of the whole way.
    """
    check_outputs(_inputs([], [source]), json=json, plot=plot)

    from numerics.gpt2.alignment import fold
    from numerics.gpt2.model import load
    from numerics.gpt2.paths import load_path, straight
    from numerics.gpt2.spectra import change, largest_jump, medians, monotonicity, spectra
    from numerics.pictures.style import panel, save_figure

    on_path = (source / "path.json").exists()
    if on_path and raw:
        raise InputError("raw", "is for a checkpoint; models on a path are folded")
    if plot is not None and not on_path:
        raise InputError("plot", "draws what changes along a path, not a checkpoint")
    if on_path:
        path = load_path(source)
    else:
        model = load(source) if raw else fold(load(source))
        path, points = straight(model, model), 2
    with progress(points) as report:
        found = spectra(path, points=points, progress=report).to_json()
    found = {key: found[key] for key in ("t", *_MEASURES)}
    if on_path:
        along = medians(found["stable_rank"])
        document = {
            "path": str(source),
            **found,
            "median_stable_rank": along,
            "change": change(along),
            "monotonicity": monotonicity(along),
            "largest_jump": largest_jump(along),
        }
    else:
        document = {
            "model": str(source),
            **{key: {name: v[0] for name, v in found[key].items()} for key in _MEASURES},
        }
    if plot is not None:
        from numerics.gpt2.plots import draw_kinds

        save_figure(plot, lambda: panel(partial(draw_kinds, along=document)))
    emit(document, json, context.obj)
    if json != "-":
        _print_spectrum(document)
    return EXIT_DONE


_MEASURES = {
    "stable_rank": "stable rank",
    "effective_rank": "effective rank",
    "spectral_norm": "spectral norm",
    "entrywise_norm": "largest entry",
}


@app.command()
def table(
    context: typer.Context,
    config: Annotated[
        str,
        typer.Argument(metavar="CONFIG", help="default, smoke, paper, or a TOML file like theirs."),
    ] = "default",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the study; goes on with it.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(metavar="N", help="Processes; by default one for each core.")
    ] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Only say how long it would take on this machine.")
    ] = False,
    json: options.Json = None,
) -> int:
    """A whole study: ends, alignments, paths, controls; a table, a page and three claims.

    Exit code 1: a claim is false. The study smoke tests the machinery: it judges none. A study that
    was stopped goes on where it was. Under torchrun all processes train each part together; without
    it, parts run side by side.
    """
    from numerics.gpt2.report import (
        COLUMNS,
        TOO_SMALL,
        claims_of,
        is_judged,
        table_rows,
        write_study_report,
    )
    from numerics.gpt2.study import CONFIG, RESULT, Config, Study
    from numerics.gpt2.training import torchrun_workers

    settings = Config.read(config)
    if estimate:
        check_outputs([config], json=json)
        return _estimate(context, settings, jobs, json)
    if out is None:
        raise InputError("out", "name a folder for the study")
    written = Folder(out, (CONFIG, RESULT, "start.json", "index.html"))
    check_outputs([config], json=json, out=written)
    with torchrun_workers() as workers:
        alone = workers.count == 1
        many = _jobs(jobs) if alone else 1
        with progress(at_once=alone and many > 1) as report:
            document = Study(settings, out).run(
                jobs=many,
                workers=workers,
                command=context.obj,
                progress=report,
            )
        if not workers.first:
            return EXIT_DONE
    write_study_report(document, out)
    judged = claims_of(document) if is_judged(document) else []
    verdicts = [
        {"id": each.claim.id, "holds": each.holds, "controls": each.controls} for each in judged
    ]
    emit(document | {"claims": verdicts}, json)
    if json != "-":
        from rich.table import Table

        screen = console()
        barriers = Table(*COLUMNS)
        for row in table_rows(document):
            barriers.add_row(*row)
        screen.print(barriers)
        _print_ends(document["ends"].items())
        if not is_judged(document):
            screen.print(TOO_SMALL)
        for each in judged:
            screen.print(f"{each.claim.id} {each.verdict}", style="bold")
            for control in each.controls:
                screen.print(f"  a control explains it too: {control}")
        print(f"report: {out / 'index.html'}")
    return EXIT_DONE if all(each.holds for each in judged) else EXIT_FALSE


def _jobs(jobs: int | None) -> int:
    """By default one for each GPU, or each core."""
    if jobs is not None:
        return positive_integer(jobs, "jobs")
    import torch
    from joblib import cpu_count

    return torch.cuda.device_count() or int(cpu_count())


def _estimate(context: typer.Context, settings: Any, jobs: int | None, json: str | None) -> int:
    from rich.table import Table

    from numerics.gpt2.study import estimate
    from numerics.gpt2.training import device_name, device_of

    many = _jobs(jobs)
    with progress() as bar:

        def report(stage: str, count: int) -> None:
            if not sys.stderr.isatty():  # it takes most of a minute for the paper's size
                say(f"{stage}: {count}")
            bar(stage, count)

        rows = estimate(settings, progress=report)
    hours = sum(row["hours"] for row in rows)
    document = {
        "study": settings.name,
        "device": device_name(device_of()),
        "jobs": many,
        "kinds": rows,
        "hours": hours,
        "hours_side_by_side": hours / many,
    }
    emit(document, json, context.obj)
    if json != "-":
        screen, shown = console(), Table("work", "parts", "steps", "tokens / s", "hours")
        for row in rows:
            rate = row["tokens_per_step"] / row["seconds_per_step"]
            cells = (str(row["parts"]), f"{row['steps']:,}", f"{rate:,.0f}", _hours(row["hours"]))
            shown.add_row(row["kind"], *cells)
        screen.print(shown)
        tokens = sum(row["steps"] * row["tokens_per_step"] for row in rows)
        screen.print(
            f"study {settings.name} on {document['device']}: {tokens:.2g} tokens, "
            f"{_hours(hours)} hours of computing, {_hours(hours / many)} with {many} at a time"
        )
    return EXIT_DONE


def _hours(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


_MODEL = ("config.json", "model.safetensors")


def _inputs(texts: Iterable[str | Path | None], models: Iterable[Path | None]) -> Iterator[Path]:
    """The files that are read of texts, folders too, and of models and paths."""
    for text in texts:
        if text is not None:
            yield from (Path(text), *Path(text).rglob("*"))
    for model in models:
        if model is not None:
            yield from (file for name in (*_MODEL, "path.json") for file in model.rglob(name))


def _recipe(context: typer.Context) -> Recipe:
    """What the options of training say, which are named as the recipe's fields."""
    from numerics.gpt2.training import Recipe

    names = {field.name for field in fields(Recipe)}
    return Recipe(**{name: value for name, value in context.params.items() if name in names})


def _texts(
    text: Sequence[str] | None,
    other: Sequence[str] | None,
    tokenizer: Path | None,
    block: int,
    windows: int,
) -> Texts:
    from numerics.gpt2.data import PYTHON_DOCS, STDLIB, TEXTS, Corpus, Texts, outputs

    sources = (text or [STDLIB], other or [PYTHON_DOCS])
    for source in dict.fromkeys([*sources[0], *sources[1]]):
        if left_out := ", ".join(map(str, outputs(source))):
            say(f"{source}: not read as text, as isthmus made them: {left_out}")
    corpora = {t: Corpus.read(s, tokenizer) for t, s in zip(TEXTS, sources, strict=True)}
    return Texts(corpora, block, positive_integer(windows, "windows"))


def _refuse_other_vocabulary(folder: Path, model: GPT2LMHeadModel, texts: Texts) -> None:
    ours, theirs = model.config.vocab_size, texts.training.vocabulary
    if ours != theirs:
        raise InputError(
            str(folder), f"has a vocabulary of {ours}, the text one of {theirs}; see --tokenizer"
        )


def _print_ends(ends: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    from rich.table import Table

    ranks = ("stable_rank", "effective_rank")
    names = [_MEASURES[key] for key in ranks]
    shown = Table("model", "steps", "loss", "other text", *names, "seconds")
    for name, end in ends:
        shown.add_row(
            name,
            f"{end['steps']:,}",
            f"{end['loss']['in']:.4f}",
            f"{end['loss']['out']:.4f}",
            *(f"{statistics.median(end[key].values()):.2f}" for key in ranks),
            f"{end['seconds']:.0f}",
        )
    console().print(shown)


def _print_connection(document: Mapping[str, Any]) -> None:
    from rich.table import Table

    shown = Table("text", "loss at t = 0", "at t = 1", "highest", "barrier")
    for text, losses in document["loss"].items():
        shown.add_row(
            "in distribution" if text == "in" else "out of distribution",
            *(f"{value:.4f}" for value in (losses[0], losses[-1])),
            *(f"{document[key][text]:.4f}" for key in ("maximum", "barrier")),
        )
    console().print(shown)
    print(f"path: {document['path']}")


def _print_spectrum(document: Mapping[str, Any]) -> None:
    from rich.table import Table

    if "model" in document:
        shown = Table("matrix", *_MEASURES.values())
        for name in document["stable_rank"]:
            shown.add_row(name, *(f"{document[key][name]:.4g}" for key in _MEASURES))
        console().print(shown)
        return
    kinds: dict[str, list[Sequence[float]]] = {}
    for name, ranks in document["stable_rank"].items():
        kinds.setdefault(name.partition(".")[2], []).append(ranks)
    title = "stable rank, the median over layers, and over all matrices"
    shown = Table("t", *kinds, "all", title=title)
    for k, t in enumerate(document["t"]):
        values = [statistics.median(ranks[k] for ranks in layers) for layers in kinds.values()]
        values.append(document["median_stable_rank"][k])
        shown.add_row(f"{t:.3g}", *(f"{value:.3g}" for value in values))
    console().print(shown)
    jump = document["largest_jump"]
    print(f"largest change of the median {document['change']:.3g}")
    print(f"monotonicity {document['monotonicity']:.3g}")
    print(f"largest jump {'none' if jump is None else format(jump, '.3g')}")
