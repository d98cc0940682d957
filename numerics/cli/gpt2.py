"""`isthmus gpt2`: GPT-2 models by AdamW and Muon, paths between them, spectra, whole studies."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from numerics.cli import completion, options
from numerics.cli.output import EXIT_DONE, EXIT_FALSE, Report, console, note, progress, seen
from numerics.cli.outputs import Folder
from numerics.cli.task import Task
from numerics.gpt2.corpora import CORPORA
from numerics.gpt2.names import OPTIMIZERS, TEXTS
from theory.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from transformers import GPT2LMHeadModel

    from numerics.gpt2.config import Config
    from numerics.gpt2.data import Texts
    from numerics.gpt2.report import Judged
    from numerics.gpt2.training import Recipe, Trainer
    from theory.parallel import Jobs

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
        autocompletion=completion.among(*CORPORA),
        help="To train on: a file, a folder (without what isthmus made in it), or a name that "
        "`texts` lists; again for more.  [default: stdlib]",
    ),
]
Other = Annotated[
    list[str] | None,
    typer.Option(
        "--other",
        metavar="TEXT",
        help="Out of distribution, likewise.  [default: python-docs]",
        autocompletion=completion.among(*CORPORA),
    ),
]
Tokenizer = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A tokenizer.json; without one, tokens are bytes."),
]
Windows = Annotated[int, options.count("Windows of each text for losses that are reported.")]
Optimizer = Annotated[
    str,
    typer.Option(
        metavar="OPT",
        help="Of the hidden matrices: adamw or muon.",
        autocompletion=completion.among("adamw", "muon"),
    ),
]
Steps = Annotated[int, options.count("Steps of training.")]
Batch = Annotated[int, options.count("Windows in each step.", "B")]
Accumulation = Annotated[int, options.count("Parts of a batch, one after the other.", "K")]
LearningRate = Annotated[float, typer.Option(metavar="LR", help="AdamW's.")]
MuonLearningRate = Annotated[float, typer.Option(metavar="LR", help="Muon's.")]
WeightDecay = Annotated[float, typer.Option(metavar="L", help="Decoupled; none on vectors.")]
Schedule = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="cosine, or wsd: warm-up, stay, decay.",
        autocompletion=completion.among("cosine", "wsd"),
    ),
]
Precision = Annotated[
    str,
    typer.Option(
        metavar="TYPE",
        help="float32, bfloat16, or auto: bfloat16 on a GPU.",
        autocompletion=completion.among("auto", "float32", "bfloat16"),
    ),
]
Seed = Annotated[int, options.seed("Of the weights and the batches.")]


@app.command()
def train(
    context: typer.Context,
    out: Out,
    optimizer: Optimizer = "adamw",
    text: Training = None,
    other: Other = None,
    tokenizer: Tokenizer = None,
    layers: Annotated[int, options.count("Blocks of attention and MLP.")] = 2,
    width: Annotated[int, options.count("Of the residual stream.", "D")] = 64,
    heads: Annotated[int, options.count("Of the attention, in each layer.", "H")] = 4,
    block: Annotated[int, options.count("The longest context.", "T")] = 64,
    activation: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Of the MLP: gelu_new, GPT-2's own, or relu.",
            autocompletion=completion.among("gelu_new", "relu"),
        ),
    ] = "gelu_new",
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
    task = _task(context, ["training.json", *_MODEL], "a trained model", [start])

    from numerics.gpt2.model import Shape, build, load, shape_of
    from numerics.gpt2.pretraining import pretrain
    from numerics.gpt2.report import model_row

    recipe = _recipe(context)
    if start is None:
        texts = _texts(context, block)
        vocabulary = texts.training.vocabulary
        model = build(Shape(layers, width, heads, block, vocabulary, activation), seed=seed)
    else:
        model = load(start)
        texts = _texts(context, shape_of(model).block, {start: model})
    with _trainer(out, texts) as (trainer, report):
        report.expect(steps)
        measured = pretrain(model, recipe, trainer, folder=out)
        if not trainer.workers.first:
            return EXIT_DONE
    document = {
        "model": str(out),
        "parameters": sum(p.numel() for p in model.parameters()),
        "processes": trainer.workers.count,
        "corpus": {text: corpus.to_json() for text, corpus in texts.corpora.items()},
        "recipe": asdict(recipe),
        **measured,
    }
    _record(context, out / "training.json", document)
    return task.finish(document, partial(_print_table, [model_row(str(out), document)]))


@app.command()
def connect(
    context: typer.Context,
    first: Annotated[Path, typer.Argument(metavar="FIRST", help="A checkpoint; t = 0.")],
    second: Annotated[Path, typer.Argument(metavar="SECOND", help="Another; t = 1.")],
    out: Out,
    kind: Annotated[
        str,
        typer.Option(
            metavar="KIND",
            help="linear, polychain or bezier.",
            autocompletion=completion.among("linear", "polychain", "bezier"),
        ),
    ] = "polychain",
    bends: Annotated[int, options.count("Learned control points.")] = 1,
    alignment: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="Of the second model to the first: learned, orthogonal, permutation or none.",
            autocompletion=completion.among("learned", "orthogonal", "permutation", "none"),
        ),
    ] = "learned",
    alignment_steps: Annotated[int, options.count("Of the learned alignment.")] = 200,
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
    points: Annotated[int, options.count("t's at which to measure.")] = 21,
    plot: Annotated[Path | None, options.plot("the losses along the path")] = None,
    json: options.Json = None,
) -> int:
    """Connect two models by a path and measure the barrier on it.

    The second model is first brought into the coordinates of the first, which does not change what
    it says. DIR holds the control points as checkpoints (last/ is the second model so aligned) and
    what was measured, connection.json. The barrier is the most by which the loss exceeds the chord
    between the losses of the ends.
    """
    task = _task(context, ["connection.json", "path.json"], "a connection", [first, second])

    from numerics.gpt2.connection import ALIGNMENTS, KINDS, aligned, learn_path, measure
    from numerics.gpt2.model import load, shape_of
    from numerics.gpt2.training import Recipe

    recipe = _recipe(context)
    rotation = Recipe(
        steps=alignment_steps, batch=batch, learning_rate=3e-3, weight_decay=0.0, seed=seed
    )
    for name, value, known in (("alignment", alignment, ALIGNMENTS), ("kind", kind, KINDS)):
        if value not in known:
            raise InputError(name, f"{value!r} is not one of {', '.join(known)}")
    models = load(first), load(second)
    texts = _texts(
        context, shape_of(models[0]).block, dict(zip((first, second), models, strict=True))
    )
    with _trainer(out, texts) as (trainer, report):
        report.expect(alignment_steps)
        ends = aligned(*models, alignment, rotation, trainer, folder=out / "rotation")
        report.expect(steps)
        path = learn_path(*ends, recipe, trainer, kind=kind, bends=bends, folder=out)
        if not trainer.workers.first:
            return EXIT_DONE
        path.save(out)
        report.expect(points)
        measured = measure(path, texts, points=points, progress=report)
    document = {
        "first": str(first),
        "second": str(second),
        "path": str(out),
        "kind": kind,
        "bends": len(path.bends),
        "alignment": alignment,
        "corpus": {text: corpus.to_json() for text, corpus in texts.corpora.items()},
        "recipe": asdict(recipe),
        **measured,
    }
    _record(context, out / "connection.json", document)
    task.draw(partial(_losses, document))
    return task.finish(document, partial(_print_connection, document))


@app.command()
def spectrum(
    context: typer.Context,
    source: Annotated[
        Path, typer.Argument(metavar="DIR", help="A checkpoint, or what `connect` made.")
    ],
    points: Annotated[int, options.count("t's along a path.")] = 11,
    raw: Annotated[
        bool,
        typer.Option("--raw", help="A checkpoint as it is: norms not folded into the matrices."),
    ] = False,
    plot: Annotated[Path | None, options.plot("the ranks along a path")] = None,
    json: options.Json = None,
) -> int:
    """Stable and effective ranks of the hidden matrices, and their norms; along a path, at many t.

    Stable rank: ||W||_F^2 / ||W||_2^2. Along a path "preserved" has a number, the largest relative
    change of the median over matrices, and "smooth transition" has two: monotonicity (1: it only
    rises, -1: it only falls) and the largest step between neighbours as a share of the whole way.
    """
    task = _task(context, models=[source])

    from numerics.gpt2.alignment import fold
    from numerics.gpt2.model import load
    from numerics.gpt2.paths import load_path, straight
    from numerics.gpt2.spectra import SUMMARIES, medians, spectra

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
    document: dict[str, Any]
    if on_path:
        along = medians(found["stable_rank"])
        document = {
            "path": str(source),
            **{key: found[key] for key in ("t", *_MEASURES)},
            "median_stable_rank": along,
            **{key: summary(along) for key, summary in SUMMARIES.items()},
        }
    else:
        at_start = {key: {name: v[0] for name, v in found[key].items()} for key in _MEASURES}
        document = {"model": str(source), **at_start}
    task.draw(partial(_ranks, document))
    return task.finish(document, partial(_print_path if on_path else _print_checkpoint, document))


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
        typer.Argument(
            metavar="CONFIG",
            help="default, second, smoke, ..., or a TOML file like theirs.",
            autocompletion=completion.studies,
        ),
    ] = "default",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the study; goes on with it.")
    ] = None,
    jobs: options.Jobs = None,
    time_budget: Annotated[
        float | None, options.time_budget("Stop after so long; it goes on another time.")
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="A folder with study.json and runs.jsonl, such as the one that is shipped: go on "
            "from there, in a new folder.",
        ),
    ] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Only say how long it would take on this machine.")
    ] = False,
    json: options.Json = None,
) -> int:
    """A whole study: ends, alignments, paths, controls; a table, a page and its claims.

    Exit code 1: a claim is false. The study smoke tests the machinery: it judges none. A study that
    was stopped goes on where it was; DIR/study.json then has the parts that are done, and
    DIR/runs.jsonl every run. Under torchrun all processes train each part together; without
    it, parts run side by side.
    """
    _load()
    from numerics.gpt2.config import Config
    from numerics.gpt2.report import claims_of, write_study_report
    from numerics.gpt2.study import CONFIG, RESULT, RUNS, Study
    from numerics.gpt2.training import torchrun_workers
    from theory.parallel import ALONE

    settings = Config.read(config)
    if estimate:
        task = Task(context.obj, [config], json=json)
        document = _estimate(settings, _jobs(jobs).cores)
        return task.finish(document, partial(_print_estimate, document))
    if out is None:
        raise InputError("out", "name a folder for the study")
    written = Folder(out, (CONFIG, RESULT, RUNS, "start.json", "index.html"))
    reads = [] if resume is None else [resume / RESULT, resume / RUNS]
    task = Task(context.obj, [config, *reads], json=json, out=written)
    with torchrun_workers() as workers:
        alone = workers.count == 1
        many = _jobs(jobs) if alone else ALONE
        with progress(at_once=not many.alone, seconds=time_budget) as report:
            document = Study(settings, out).run(
                jobs=many, workers=workers, command=context.obj, earlier=resume, progress=report
            )
        if not workers.first:
            return EXIT_DONE
    with seen("writing the report"):
        write_study_report(document, out)
    judged = claims_of(document)
    verdicts = [
        {"id": each.claim.id, "holds": each.holds, "controls": each.controls} for each in judged
    ]
    code = EXIT_DONE if all(each.holds for each in judged) else EXIT_FALSE
    show = partial(_print_study, document, judged, out)
    return task.finish(document | {"claims": verdicts}, show, code=code)


def _jobs(jobs: int | None) -> Jobs:
    """By default one for each GPU, or each core."""
    import torch

    from theory.parallel import Jobs

    return Jobs(jobs or torch.cuda.device_count() or None)


def _estimate(settings: Config, many: int) -> dict[str, Any]:
    from numerics.gpt2.estimate import estimate
    from numerics.gpt2.training import device_name, device_of

    with progress() as bar:

        def report(stage: str, count: int) -> None:
            if not sys.stderr.isatty():  # it takes most of a minute for the paper's size
                note(f"{stage}: {count}")
            bar(stage, count)

        rows = estimate(settings, progress=report)
    hours = sum(row["hours"] for row in rows)
    return {
        "study": settings.name,
        "device": device_name(device_of()),
        "jobs": many,
        "kinds": rows,
        "hours": hours,
        "hours_side_by_side": hours / many,
    }


@app.command("slice")
def cut(
    context: typer.Context,
    source: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A checkpoint, trained with --activation relu.")
    ],
    layer: Annotated[int, typer.Option(metavar="K", help="Whose MLP; 0 is the first.")] = 0,
    activations: Annotated[
        int, options.count("Points: activations at the ends of windows of text.")
    ] = 8,
    directions: Annotated[int, options.count("Of the residual stream that go in.", "D")] = 2,
    coordinate: Annotated[
        int | None,
        typer.Option(metavar="K", help="Of the residual stream to read; by default a direction."),
    ] = None,
    max_width: Annotated[int, options.count("Enumerate up to this width.", "M")] = 3,
    seed: Annotated[int, options.seed("Of the directions, of random signs.")] = 0,
    text: Training = None,
    tokenizer: Tokenizer = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for problem.json and block.json."),
    ] = None,
    json: options.Json = None,
) -> int:
    """A trained MLP on a plane of few directions, in the exact landscape of its small networks.

    Restricted to directions in and one out, an MLP of ReLUs is a two-layer network in rational
    numbers. Its problem is to say what it says at some activations: how many neurons that takes,
    in which components those that do fall, and which of these the optimizers' balls reach. What is
    in DIR every other command reads: isthmus classify DIR/block.json --problem DIR/problem.json.
    """
    written = None if out is None else Folder(out, ("problem.json", "block.json"))
    reads = [file for name in _MODEL for file in source.rglob(name)]
    task = Task(context.obj, reads, json=json, out=written)

    _load()
    from numerics.files import make_folder, write_json
    from numerics.gpt2.model import load, shape_of
    from numerics.gpt2.slices import located, slice_of

    model = load(source)
    corpora = _texts(context, shape_of(model).block, {source: model}, windows=activations)
    windows = corpora.windows("in", model.device)
    cut = slice_of(model, windows, layer=layer, directions=directions, output=coordinate, seed=seed)
    with progress() as report:
        document = {
            "model": str(source),
            "layer": layer,
            **located(cut, widths=max_width, progress=report),
        }
    if out is not None:
        make_folder(out)
        write_json(out / "problem.json", cut.problem.to_json())
        write_json(out / "block.json", cut.block.to_json())
    return task.finish(document, partial(_print_slice, document))


@app.command()
def texts(context: typer.Context, json: options.Json = None) -> int:
    """Text that goes by a name: its licence, and what it is where it is installed.

    A study's document has the same digests (SHA-256 of the text in UTF-8).
    """
    from numerics.gpt2.data import Corpus

    task = Task(context.obj, [], json=json)
    found: dict[str, dict[str, Any]] = {}
    for name, corpus in CORPORA.items():
        found[name] = {"text": corpus.what, "licence": corpus.licence, "get": corpus.get}
        try:
            found[name] |= Corpus.read([name]).to_json()
        except InputError as error:
            found[name]["missing"] = str(error)
    return task.finish({"texts": found}, partial(_print_texts, found))


# What the commands share

_MODEL = ("config.json", "model.safetensors")


def _task(
    context: typer.Context,
    names: Sequence[str] = (),
    made: str = "",
    models: Iterable[Path | None] = (),
) -> Task:
    """Outputs must not overwrite what is read: text, and models and paths, folders all of them.

    names: of files written into the folder `--out`, which must not hold the first, the record.
    """
    given = context.params
    texts = [*(given.get("text") or ()), *(given.get("other") or ()), given.get("tokenizer")]
    reads = [file for each in texts if each for file in (Path(each), *Path(each).rglob("*"))]
    found = (m.rglob(name) for m in models if m for name in (*_MODEL, "path.json"))
    reads += [file for files in found for file in files]
    plot = Path(given["plot"]) if given.get("plot") else None
    out = Folder(Path(given["out"]), tuple(names)) if names else None
    task = Task(context.obj, reads, json=given["json"], plot=plot, out=out)
    if out is not None and (out.path / names[0]).exists():
        raise InputError(str(out.path), f"holds {made}; give another folder")
    _load()
    return task


def _load() -> None:
    """What all commands need that have to do with models."""
    with seen("loading torch and transformers"):
        import numerics.gpt2.model  # noqa: F401


def _record(context: typer.Context, file: Path, document: dict[str, Any]) -> None:
    """Beside what was made, with the command."""
    from numerics.files import provenance, write_json

    write_json(file, document | provenance(context.obj))


def _recipe(context: typer.Context) -> Recipe:
    """What the options of training say, which are named as the recipe's fields."""
    from numerics.gpt2.training import Recipe

    names = {field.name for field in fields(Recipe)}
    return Recipe(**{name: value for name, value in context.params.items() if name in names})


