"""The VQ-VAE's encoder and decoder; parameter names are those of the official VAR checkpoint."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class Norm(nn.Module):
    """GroupNorm with float32 statistics and parameters whatever the type of its input."""

    def __init__(self, channels, groups):
        super().__init__()
        self.groups = groups
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(
            torch.zeros(channels)
        )

    def forward(self, x):
        with torch.autocast(x.device.type, enabled=False):
            weight, bias = (
                (self.weight, self.bias)
                if x.device.type == 'cpu'
                else (self.weight.to(x), self.bias.to(x))
            )
            return F.group_norm(x, self.groups, weight, bias, eps=1e-6)


def conv(out, inp, size, stride=1, padding=None, gain=1.0):
    layer = nn.Conv2d(inp, out, size, stride, size // 2 if padding is None else padding)
    nn.init.normal_(layer.weight, std=gain / math.sqrt(inp * size * size))
    nn.init.zeros_(layer.bias)
    return layer


class Block(nn.Module):
    def __init__(self, inp, out, groups):
        super().__init__()
        self.norm1, self.conv1 = Norm(inp, groups), conv(out, inp, 3)
        self.norm2, self.conv2 = Norm(out, groups), conv(out, out, 3, gain=0.3)
        if inp != out:
            self.nin_shortcut = conv(out, inp, 1)

    def forward(self, x):
        h = self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))
        return h + (self.nin_shortcut(x) if hasattr(self, 'nin_shortcut') else x)


class Attention(nn.Module):
    """One head over all positions."""

    def __init__(self, channels, groups):
        super().__init__()
        self.norm, self.qkv, self.proj_out = (
            Norm(channels, groups),
            conv(3 * channels, channels, 1),
            conv(channels, channels, 1, gain=0.3),
        )

    def forward(self, x):
        b, c, h, w = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(b, 3, c, h * w).unbind(1)
        a = (q.transpose(1, 2) @ k * c**-0.5).softmax(-1).to(v.dtype)
        return x + self.proj_out((v @ a.transpose(1, 2)).reshape(b, c, h, w))


class Middle(nn.Module):
    def __init__(self, channels, groups):
        super().__init__()
        self.block_1, self.attn_1, self.block_2 = (
            Block(channels, channels, groups),
            Attention(channels, groups),
            Block(channels, channels, groups),
        )

    def forward(self, x):
        return self.block_2(self.attn_1(self.block_1(x)))


class Resample(nn.Module):
    def __init__(self, channels, up):
        super().__init__()
        self.up, self.conv = up, conv(channels, channels, 3, *((1, 1) if up else (2, 0)))

    def forward(self, x):
        return doubled(self.conv, x) if self.up else self.conv(F.pad(x, (0, 1, 0, 1)))


# Which taps of a 3x3 kernel meet each of the two source pixels, for even and odd output pixels.
TAPS = torch.tensor([[[1.0, 0, 0], [0, 1, 1]], [[1, 1, 0], [0, 0, 1]]])


def doubled(conv, x):
    """The 3x3 convolution of x (B, C, H, W) at twice its size, by nearest neighbours.

    Each of the four output pixels of a source pixel sees 2x2 source pixels, so four 2x2 kernels
    do with 16 multiplications for 36.
    """
    taps = TAPS.to(x)
    kernels = torch.einsum('pay,qbx,oiyx->pqoiab', taps, taps, conv.weight)
    (b, _, h, w), out = x.shape, len(conv.weight)
    y = F.conv2d(F.pad(x, (1, 1, 1, 1)), kernels.flatten(0, 2), conv.bias.repeat(4))
    y = y.view(b, 2, 2, out, h + 1, w + 1)
    rows = torch.stack([y[:, p, :, :, p : p + h] for p in (0, 1)], 1)
    cells = torch.stack([rows[:, :, q, :, :, q : q + w] for q in (0, 1)], 2)
    return cells.permute(0, 3, 4, 1, 5, 2).reshape(b, out, 2 * h, 2 * w)


class Level(nn.Module):
    """The blocks of one resolution, attention after each where asked, and the way to the next
    resolution.
    """

    def __init__(self, inp, out, blocks, groups, attention, resample):
        super().__init__()
        self.block = nn.ModuleList(
            Block(inp if b == 0 else out, out, groups) for b in range(blocks)
        )
        self.attn = nn.ModuleList(Attention(out, groups) for _ in range(blocks if attention else 0))
        if resample:
            setattr(self, resample, Resample(out, resample == 'upsample'))
        self.resample = resample

    def forward(self, x):
        for i, block in enumerate(self.block):
            x = block(x)
            if len(self.attn):
                x = self.attn[i](x)
        return getattr(self, self.resample)(x) if self.resample else x


class Encoder(nn.Module):
    def __init__(self, channels, ch, ch_mult, res_blocks, groups):
        super().__init__()
        top, width = len(ch_mult) - 1, [ch * m for m in ch_mult]
        self.conv_in = conv(ch, 3, 3)
        self.down = nn.ModuleList(
            Level(
                width[max(i - 1, 0)] if i else ch,
                width[i],
                res_blocks,
                groups,
                i == top,
                'downsample' if i < top else None,
            )
            for i in range(top + 1)
        )
        self.mid = Middle(width[top], groups)
        self.norm_out, self.conv_out = Norm(width[top], groups), conv(channels, width[top], 3)

    def forward(self, x):
        x = self.conv_in(x)
        for level in self.down:
            x = level(x)
        return self.conv_out(F.silu(self.norm_out(self.mid(x))))


class Decoder(nn.Module):
    def __init__(self, channels, ch, ch_mult, res_blocks, groups):
        super().__init__()
        top, width = len(ch_mult) - 1, [ch * m for m in ch_mult]
        self.conv_in, self.mid = conv(width[top], channels, 3), Middle(width[top], groups)
        self.up = nn.ModuleList(
            Level(
                width[min(i + 1, top)],
                width[i],
                res_blocks + 1,
                groups,
                i == top,
                'upsample' if i else None,
            )
            for i in range(top + 1)
        )
        self.norm_out, self.conv_out = Norm(width[0], groups), conv(3, width[0], 3)

    def low(self, x):
        """The part that looks at the whole map: everything up to the first upsampling."""
        x = self.mid(self.conv_in(x))
        level = self.up[-1]
        for block, attention in zip(level.block, level.attn):
            x = attention(block(x))
        return x

    def high(self, x):
        """The part that looks only at its neighbourhood, so it can be trained on crops."""
        x = self.up[-1].upsample(x)
        for level in reversed(self.up[:-1]):
            x = level(x)
        return self.conv_out(F.silu(self.norm_out(x)))


class Autoencoder(nn.Module):
    """Pictures (B, 3, S, S) in [-1, 1] <-> feature maps (B, channels, S/16, S/16)."""

    def __init__(self, codes, channels, ch, ch_mult, res_blocks, groups):
        super().__init__()
        self.encoder, self.decoder = Encoder(channels, ch, ch_mult, res_blocks, groups), Decoder(
            channels, ch, ch_mult, res_blocks, groups
        )
        self.quant_conv, self.post_quant_conv = conv(channels, channels, 3), conv(
            channels, channels, 3
        )

    def encode(self, pictures):
        return self.quant_conv(self.encoder(pictures))

    def decode(self, f):
        return self.decoder.high(self.decoder.low(self.post_quant_conv(f)))
