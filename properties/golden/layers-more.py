"""Cases in the format of layers.json for more layers, options and losses: `python layers-more.py > layers-more.json`.

PyTorch 2.14 autograd in float64, one sample at a time. Needs torch alone.
"""
import json
import sys

import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
BATCH = 3
cases = []


def numbers(t):
    t = t.detach()
    return {"shape": list(t.shape), "data": [float(f"{v:.14g}") for v in t.reshape(-1).tolist()]}


def case(name, layer, config, module, x, loss="mse", target=None, loss_fn=None, loss_config=None):
    """One case: `x` are its samples, each of which goes through the module alone, with a batch axis of 1."""
    params = dict(module.named_parameters())
    with torch.no_grad():
        for p in params.values():
            p.copy_(torch.randn_like(p) * 0.4)
    outputs, losses, grads, input_grads = [], [], [], []
    if target is None:
        with torch.no_grad():
            target = torch.randn_like(torch.cat([module(x[n : n + 1]) for n in range(len(x))]))
    loss_fn = loss_fn or (lambda y, t: F.mse_loss(y, t))
    for n in range(len(x)):
        z = x[n : n + 1].clone()
        floating = z.is_floating_point()
        if floating:
            z.requires_grad_()
        y = module(z)
        value = loss_fn(y, target[n : n + 1])
        wanted = list(params.values()) + ([z] if floating else [])
        found = torch.autograd.grad(value, wanted, allow_unused=True)
        found = [torch.zeros_like(w) if g is None else g for w, g in zip(wanted, found)]
        outputs.append(y)
        losses.append(value.item())
        grads.append(found[: len(params)])
        if floating:
            input_grads.append(found[-1])
    squared = [sum(float((g * g).sum()) for g in own) for own in grads]
    cases.append(
        {
            "name": name,
            "layer": layer,
            "config": config,
            "loss": loss,
            **({} if loss_config is None else {"lossConfig": loss_config}),
            "batch": len(x),
            "params": {k: numbers(v) for k, v in params.items()},
            "input": numbers(x.to(torch.float64)),
            "target": numbers(target.to(torch.float64)),
            "expected": {
                "output": numbers(torch.cat(outputs)),
                "losses": [float(f"{v:.14g}") for v in losses],
                "perSampleGrad": {k: numbers(torch.stack([own[i] for own in grads])) for i, k in enumerate(params)},
                "squaredNorm": [float(f"{v:.14g}") for v in squared],
                "inputGrad": numbers(torch.cat(input_grads)) if input_grads else None,
            },
        }
    )


torch.manual_seed(2)
R = torch.randn

# --- convolutions -------------------------------------------------------------------------------------------------
CONV = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}


def conv(rank, cin, cout, extents, **options):
    words = {"kernel_size": "kernelSize", "padding_mode": "paddingMode", "output_padding": "outputPadding"}
    config = {"inChannels": cin, "outChannels": cout}
    config |= {words.get(k, k): list(v) if isinstance(v, tuple) else v for k, v in options.items()}
    transposed = options.pop("transposed", False)
    config.pop("transposed", None)
    module = (TRANSPOSED if transposed else CONV)[rank](cin, cout, **options)
    layer = f"conv{'Transpose' if transposed else ''}{rank}d"
    name = " ".join([layer] + [f"{k} {v}" for k, v in config.items() if k not in ("inChannels", "outChannels")])
    case(name, layer, config, module, R(BATCH, cin, *extents))


conv(1, 2, 3, [6], kernel_size=4, padding="same", dilation=1)
conv(1, 2, 2, [6], kernel_size=3, padding=2, padding_mode="reflect", stride=2)
conv(1, 3, 6, [5], kernel_size=2, groups=3, bias=False, padding="valid")
for mode in ("reflect", "replicate", "circular"):
    conv(2, 2, 3, [4, 5], kernel_size=3, padding=(1, 2), padding_mode=mode)