def _texts(
    context: typer.Context,
    block: int,
    models: Mapping[Path, GPT2LMHeadModel] | None = None,
    *,
    windows: int | None = None,
) -> Texts:
    """What the options of text say; models: by their folders, which must have its vocabulary.

    windows: how many, where that is no option of its own.
    """
    from numerics.gpt2.corpora import PYTHON_DOCS, STDLIB
    from numerics.gpt2.data import Corpus, Texts, outputs

    given = context.params
    named = {"in": given["text"] or [STDLIB]}
    if "other" in given:
        named["out"] = given["other"] or [PYTHON_DOCS]
    for source in dict.fromkeys(each for sources in named.values() for each in sources):
        if left_out := ", ".join(map(str, outputs(source))):
            note(f"{source}: not read as text, as isthmus made them: {left_out}")
    tokenizer = Path(given["tokenizer"]) if given["tokenizer"] else None
    corpora = {text: Corpus.read(sources, tokenizer) for text, sources in named.items()}
    texts = Texts(corpora, block, windows or given["windows"])
    theirs = texts.training.vocabulary
    for folder, model in (models or {}).items():
        if (ours := model.config.vocab_size) != theirs:
            raise InputError(
                str(folder),
                f"has a vocabulary of {ours}, the text one of {theirs}; see --tokenizer",
            )
    return texts


