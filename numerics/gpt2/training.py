"""One trainer of whatever has a loss on windows of text: models, bends of paths, alignments.

The optimizer of the hidden matrices is an argument: AdamW, Muon, with query, key and value
orthogonalised one by one, Kaon, or Muon on some kinds of matrices and AdamW on the rest.
Everything else (embeddings, head, biases, norms) is AdamW's. Batches depend on the seed and the
step alone, and in one thread of one kind of processor the same training gives the same bits, also
where it was stopped and went on. Several processes give the bits of one that takes its batches in
as many parts; other sums round otherwise, which training enlarges: see
proofs_notes/gpt2-reproducible.md.

>>> from numerics.gpt2.data import Corpus, Texts
>>> from numerics.gpt2.model import LanguageModel, Shape, build
>>> model = build(Shape(layers=1, width=8, heads=2, block=8), seed=0)
>>> recipe = Recipe("muon", steps=20, batch=4)
>>> texts = Texts({"in": Corpus.read(["python-docs"])}, block=8, count=4)
>>> history = Trainer(texts).fit(LanguageModel(model), recipe)
>>> print(history[-1]["step"], history[-1]["loss"] < history[1]["loss"])
20 True

Sources: Loshchilov, Hutter, "Decoupled weight decay regularization", ICLR 2019; Jordan et al.,
"Muon: an optimizer for hidden layers in neural networks", 2024; Hu et al., "MiniCPM", 2024, for the
schedule that warms up, stays and decays.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import safetensors.torch
import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from numerics.files import make_folder, write
from numerics.gpt2.data import Corpus, Texts
from numerics.gpt2.kaon import Kaon
from numerics.gpt2.model import is_hidden, split_hidden
from numerics.gpt2.muon import Muon
from numerics.gpt2.names import KINDS, OPTIMIZERS, kind_of, rule
from theory.errors import InputError
from theory.problem import positive_integer
from theory.types import Progress, silent

Record: TypeAlias = dict[str, Any]
"""What is known after some step."""

SCHEDULES = ("cosine", "wsd")
PRECISIONS = ("auto", "float32", "bfloat16")

BETAS = (0.9, 0.95)  # AdamW's, as usual for language models
MOMENTUM = 0.95  # Muon's

RECORDS = 20
"""In a whole training, beside the start; so often is the state saved."""

_STATE = "state.safetensors"


@dataclass(frozen=True)
class Recipe:
    """How to train.

    optimizer: of the hidden matrices, one of OPTIMIZERS. batch: windows in each step, of all
    processes together, taken in `accumulation` parts one after the other. learning_rate: AdamW's;
    muon_learning_rate: of the hidden matrices that Muon or Kaon has. weight_decay: decoupled, of
    all but vectors; muon_weight_decay: of those matrices, where it is another one. schedule: the
    rate rises linearly over the first `warmup` of the steps; "cosine" then lowers it to `floor` of
    its height, "wsd" keeps it and lowers it linearly over the last `decay` of the steps. clip: the
    longest gradient. precision: bfloat16 is mixed; "auto" takes it on a GPU. seed: of the batches.

    Raises InputError for names that are not known and numbers out of range.
    """

    optimizer: str = "adamw"
    steps: int = 1500
    batch: int = 32
    accumulation: int = 1
    learning_rate: float = 4e-3
    muon_learning_rate: float = 0.03
    weight_decay: float = 0.1
    muon_weight_decay: float | None = None
    schedule: str = "cosine"
    warmup: float = 0.05
    decay: float = 0.2
    floor: float = 0.05
    clip: float = 1.0
    precision: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "accumulation"):
            positive_integer(getattr(self, name), name)
        object.__setattr__(self, "optimizer", self.optimizer.lower())
        known = {"optimizer": OPTIMIZERS, "schedule": SCHEDULES, "precision": PRECISIONS}
        for name, names in known.items():
            if getattr(self, name) not in names:
                raise InputError(name, f"{getattr(self, name)!r} is not one of {', '.join(names)}")
        for name in ("learning_rate", "muon_learning_rate", "clip"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(name, f"{getattr(self, name)} must be positive")
        for name in ("warmup", "decay", "floor", "weight_decay"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(name, f"{getattr(self, name)} must be between 0 and 1")
        if self.muon_weight_decay is not None and not 0 <= self.muon_weight_decay <= 1:
            raise InputError(
                "muon_weight_decay", f"{self.muon_weight_decay} must be between 0 and 1"
            )
        if self.seed < 0:
            raise InputError("seed", f"{self.seed} must not be negative")

    def height(self, step: int) -> float:
        """The learning rate of a step, 0 .. steps - 1, relative to its greatest."""
        warm = math.ceil(self.warmup * self.steps)
        if step < warm:
            return (step + 1) / warm
        if self.schedule == "wsd":
            left = (self.steps - step) / max(self.decay * self.steps, 1)
            return self.floor + (1 - self.floor) * min(1, left)
        passed = (step - warm) / max(self.steps - 1 - warm, 1)
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * passed)) / 2

    def highest(self, kind: str) -> float:
        """The greatest learning rate of the hidden matrices of a kind."""
        by_adamw = rule(self.optimizer, kind) == "adamw"
        return self.learning_rate if by_adamw else self.muon_learning_rate

    def decay_of(self, kind: str) -> float:
        """The weight decay of the hidden matrices of a kind."""
        by_adamw = rule(self.optimizer, kind) == "adamw"
        other = self.weight_decay if self.muon_weight_decay is None else self.muon_weight_decay
        return self.weight_decay if by_adamw else other

    def hidden_rates(self, kind: str = KINDS[0]) -> list[float]:
        """The learning rate of the hidden matrices of a kind in each step."""
        highest = self.highest(kind)
        return [highest * self.height(step) for step in range(self.steps)]


@dataclass(frozen=True)
class Workers:
    """The processes that train one module together, and the device of this one."""

    rank: int = 0
    count: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def first(self) -> bool:
        """Whether this process writes files."""
        return self.rank == 0

    def mean(self, value: Float[Tensor, ""]) -> float:
        """Of what each process has."""
        if self.count > 1:
            torch.distributed.all_reduce(value)
        return float(value) / self.count

    def wait(self) -> None:
        """Until all are here: what the first has written is then there for all."""
        if self.count > 1:
            torch.distributed.barrier()


ALONE = Workers()
"""This process, on the CPU."""


def device_of(worker: int = 0) -> torch.device:
    """The GPU of a worker, where there is one."""
    if torch.cuda.is_available():
        return torch.device("cuda", worker % torch.cuda.device_count())
    return torch.device("cpu")


def device_name(device: torch.device) -> str:
    """For people: the GPU's name, or CPU."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