conv(2, 2, 2, [5, 4], kernel_size=(2, 3), padding="same", dilation=(1, 2), padding_mode="circular")
conv(2, 2, 4, [5, 5], kernel_size=3, padding="same", groups=2)
conv(2, 3, 6, [5, 5], kernel_size=3, stride=2, padding=1, groups=3)
conv(2, 4, 4, [4, 4], kernel_size=3, padding=1, groups=4, bias=False)
conv(3, 1, 2, [3, 3, 4], kernel_size=(2, 2, 3), stride=(1, 2, 1), padding=(1, 0, 1), dilation=(1, 1, 1))
conv(3, 2, 2, [3, 3, 3], kernel_size=2, padding=1, padding_mode="circular", groups=2)
conv(3, 1, 1, [3, 3, 3], kernel_size=2, padding="same", padding_mode="replicate", bias=False)
conv(1, 2, 3, [4], kernel_size=3, stride=2, padding=1, output_padding=1, transposed=True)
conv(1, 4, 2, [4], kernel_size=2, stride=3, groups=2, dilation=2, bias=False, transposed=True)
conv(2, 2, 3, [3, 2], kernel_size=(3, 2), stride=2, padding=1, output_padding=(1, 0), transposed=True)
conv(2, 4, 4, [3, 3], kernel_size=3, groups=2, dilation=2, bias=False, transposed=True)
conv(3, 2, 2, [2, 2, 3], kernel_size=2, stride=2, padding=(1, 0, 0), output_padding=(0, 1, 0), transposed=True)
conv(3, 2, 4, [2, 2, 2], kernel_size=(2, 1, 2), groups=2, bias=False, transposed=True)

# --- tables -------------------------------------------------------------------------------------------------------


class Bag(nn.Module):
    def __init__(self, *args, **options):
        super().__init__()
        self.e = nn.EmbeddingBag(*args, **options)

    def forward(self, x):
        return self.e(x)


BAGS = torch.tensor([[1, 4, 4, 2, 1], [2, 2, 2, 0, 3], [5, 2, 1, 5, 5]])
for mode in ("sum", "mean", "max"):
    for padding in (None, 2):
        config = {"numEmbeddings": 6, "embeddingDim": 3, "mode": mode}
        config |= {} if padding is None else {"paddingIdx": padding}
        case(f"embedding bag {mode}, duplicates, padding {padding}", "embeddingBag", config, Bag(6, 3, mode=mode, padding_idx=padding), BAGS)

WEIGHTED = torch.stack([BAGS.to(torch.float64), R(3, 5)], dim=1)


class WeightedBag(Bag):
    def forward(self, x):
        return self.e(x[:, 0].to(torch.int64), per_sample_weights=x[:, 1])


case("embedding bag with weights", "embeddingBag", {"numEmbeddings": 6, "embeddingDim": 3, "mode": "sum", "perSampleWeights": True}, WeightedBag(6, 3, mode="sum"), WEIGHTED)
case("embedding of a matrix of tokens", "embedding", {"numEmbeddings": 6, "embeddingDim": 2}, nn.Embedding(6, 2), torch.tensor([[[1, 1], [3, 0]], [[2, 2], [2, 2]], [[5, 4], [3, 2]]]))

# --- normalisation ------------------------------------------------------------------------------------------------
case("layer norm without bias", "layerNorm", {"normalizedShape": [5], "eps": 1e-5, "bias": False}, nn.LayerNorm(5, bias=False), R(BATCH, 2, 5))
case("layer norm without affine", "sequential", {"layers": ["linear 4 5", "layerNorm 5 affine 0", "linear 5 2"]}, nn.Sequential(nn.Linear(4, 5), nn.LayerNorm(5, elementwise_affine=False), nn.Linear(5, 2)), R(BATCH, 2, 4))
case("group norm without affine", "sequential", {"layers": ["conv2d 2 4 2", "groupNorm 2 4 affine 0"]}, nn.Sequential(nn.Conv2d(2, 4, 2), nn.GroupNorm(2, 4, affine=False)), R(BATCH, 2, 3, 3))
case("group norm of sequences", "groupNorm", {"numGroups": 3, "numChannels": 6, "eps": 1e-3}, nn.GroupNorm(3, 6, eps=1e-3), R(BATCH, 6, 4))
case("instance norm 1d", "instanceNorm1d", {"numFeatures": 3, "affine": True, "eps": 1e-5}, nn.InstanceNorm1d(3, affine=True), R(BATCH, 3, 5))
case("instance norm 3d", "instanceNorm3d", {"numFeatures": 2, "affine": True, "eps": 1e-5}, nn.InstanceNorm3d(2, affine=True), R(BATCH, 2, 2, 3, 2))
case("rms norm over two axes", "rmsNorm", {"normalizedShape": [2, 3], "eps": 1e-6}, nn.RMSNorm([2, 3], eps=1e-6), R(BATCH, 2, 2, 3))

# --- recurrent layers ---------------------------------------------------------------------------------------------