@contextmanager
def _trainer(out: Path, texts: Texts) -> Iterator[tuple[Trainer, Report]]:
    """What trains models that are written into a folder, alone or under torchrun."""
    from numerics.gpt2.data import make_output
    from numerics.gpt2.training import Trainer, torchrun_workers

    with torchrun_workers() as workers, progress() as report:
        if workers.first:
            make_output(out)
        yield Trainer(texts, workers, report), report


# For people


def _print_table(rows: Sequence[Mapping[str, str]], *, title: str | None = None) -> None:
    """Rows that name their columns."""
    from rich.table import Table

    shown = Table(*rows[0], title=title)
    for row in rows:
        shown.add_row(*row.values())
    console().print(shown)


def _print_texts(found: Mapping[str, Mapping[str, Any]]) -> None:
    _print_table(
        [
            {
                "name": name,
                "text": corpus["text"],
                "licence": corpus["licence"],
                "bytes": f"{corpus['training'] + corpus['held_out']:,}"
                if "sha256" in corpus
                else "not installed",
                "SHA-256": corpus.get("sha256", "")[:16],
            }
            for name, corpus in found.items()
        ]
    )
    for corpus in found.values():
        if "missing" in corpus:
            print(corpus["missing"])


def _print_slice(document: Mapping[str, Any]) -> None:
    print(
        f"{document['points']} activations in {document['directions']} directions, which keep "
        f"{document['kept']:.2%} of their squares"
    )
    print(
        f"{document['neurons']} neurons, in {document['occupied']} states of "
        f"{2 * document['cones']}; without any the loss is {document['loss_of_zero']:.3g}"
    )
    _print_table(
        [
            {
                "width": str(row["width"]),
                "least loss": "0, exactly" if row["exact"] else f"{row['least_loss']:.3g}",
                "components": str(row["components"]),
                "lowest barrier": "" if row["barrier"] is None else f"{row['barrier']:.3g}",
            }
            for row in document["widths"]
        ]
    )
    if document["reason"]:
        print(f"no further width: {document['reason']}")
    if "radii" in document:
        _print_table(
            [
                {
                    "optimizer": OPTIMIZERS[name],
                    "rho of the block": f"{found['block']:.4g}",
                    "least rho of each component at the last width": ", ".join(
                        f"{upper:.4g}" for _, upper in found["components"]
                    ),
                }
                for name, found in document["radii"].items()
            ]
        )


