"""PyTorch on the CPU with all threads and channels last, eager or through `torch.compile`.

An epoch takes its batches by index from tensors in memory, which is much faster than a `DataLoader` over single
examples. The loss and the number of right answers are summed as tensors, so that no step waits for them.
"""

from __future__ import annotations

import os
import shutil
from typing import Any

import torch
from torch.nn import functional as F

from benchmarks.contestants.base import Unavailable, batches_of_each_size
from benchmarks.contestants.torch_nets import NETS
from benchmarks.data import Data
from benchmarks.workloads import Optimizer, Workload

torch.set_num_threads(os.cpu_count() or 1)


def as_tensor(x: Any) -> torch.Tensor:
    """Images become channels first, with the channels last in memory."""
    tensor = torch.from_numpy(x)
    if tensor.ndim < 4:
        return tensor
    return tensor.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


def make_model(workload: Workload) -> torch.nn.Module:
    torch.manual_seed(0)
    return NETS[workload.net.name]().to(memory_format=torch.channels_last)


def make_optimizer(optimizer: Optimizer, model: torch.nn.Module) -> torch.optim.Optimizer:
    weights = [p for p in model.parameters() if p.requires_grad]
    if optimizer.name == "adam":
        return torch.optim.Adam(weights, lr=optimizer.rate)
    return torch.optim.SGD(weights, lr=optimizer.rate, momentum=0.9)


def count_weights(model: torch.nn.Module) -> int:
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


class Training:
    def __init__(self, workload: Workload, data: Data, model: Any) -> None:
        self.workload, self.data = workload, data
        self.model, self.parameters = model, count_weights(model)
        self.optimizer = make_optimizer(workload.optimizer, model)
        self.x, self.y = as_tensor(data.x), torch.from_numpy(data.y).long()
        self.loss, self.right = torch.zeros(()), torch.zeros((), dtype=torch.long)

    def _step(self, x: torch.Tensor, y: torch.Tensor) -> None:
        self.optimizer.zero_grad()
        logits = self.model(x)
        loss = F.cross_entropy(logits, y)
        loss.backward()
        self.optimizer.step()
        self.loss += loss.detach() * len(y)
        self.right += (logits.detach().argmax(1) == y).sum()

    def warm_up(self) -> None:
        if self.workload.kind != "epochs":
            self.run(1)
            return
        self.model.train()
        for x, _ in batches_of_each_size(self.data, self.workload.batch):
            self._step(self.x[: len(x)], self.y[: len(x)])

    def run(self, units: int) -> None:
        self.model.train()
        for _ in range(units):
            if self.workload.kind != "epochs":
                self._step(self.x, self.y)
                continue
            for rows in torch.randperm(len(self.x)).split(self.workload.batch):
                self._step(self.x[rows], self.y[rows])

    def accuracy(self) -> float:
        self.model.eval()
        x, y = as_tensor(self.data.x_test), torch.from_numpy(self.data.y_test)
        with torch.inference_mode():
            batches = zip(x.split(1000), y.split(1000), strict=True)
            right = sum(int((self.model(a).argmax(1) == b).sum()) for a, b in batches)
        return right / len(y)


class Answers:
    def __init__(self, workload: Workload, data: Data, model: Any) -> None:
        self.model, self.parameters, self.x = model.eval(), count_weights(model), as_tensor(data.x)

    def warm_up(self) -> None:
        self.run(1)

    def run(self, units: int) -> None:
        with torch.inference_mode():
            for _ in range(units):
                self.model(self.x).softmax(1)

    def accuracy(self) -> float:
        raise NotImplementedError("nothing was learned")


def build(workload: Workload, data: Data, style: str) -> Any:
    model: Any = make_model(workload)
    if style == "compile":
        if not any(shutil.which(name) for name in (os.environ.get("CXX", "c++"), "g++", "clang++")):
            raise Unavailable("torch.compile needs a C++ compiler; there is none")
        torch._dynamo.reset()
        model = torch.compile(model, dynamic=False)
    return Answers(workload, data, model) if workload.kind == "answer" else Training(workload, data, model)