@contextlib.contextmanager
def torchrun_workers() -> Iterator[Workers]:
    """The processes that torchrun has started; without it, this one alone."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    device = device_of(int(os.environ.get("LOCAL_RANK", "0")))
    if count == 1:
        yield Workers(device=device)
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Workers(torch.distributed.get_rank(), count, device)
    finally:
        torch.distributed.destroy_process_group()


class _Optimizers:
    """What trains the parameters of a module, each by its rule, with one schedule."""

    def __init__(self, module: nn.Module, recipe: Recipe) -> None:
        matrices: list[Tensor] = []
        vectors: list[Tensor] = []
        others: dict[str, list[nn.Parameter]] = {"muon": [], "kaon": []}  # by rule
        # Parameters that are not AdamW's as a whole, with views of the matrices in each.
        self._split: list[tuple[Tensor, list[nn.Parameter]]] = []
        for name, parameter in module.named_parameters():
            if not parameter.requires_grad:
                continue
            if recipe.optimizer == "adamw" or not is_hidden(name):
                (matrices if parameter.ndim > 1 else vectors).append(parameter)
                continue
            views = {k: nn.Parameter(v) for k, v in split_hidden(name, parameter.data).items()}
            self._split.append((parameter, list(views.values())))
            for matrix, view in views.items():
                others.get(rule(recipe.optimizer, kind_of(matrix)), matrices).append(view)
        groups = [
            {"params": matrices, "weight_decay": recipe.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ]
        groups = [group for group in groups if group["params"]]
        self.each: list[torch.optim.Optimizer] = []
        if groups:
            self.each.append(torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=BETAS))
        decay = recipe.muon_weight_decay
        options: dict[str, Any] = {
            "lr": recipe.muon_learning_rate,
            "weight_decay": recipe.weight_decay if decay is None else decay,
            "momentum": MOMENTUM,
        }
        for name, make in (("muon", Muon), ("kaon", Kaon)):
            if others[name]:
                self.each.append(make(others[name], **options))
        self._rates = [optimizer.param_groups[0]["lr"] for optimizer in self.each]

    def step(self, height: float) -> None:
        """One step at so much of the greatest learning rates."""
        for parameter, views in self._split:
            assert parameter.grad is not None
            for view, part in zip(views, parameter.grad.chunk(len(views), dim=1), strict=True):
                view.grad = part.T
        for optimizer, rate in zip(self.each, self._rates, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * height
            optimizer.step()

    def state(self) -> dict[str, Tensor]:
        """Moments, by optimizer, parameter and name."""
        return {
            f"{k}.{index}.{name}": value
            for k, optimizer in enumerate(self.each)
            for index, state in optimizer.state_dict()["state"].items()
            for name, value in state.items()
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """What `state` gave."""
        for k, optimizer in enumerate(self.each):
            document = optimizer.state_dict()
            document["state"] = {}
            for key, value in state.items():
                which, index, name = key.split(".")
                if int(which) == k:
                    document["state"].setdefault(int(index), {})[name] = value
            optimizer.load_state_dict(document)


@dataclass(frozen=True)
class Trainer:
    """What trains on some text, in some processes; progress: told how far each training is."""

    texts: Texts
    workers: Workers = ALONE
    progress: Progress = silent

    def fit(
        self,
        module: nn.Module,
        recipe: Recipe,
        *,
        folder: Path | None = None,
        watch: Callable[[], Mapping[str, Any]] = dict,
    ) -> list[Record]:
        """Train a module in place; what was recorded on the way, from step 0 to the last.

        module: called with windows (b, block + 1) of tokens and a number t, uniform in [0, 1) and
        the same for the whole step, it returns its mean loss over the windows; parameters without
        gradients stay. folder: where the state is saved on the way, and taken up again; nothing of
        it is left when all is done. watch: further things to record, by the first process. Each
        record has the step, the mean loss on the batches since the last one (None at step 0) and
        the seconds so far. `progress` may raise Interrupted, which then leaves; the state of the
        last record is there.

        Raises InputError where the batch does not divide among processes and parts, where the
        folder has a state of another recipe, start or text, and where the loss is no longer finite.
        """
        workers, texts = self.workers, self.texts
        size, rest = divmod(recipe.batch, workers.count * recipe.accumulation)
        if rest or not size:
            raise InputError(
                "batch",
                f"{recipe.batch} must be a multiple of the processes times the accumulation, "
                f"{workers.count} x {recipe.accumulation}",
            )
        device = workers.device
        module.to(device)
        optimizers = _Optimizers(module, recipe)
        together: Any = module
        if workers.count > 1:
            together = DistributedDataParallel(
                module, device_ids=[device] if device.type == "cuda" else None
            )
        precision = torch.autocast(
            device.type,
            torch.bfloat16,
            enabled=recipe.precision == "bfloat16"
            or (recipe.precision == "auto" and device.type == "cuda"),
        )
        trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
        state = _State(folder, recipe, module, texts.training, optimizers) if folder else None
        history = state.restore() if state else []
        records = {round(k * recipe.steps / RECORDS) for k in range(RECORDS + 1)}
        stage = f"training with {recipe.optimizer}, steps"
        begun, before = time.perf_counter(), history[-1]["seconds"] if history else 0.0
        step = history[-1]["step"] if history else 0
        losses: list[Tensor] = []

        def record() -> None:
            mean = workers.mean(torch.stack(losses).mean()) if losses else None
            seconds = round(before + time.perf_counter() - begun, 4)
            seen = watch() if workers.first else {}
            history.append({"step": step, "loss": mean, "seconds": seconds, **seen})
            losses.clear()
            if state and workers.first:
                state.save(history)

        if not history:
            record()
        while step < recipe.steps:
            self.progress(stage, step)
            windows = texts.training.batch(
                step=step, seed=recipe.seed, size=recipe.batch, block=texts.block
            )
            parts = torch.split(windows.to(device), size)[workers.rank :: workers.count]
            t = np.random.default_rng(
                [recipe.seed, step, 1]
            ).random()  # [seed, step] draws the batch
            for k, part in enumerate(parts, 1):
                alone = workers.count > 1 and k < len(parts)
                with together.no_sync() if alone else contextlib.nullcontext():
                    with precision:
                        loss = together(part, t)
                    (loss / len(parts)).backward()
                losses.append(loss.detach())
            norm = nn.utils.clip_grad_norm_(trained, recipe.clip)
            if not norm.isfinite():
                raise InputError("learning_rate", f"is too high: the loss diverges in step {step}")
            optimizers.step(recipe.height(step))
            module.zero_grad()
            step += 1
            if step in records:
                record()
        if state:
            workers.wait()
            if workers.first:
                state.remove()
        return history


def _origin(module: nn.Module, corpus: Corpus) -> str:
    """Tells what training began with: all parameters, the frozen ones too, and the text."""
    found = hashlib.sha256(corpus.training.tobytes())
    for name, parameter in module.named_parameters():
        found.update(name.encode() + parameter.detach().cpu().numpy().tobytes())
    return found.hexdigest()


class _State:
    """Parameters, moments and records of unfinished training, in one file, written atomically."""

    def __init__(
        self,
        folder: Path,
        recipe: Recipe,
        module: nn.Module,
        corpus: Corpus,
        optimizers: _Optimizers,
    ) -> None:
        make_folder(folder)
        self._origin = _origin(module, corpus)
        self._path, self._recipe, self._optimizers = folder / _STATE, asdict(recipe), optimizers
        self._parameters = {
            name: parameter.data
            for name, parameter in module.named_parameters()
            if parameter.requires_grad
        }

    def save(self, history: list[Record]) -> None:
        """After the last record."""
        tensors = {f"parameter.{name}": value for name, value in self._parameters.items()}
        tensors |= {f"moment.{name}": value for name, value in self._optimizers.state().items()}
        text = {
            "recipe": json.dumps(self._recipe),
            "origin": self._origin,
            "history": json.dumps(history),
        }
        tensors = {name: value.contiguous() for name, value in tensors.items()}
        write(self._path, safetensors.torch.save(tensors, text))

    def restore(self) -> list[Record]:
        """Take up what was saved, if anything was; the records so far."""
        if not self._path.exists():
            return []
        try:
            with safe_open(self._path, "pt") as file:
                text = file.metadata()
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            recipe, history = json.loads(text["recipe"]), json.loads(text["history"])
            origin = text["origin"]
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                str(self._path), f"is no saved state; remove it to start anew ({error})"
            ) from None
        if recipe != self._recipe:
            differ = ", ".join(k for k in self._recipe if recipe.get(k) != self._recipe[k])
            raise InputError(
                str(self._path), f"is of another recipe ({differ}); remove it or take its recipe"
            )
        if origin != self._origin:
            raise InputError(
                str(self._path), "is of another model or text; remove it to start anew"
            )
        for name, value in self._parameters.items():
            value.copy_(tensors[f"parameter.{name}"])
        self._optimizers.restore(
            {
                name.removeprefix("moment."): value
                for name, value in tensors.items()
                if name.startswith("moment.")
            }
        )
        records: list[Record] = history
        return records

    def remove(self) -> None:
        """When all is done; with the folder, if nothing else is there."""
        self._path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._path.parent.rmdir()