def _print_connection(document: Mapping[str, Any]) -> None:
    _print_table(
        [
            {
                "text": TEXTS[text],
                "loss at t = 0": f"{losses[0]:.4f}",
                "at t = 1": f"{losses[-1]:.4f}",
                "highest": f"{document['maximum'][text]:.4f}",
                "barrier": f"{document['barrier'][text]:.4f}",
            }
            for text, losses in document["loss"].items()
        ]
    )
    print(f"path: {document['path']}")


def _print_checkpoint(document: Mapping[str, Any]) -> None:
    measured = {words: document[key] for key, words in _MEASURES.items()}
    _print_table(
        [
            {"matrix": name, **{words: f"{each[name]:.4g}" for words, each in measured.items()}}
            for name in document["stable_rank"]
        ]
    )


def _losses(document: Mapping[str, Any]) -> Figure:
    from numerics.gpt2.plots import draw_connection
    from numerics.pictures.style import panel

    return panel(partial(draw_connection, measured=document))


def _ranks(document: Mapping[str, Any]) -> Figure:
    from numerics.gpt2.plots import draw_kinds
    from numerics.pictures.style import panel

    return panel(partial(draw_kinds, along=document))


def _print_path(document: Mapping[str, Any]) -> None:
    kinds: dict[str, list[Sequence[float]]] = {}
    for name, ranks in document["stable_rank"].items():
        kinds.setdefault(name.partition(".")[2], []).append(ranks)
    columns = {"t": document["t"]}
    for kind, layers in kinds.items():
        columns[kind] = [statistics.median(ranks) for ranks in zip(*layers, strict=True)]
    columns["all"] = document["median_stable_rank"]
    rows = zip(*columns.values(), strict=True)
    _print_table(
        [{key: f"{v:.3g}" for key, v in zip(columns, row, strict=True)} for row in rows],
        title="stable rank, the median over layers, and over all matrices",
    )
    jump = document["largest_jump"]
    print(f"largest change of the median {document['change']:.3g}")
    print(f"monotonicity {document['monotonicity']:.3g}")
    print(f"largest jump {'none' if jump is None else format(jump, '.3g')}")