class Recurrent(nn.Module):
    def __init__(self, kind, *args, masked=False, **options):
        super().__init__()
        self.r = kind(*args, batch_first=True, **options)
        self.masked = masked

    def forward(self, x):
        if not self.masked:
            return self.r(x)[0]
        mask = x[:, :, -1:]
        lengths = (mask > 0).sum(dim=(1, 2))
        packed = nn.utils.rnn.pack_padded_sequence(x[:, :, :-1], lengths, batch_first=True)
        y, _ = nn.utils.rnn.pad_packed_sequence(self.r(packed)[0], batch_first=True, total_length=x.shape[1])
        return torch.cat([y, (mask > 0).to(y.dtype)], dim=2)


def recurrent(layer, kind, masked=False, **options):
    words = {"num_layers": "numLayers"}
    config = {"inputSize": 2, "hiddenSize": 3} | {words.get(k, k): v for k, v in options.items()} | ({"masked": True} if masked else {})
    x = R(BATCH, 4, 2)
    if masked:
        x = torch.cat([x, torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]], dtype=x.dtype)[:, :, None]], dim=2)
    name = " ".join([layer] + [f"{k} {v}" for k, v in config.items() if k not in ("inputSize", "hiddenSize")])
    case(name, layer, config, Recurrent(kind, 2, 3, masked=masked, **options), x)


recurrent("rnn", nn.RNN, nonlinearity="relu", bias=False)
recurrent("rnn", nn.RNN, num_layers=2, bidirectional=True)
recurrent("lstm", nn.LSTM, bias=False)
recurrent("gru", nn.GRU, num_layers=2, bidirectional=True)
recurrent("gru", nn.GRU, bias=False)
recurrent("rnn", nn.RNN, masked=True, bidirectional=True)
recurrent("lstm", nn.LSTM, masked=True, num_layers=2, bidirectional=True)
recurrent("gru", nn.GRU, masked=True, num_layers=2)

# --- attention ----------------------------------------------------------------------------------------------------


class Attention(nn.Module):
    """Self-attention, or attention of the first positions to the last `memory`; the last feature may be a mask."""

    def __init__(self, e, h, bias=True, causal=False, memory=0, masked=False):
        super().__init__()
        self.a = nn.MultiheadAttention(e, h, bias=bias, batch_first=True)
        self.causal, self.memory, self.masked = causal, memory, masked

    def forward(self, x):
        mask = x[:, :, -1:]
        z = x[:, :, :-1] if self.masked else x
        t = z.shape[1] - self.memory
        q, m = z[:, :t], z[:, t:] if self.memory else z
        ignored = (mask[:, t:, 0] if self.memory else mask[:, :, 0]) <= 0
        y, _ = self.a(
            q,
            m,
            m,
            key_padding_mask=ignored if self.masked else None,
            attn_mask=torch.ones(t, t, dtype=torch.bool).triu(1) if self.causal else None,
            need_weights=False,
        )
        return torch.cat([y, (mask[:, :t] > 0).to(y.dtype)], dim=2) if self.masked else y


def attention(name, t, **options):
    config = {"embedDim": 4, "numHeads": 2} | options
    x = R(BATCH, t, 4)
    if options.get("masked"):
        counts = (torch.arange(t)[None, :] < torch.tensor([t, t - 1, t - 1])[:, None]).to(x.dtype)
        x = torch.cat([x, counts[:, :, None]], dim=2)
    case(name, "multiheadAttention", config, Attention(4, 2, **options), x)


attention("attention without bias", 3, bias=False)
attention("causal attention", 4, causal=True)
attention("attention with a padding mask", 4, masked=True)
attention("causal attention with a padding mask", 4, masked=True, causal=True)
attention("attention to a memory", 5, memory=3)
attention("attention to a memory with a padding mask", 5, memory=3, masked=True)


class Decoder(nn.TransformerDecoderLayer):
    def forward(self, x):
        t = x.shape[1] - 2
        y, m = x[:, :t], x[:, t:]
        causal = torch.ones(t, t, dtype=torch.bool).triu(1)
        return torch.cat([super().forward(y, m, tgt_mask=causal, tgt_is_causal=True), m], dim=1)


block = {"d_model": 4, "nhead": 2, "dim_feedforward": 3, "dropout": 0.0, "batch_first": True, "norm_first": True}
words = {"dModel": 4, "nhead": 2, "dimFeedforward": 3, "normFirst": True}
case("transformer encoder layer", "transformerEncoderLayer", words | {"activation": "gelu"}, nn.TransformerEncoderLayer(**block, activation="gelu"), R(BATCH, 3, 4))
case("transformer encoder layer, relu, no bias", "transformerEncoderLayer", words | {"activation": "relu", "bias": False}, nn.TransformerEncoderLayer(**block, bias=False), R(BATCH, 3, 4))
case("transformer decoder layer", "transformerDecoderLayer", words | {"activation": "relu", "memory": 2}, Decoder(**block), R(BATCH, 5, 4))

