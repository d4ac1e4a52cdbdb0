"""The next-scale transformer of VAR; parameter names are those of the official checkpoint."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from .settings import PATCH_NUMS

START = [sum(p * p for p in PATCH_NUMS[:k]) for k in range(len(PATCH_NUMS) + 1)]
SCALES, LENGTH = len(PATCH_NUMS), START[-1]
COARSE = 8  # scales that attention masks together: the first 255 of 680 positions
LEVEL = torch.cat([torch.full((p * p,), k) for k, p in enumerate(PATCH_NUMS)])


def block_causal(length, device):
    """True where a token (row) may look: at its own scale and at all before it."""
    level = LEVEL[:length].to(device)
    return level[:, None] >= level[None]


def attend(q, k, v):
    """Block-causal attention of all positions from the first on; (B, heads, n, 64) each.

    The coarse scales share one masked product. A large scale is a product of its own, without a
    mask, over the keys up to its end: a third of the pairs of positions is never computed.
    """
    length = q.shape[2]
    coarse = min(length, START[COARSE])
    y = [
        F.scaled_dot_product_attention(
            q[:, :, :coarse],
            k[:, :, :coarse],
            v[:, :, :coarse],
            block_causal(coarse, q.device),
            scale=1.0,
        )
    ]
    for a, b in zip(START[COARSE:], START[COARSE + 1 :]):
        if b <= length:
            y.append(
                F.scaled_dot_product_attention(
                    q[:, :, a:b], k[:, :, :b], v[:, :, :b], scale=1.0
                )
            )
    return torch.cat(y, 2)


def linear(out, inp, std):
    layer = nn.Linear(inp, out)
    nn.init.normal_(layer.weight, std=std)
    nn.init.zeros_(layer.bias)
    return layer


def places(width, generator):
    """Start of pos_1LC: waves of the cell's centre, projected at random. Equal places of two
    scales look alike, so attention finds them from the first step on.
    """
    centre = torch.cat(
        [
            torch.stack(
                torch.meshgrid(
                    (torch.arange(p) + 0.5) / p, (torch.arange(p) + 0.5) / p, indexing='ij'
                ),
                -1,
            ).reshape(-1, 2)
            for p in PATCH_NUMS
        ]
    )
    angle = math.pi * centre[:, :, None] * torch.tensor([0.5, 1, 2, 4, 8])
    waves = torch.cat([angle.sin(), angle.cos()], -1).flatten(1)
    return waves @ torch.randn(waves.shape[1], width, generator=generator) * 0.1


class Modulation(nn.Module):
    """SiLU of the class vector through one layer, cut into `parts` vectors."""

    def __init__(self, width, parts, std):
        super().__init__()
        self.ada_lin, self.parts = (
            nn.Sequential(nn.SiLU(), linear(parts * width, width, std)),
            parts,
        )

    def forward(self, cond):
        return modulate(self.ada_lin, cond, self.parts)


def modulate(layers, cond, parts):
    return layers(cond).view(len(cond), 1, parts, -1).unbind(2)


class Attention(nn.Module):
    def __init__(self, width, heads, std):
        super().__init__()
        self.heads = heads
        self.scale_mul_1H11 = nn.Parameter(torch.full((1, heads, 1, 1), math.log(5.0)))
        self.mat_qkv = nn.Linear(width, 3 * width, bias=False)
        nn.init.normal_(self.mat_qkv.weight, std=width**-0.5)
        self.q_bias, self.v_bias = nn.Parameter(torch.zeros(width)), nn.Parameter(
            torch.zeros(width)
        )
        self.proj = linear(width, width, std)

    def forward(self, x, cache):
        b, n, c = x.shape
        bias = torch.cat([self.q_bias, torch.zeros_like(self.q_bias), self.v_bias])
        q, k, v = (
            F.linear(x, self.mat_qkv.weight, bias)
            .view(b, n, 3, self.heads, 64)
            .permute(2, 0, 3, 1, 4)
            .unbind(0)
        )
        q = F.normalize(q.float(), dim=-1) * self.scale_mul_1H11.clamp_max(math.log(100)).exp()
        q, k = q.to(v.dtype), F.normalize(k.float(), dim=-1).to(v.dtype)
        if cache:  # a later scale: it sees all positions so far
            k, v = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)
            y = F.scaled_dot_product_attention(q, k, v, scale=1.0)
        else:
            y = attend(q, k, v)
        if cache is not None:
            cache[:] = [k, v]
        return self.proj(y.transpose(1, 2).reshape(b, n, c))


class FeedForward(nn.Module):
    def __init__(self, width, std):
        super().__init__()
        self.fc1, self.fc2 = linear(4 * width, width, width**-0.5), linear(
            width, 4 * width, std * 0.5
        )

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x), approximate='tanh'))


class Block(nn.Module):
    def __init__(self, width, heads, std):
        super().__init__()
        self.attn, self.ffn = Attention(width, heads, std), FeedForward(width, std)
        self.ada_lin = nn.Sequential(nn.SiLU(), linear(6 * width, width, 0.3 * width**-0.5))
        with torch.no_grad():  # the two gates start open
            self.ada_lin[1].bias[: 2 * width] = 0.5

    def forward(self, x, cond, cache):
        g1, g2, s1, s2, b1, b2 = modulate(self.ada_lin, cond, 6)
        norm = lambda t: F.layer_norm(t, t.shape[-1:], eps=1e-6)
        x = x + g1 * self.attn(norm(x) * (1 + s1) + b1, cache)
        return x + g2 * self.ffn(norm(x) * (1 + s2) + b2)


class Transformer(nn.Module):
    """Logits (B, n, codes) of the tokens of some scales, from the class and the inputs of those
    scales.
    """

    def __init__(self, depth, width, codes, channels, classes, seed=0):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        std = (width * 2 * depth) ** -0.5
        self.word_embed = linear(width, channels, channels**-0.5)
        self.class_emb, self.lvl_embed = nn.Embedding(classes + 1, width), nn.Embedding(
            len(PATCH_NUMS), width
        )
        nn.init.normal_(self.lvl_embed.weight, std=0.3)
        self.pos_start, self.pos_1LC = nn.Parameter(torch.zeros(1, 1, width)), nn.Parameter(
            places(width, generator)[None]
        )
        self.blocks = nn.ModuleList(Block(width, width // 64, std) for _ in range(depth))
        self.head_nm, self.head = Modulation(width, 2, 0.3 * width**-0.5), linear(
            codes, width, 0.02
        )

    def start_from_codebook(self, codebook):
        """Gives near codes near rows in the head, so that what is learned of one code holds for
        its neighbours.
        """
        with torch.no_grad():
            self.head.weight += (
                codebook @ torch.randn(codebook.shape[1], self.head.in_features) * 0.05
            )

    def forward(self, classes, inputs, first=0, length=LENGTH, caches=None, last=0):
        """Positions first..length; inputs: (B, length - max(first, 1), channels). Logits for
        positions last.. only. With first > 0 the positions are one scale, and `caches`, one list
        a block, hold the keys and values of all before it.
        """
        cond = self.class_emb(classes)
        x = self.word_embed(inputs)
        if first == 0:
            x = torch.cat([cond[:, None] + self.pos_start, x], 1)
        x = x + (self.lvl_embed(LEVEL[first:length].to(x.device)) + self.pos_1LC[0, first:length])
        for i, block in enumerate(self.blocks):
            x = block(x, cond, caches[i] if caches else None)
        scale, shift = self.head_nm(cond)
        x = x[:, last - first if last else 0 :]
        return self.head(F.layer_norm(x, x.shape[-1:], eps=1e-6) * (1 + scale) + shift)