def _print_study(document: Mapping[str, Any], judged: Sequence[Judged], out: Path) -> None:
    from numerics.gpt2.report import TOO_SMALL, model_row, pair_rows

    _print_table(pair_rows(document))
    _print_table([model_row(*end) for end in document["ends"].items()])
    screen = console()
    if not judged:
        screen.print(TOO_SMALL)
    for each in judged:
        screen.print(f"{each.claim.id} {each.verdict}", style="bold")
        for control in each.controls:
            screen.print(f"  a control explains it too: {control}")
    print(f"report: {out / 'index.html'}")


def _print_estimate(document: Mapping[str, Any]) -> None:
    kinds, many = document["kinds"], document["jobs"]
    _print_table(
        [
            {
                "work": row["kind"],
                "parts": str(row["parts"]),
                "steps": f"{row['steps']:,}",
                "tokens / s": f"{row['tokens_per_step'] / row['seconds_per_step']:,.0f}",
                "hours": _hours(row["hours"]),
            }
            for row in kinds
        ]
    )
    tokens = sum(row["steps"] * row["tokens_per_step"] for row in kinds)
    hours, side_by_side = (_hours(document[key]) for key in ("hours", "hours_side_by_side"))
    console().print(
        f"study {document['study']} on {document['device']}: {tokens:.2g} tokens, "
        f"{hours} hours of computing, {side_by_side} with {many} at a time"
    )


def _hours(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