# --- others -------------------------------------------------------------------------------------------------------


class Pair(nn.Module):
    def __init__(self, i, j, o, bias=True):
        super().__init__()
        self.b = nn.Bilinear(i, j, o, bias=bias)
        self.i = i

    def forward(self, x):
        return self.b(x[..., : self.i], x[..., self.i :])


case("bilinear", "bilinear", {"in1Features": 2, "in2Features": 3, "outFeatures": 2}, Pair(2, 3, 2), R(BATCH, 5))
case("bilinear over time, no bias", "bilinear", {"in1Features": 2, "in2Features": 1, "outFeatures": 3, "bias": False}, Pair(2, 1, 3, bias=False), R(BATCH, 2, 3))
case("prelu", "prelu", {"numParameters": 1}, nn.PReLU(), R(BATCH, 3, 4))
case("prelu per channel", "prelu", {"numParameters": 3}, nn.PReLU(3), R(BATCH, 3, 4))
case("linear of many axes, no bias", "linear", {"inFeatures": 3, "outFeatures": 2, "bias": False}, nn.Linear(3, 2, bias=False), R(BATCH, 2, 2, 3))


def net(name, words, *modules, shape):
    case(name, "sequential", {"layers": words}, nn.Sequential(*modules), R(BATCH, *shape))


C1, C2, C3 = (lambda: nn.Conv1d(2, 2, 2)), (lambda: nn.Conv2d(2, 2, 2)), (lambda: nn.Conv3d(1, 2, 2))
net("pools of sequences", ["conv1d 2 2 2", "maxPool1d 2 stride 1", "avgPool1d 2 stride 1 padding 1", "adaptiveAvgPool1d 3"], C1(), nn.MaxPool1d(2, 1), nn.AvgPool1d(2, 1, 1), nn.AdaptiveAvgPool1d(3), shape=[2, 7])
net("pools of volumes", ["conv3d 1 2 2", "maxPool3d 2 stride 1 padding 1", "avgPool3d 2", "adaptiveAvgPool3d 1 2 2"], C3(), nn.MaxPool3d(2, 1, 1), nn.AvgPool3d(2), nn.AdaptiveAvgPool3d((1, 2, 2)), shape=[1, 4, 4, 5])
net("adaptive average pools", ["conv2d 2 2 2", "adaptiveAvgPool2d 2 3"], C2(), nn.AdaptiveAvgPool2d((2, 3)), shape=[2, 5, 5])
net("upsample nearest", ["conv2d 2 2 2", "upsample 2"], C2(), nn.Upsample(scale_factor=2), shape=[2, 3, 3])
net("upsample linear", ["conv1d 2 2 2", "upsample 3 mode linear"], C1(), nn.Upsample(scale_factor=3, mode="linear"), shape=[2, 4])
net("upsample bilinear", ["conv2d 2 2 2", "upsample 2 mode bilinear"], C2(), nn.Upsample(scale_factor=2, mode="bilinear"), shape=[2, 3, 4])
net("upsample bilinear, corners aligned", ["conv2d 2 2 2", "upsample 3 mode bilinear alignCorners 1"], C2(), nn.Upsample(scale_factor=3, mode="bilinear", align_corners=True), shape=[2, 3, 3])
net("upsample trilinear", ["conv3d 1 2 2", "upsample 2 mode trilinear"], C3(), nn.Upsample(scale_factor=2, mode="trilinear"), shape=[1, 3, 2, 3])
net("padding of sequences", ["reflectionPad1d 2", "conv1d 2 2 2", "replicationPad1d 1 2", "zeroPad1d 1", "circularPad1d 1"], nn.ReflectionPad1d(2), C1(), nn.ReplicationPad1d((1, 2)), nn.ZeroPad1d(1), nn.CircularPad1d(1), shape=[2, 4])
net("padding of images", ["reflectionPad2d 1 0 2 1", "conv2d 2 2 2", "replicationPad2d 1", "circularPad2d 1 0 0 1", "zeroPad2d 1 0 2 0"], nn.ReflectionPad2d((1, 0, 2, 1)), C2(), nn.ReplicationPad2d(1), nn.CircularPad2d((1, 0, 0, 1)), nn.ZeroPad2d((1, 0, 2, 0)), shape=[2, 3, 3])
net("padding of volumes", ["reflectionPad3d 1", "conv3d 1 2 2", "replicationPad3d 1 0 0 1 0 1", "zeroPad3d 0 1 1 0 0 0"], nn.ReflectionPad3d(1), C3(), nn.ReplicationPad3d((1, 0, 0, 1, 0, 1)), nn.ZeroPad3d((0, 1, 1, 0, 0, 0)), shape=[1, 2, 2, 3])
net("transposed convolutions in a network", ["convTranspose2d 2 3 2 stride 2", "tanh", "conv2d 3 1 3 padding 1"], nn.ConvTranspose2d(2, 3, 2, stride=2), nn.Tanh(), nn.Conv2d(3, 1, 3, padding=1), shape=[2, 2, 3])
net("activations with options", ["linear 4 6", "elu 0.5", "linear 6 6", "leakyRelu 0.2", "linear 6 6", "softplus", "linear 6 2", "softmax"], nn.Linear(4, 6), nn.ELU(0.5), nn.Linear(6, 6), nn.LeakyReLU(0.2), nn.Linear(6, 6), nn.Softplus(), nn.Linear(6, 2), nn.Softmax(-1), shape=[4])

