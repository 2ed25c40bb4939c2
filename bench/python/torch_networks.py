"""The networks of bench/networks.ts in PyTorch; parameters in the same order and layout."""

import torch
from torch import nn
from torch.nn import functional as F


def mnist_cnn() -> nn.Module:
    return nn.Sequential(
        nn.ZeroPad2d((3, 4, 3, 4)),
        nn.Conv2d(1, 16, 8, stride=2),
        nn.ReLU(),
        nn.MaxPool2d(2, 1),
        nn.Conv2d(16, 32, 4, stride=2),
        nn.ReLU(),
        nn.MaxPool2d(2, 1),
        nn.Flatten(),
        nn.Linear(512, 32),
        nn.ReLU(),
        nn.Linear(32, 10),
    )


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Linear(784, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10)
    )


class Block(nn.Module):
    """relu(norm conv relu norm conv x + shortcut), the shortcut without parameters."""

    def __init__(self, own: int, channels: int) -> None:
        super().__init__()
        self.stride = 1 if own == channels else 2
        self.more = channels - own
        self.conv1 = nn.Conv2d(own, channels, 3, stride=self.stride, padding=1, bias=False)
        self.norm1 = nn.GroupNorm(16, channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.GroupNorm(16, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        shortcut = x if self.stride == 1 else F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, self.more))
        return F.relu(y + shortcut)


def resnet20() -> nn.Module:
    widths = [16, 16, 16, 16, 32, 32, 32, 64, 64, 64]
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.GroupNorm(16, 16),
        nn.ReLU(),
        *(Block(own, channels) for own, channels in zip(widths, widths[1:])),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


class Lstm(nn.Module):
    """`recurrent` makes the recurrent layer: nn.LSTM, or one that knows the gradients of samples."""

    def __init__(self, recurrent=nn.LSTM) -> None:
        super().__init__()
        self.lstm = recurrent(64, 128, batch_first=True)
        self.linear = nn.Linear(128, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(self.lstm(x)[0][:, -1])


class Transformer(nn.Module):
    """One block with normalisation first, the mean over positions, and an affine map."""

    def __init__(self, features: int = 256, heads: int = 8) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(features)
        self.inward = nn.Linear(features, 3 * features)
        self.outward = nn.Linear(features, features)
        self.norm2 = nn.LayerNorm(features)
        self.linear1 = nn.Linear(features, 4 * features)
        self.linear2 = nn.Linear(4 * features, features)
        self.linear = nn.Linear(features, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, t, e = x.shape
        qkv = self.inward(self.norm1(x)).reshape(n, t, 3, self.heads, e // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        weights = torch.softmax(q @ k.transpose(-1, -2) * (e // self.heads) ** -0.5, -1)
        attended = (weights @ v).transpose(1, 2).reshape(n, t, e)
        h = x + self.outward(attended)
        y = h + self.linear2(F.gelu(self.linear1(self.norm2(h))))
        return self.linear(y.mean(1))


NETWORKS = {
    "mnist-cnn": mnist_cnn,
    "resnet-20": resnet20,
    "mlp": mlp,
    "lstm": Lstm,
    "transformer": Transformer,
}


def ordered(model: nn.Module) -> list[nn.Parameter]:
    """The parameters in the order of the problem: of a recurrent layer the weights, then the biases, whoever wrote it."""
    named = list(model.named_parameters())
    if not isinstance(model, Lstm):
        return [p for _, p in named]
    recurrent = sorted((pair for pair in named if "lstm" in pair[0]), key=lambda pair: ".bias" in pair[0])
    return [p for _, p in recurrent] + [p for name, p in named if "lstm" not in name]


def network(name: str, params: list, **options) -> nn.Module:
    """The network with these numbers."""
    model = NETWORKS[name](**options)
    own = ordered(model)
    if [tuple(p.shape) for p in own] != [leaf.shape for leaf in params]:
        raise ValueError(f"{name}: the parameters have other shapes in PyTorch")
    with torch.no_grad():
        for p, leaf in zip(own, params):
            p.copy_(torch.from_numpy(leaf.copy()))
    return model