# --- losses -------------------------------------------------------------------------------------------------------


def loss(name, word, fn, target, out, config=None, shape=(4,), bias=True):
    layers = [f"linear {shape[-1]} {out}" + ("" if bias else " bias 0")]
    module = nn.Sequential(nn.Linear(shape[-1], out, bias=bias))
    case(name, "sequential", {"layers": layers}, module, R(BATCH, *shape), loss=word, loss_config=config, target=target, loss_fn=fn)


LABELS = torch.tensor([0, 2, 1])
TOKENS = torch.tensor([[0, 2], [1, -100], [2, 2]])
W = [0.5, 2.0, 1.25]
mean = lambda values: values.mean()
tokens = lambda **o: lambda y, t: F.cross_entropy(y.flatten(0, 1), t.flatten(), **o)
loss("cross entropy with class weights", "crossEntropy", lambda y, t: mean(F.cross_entropy(y, t, weight=torch.tensor(W), reduction="none")), LABELS, 3, {"weight": W})
loss("cross entropy with label smoothing", "crossEntropy", lambda y, t: F.cross_entropy(y, t, label_smoothing=0.2), LABELS, 3, {"labelSmoothing": 0.2})
loss("cross entropy with both", "crossEntropy", lambda y, t: mean(F.cross_entropy(y, t, weight=torch.tensor(W), label_smoothing=0.2, reduction="none")), LABELS, 3, {"weight": W, "labelSmoothing": 0.2})
loss("cross entropy of tokens, one ignored", "crossEntropy", tokens(ignore_index=-100), TOKENS, 3, {"ignoreIndex": -100}, shape=(2, 4))
loss("mean absolute error", "l1", F.l1_loss, R(BATCH, 3), 3)
loss("huber", "huber", lambda y, t: F.huber_loss(y, t, delta=0.7), 2 * R(BATCH, 3), 3, {"delta": 0.7})
loss("binary cross entropy with logits", "bceWithLogits", F.binary_cross_entropy_with_logits, torch.rand(BATCH, 3), 3)
loss("negative log-likelihood", "nll", lambda y, t: F.nll_loss(y, t), LABELS, 3)
loss("negative log-likelihood with class weights", "nll", lambda y, t: mean(F.nll_loss(y, t, weight=torch.tensor(W), reduction="none")), LABELS, 3, {"weight": W})
loss("kullback-leibler divergence", "klDiv", lambda y, t: F.kl_div(y, t, reduction="sum"), torch.softmax(R(BATCH, 3), -1), 3)
SIGNS = torch.tensor([[1.0, -1.0], [-1.0, -1.0], [1.0, 1.0]])
loss("hinge", "hinge", lambda y, t: torch.clamp(1 - t * y, min=0).mean(), SIGNS, 2)
loss("triplet margin", "tripletMargin", lambda y, t: F.triplet_margin_loss(y[:, 0], y[:, 1], y[:, 2], margin=1.5, eps=0), torch.zeros(BATCH, 1), 3, {"margin": 1.5}, shape=(3, 4), bias=False)

net("a bias that a normalisation cancels", ["conv2d 2 3 2", "instanceNorm2d 3", "tanh"], nn.Conv2d(2, 3, 2), nn.InstanceNorm2d(3), nn.Tanh(), shape=[2, 4, 3])

json.dump({"source": f"PyTorch {torch.__version__} autograd, one sample at a time, float64", "seed": 2, "cases": cases}, sys.stdout)
print(file=sys.stdout)
print(len(cases), file=sys.stderr)
