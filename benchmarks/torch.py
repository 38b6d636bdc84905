"""The networks that are timed beside ours, in PyTorch as its users would write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from exojax.folded_events import SCALARS
from exojax.models.candidate import MOMENTS, NEIGHBOURHOODS, PLAIN, TRANSIT
from exojax.models.layers import ABSENT
from exojax.models.measures import LEVELS, WINDOWS
from exojax.models.transit import TransitNet

Folded = Mapping[str, Any]
"""Views ``(m, bins, 3)`` and ``scalars (m, s)`` of m candidates, float32 tensors."""


def transit(weights: Mapping[str, np.ndarray]) -> Callable[[Folded], Any]:
    """Build the network ``transit`` for one candidate a star: folded views and scalars -> ``(m,)`` logits.

    Args:
        weights: plain arrays, as :func:`exojax.training.weights.weights_of` gives them.
    """
    import torch
    from torch.nn import functional as F

    at = {name: torch.from_numpy(np.array(x)) for name, x in weights.items()}
    net = TransitNet()
    stats = {name: at[f"batch_stats/{name}"] for name in ("epochs", "periods")}
    center, spread, knots = (at[f"batch_stats/columns_{name}"] for name in ("center", "spread", "knots"))
    level = torch.linspace(0.0, 1.0, MOMENTS)
    kernels = {
        (kind, i): (
            at[f"params/{kind}/Conv_{i}/kernel"].permute(2, 1, 0).contiguous(),
            at[f"params/{kind}/Conv_{i}/bias"],
        )
        for kind in ("whole", "near")
        for i in range(len(net.layers))
    }

    def dense(name: str, x: Any) -> Any:
        return x @ at[f"params/{name}/kernel"] + at[f"params/{name}/bias"]

    def place(x: Any, windows: int) -> Any:
        length = x.shape[1]
        position = np.linspace(0.0, windows - 1.0, length)
        width = max(1.0, (windows - 1.0) / (length - 1))
        share = np.maximum(0.0, 1.0 - np.abs(position[:, None] - np.arange(windows)[None]) / width)
        return torch.einsum("mlc,lw->mwc", x, torch.from_numpy((share / share.sum(axis=0)).astype(np.float32)))

    def mirror(view: Any) -> Any:
        squashed = torch.cat([torch.arcsinh(view[..., :2]), view[..., 2:]], dim=-1)
        right, left = (x[:, view.shape[1] // 2 :] for x in (squashed, squashed.flip(1)))
        total = right[..., 2] + left[..., 2]
        mean = (right[..., 0] * right[..., 2] + left[..., 0] * left[..., 2]) / torch.where(total > 0, total, 1.0)
        both = (right[..., 2] > 0) & (left[..., 2] > 0)
        apart = torch.where(both, 0.5 * (right[..., 0] - left[..., 0]).abs(), 0.0)
        return torch.stack([mean, apart, 0.5 * (right[..., 1] + left[..., 1]), 0.5 * total], dim=-1)

    def parity(odd: Any, even: Any) -> Any:
        coverage = torch.minimum(odd[..., 2], even[..., 2])
        there = coverage > 0
        value = torch.where(there, odd[..., 0] - even[..., 0], 0.0)
        third = value.shape[1] // 3
        middle = value[:, third : value.shape[1] - third].sum(dim=1, keepdim=True)
        scatter = torch.where(there, (odd[..., 1] ** 2 + even[..., 1] ** 2 + 1e-12).sqrt(), 0.0)
        return torch.stack([torch.where(middle > 0, -value, value), scatter, coverage], dim=-1)

    def mean(x: Any, there: Any) -> Any:
        return torch.where(there, x, 0.0).sum(dim=1) / there.sum(dim=1).clamp(min=1)

    def levels(x: Any, there: Any) -> list[Any]:
        middle, some = mean(x, there), there.any(dim=1)
        low, high = torch.where(there, x, torch.inf).amin(dim=1), torch.where(there, x, -torch.inf).amax(dim=1)
        spread = (mean((x - middle[:, None]) ** 2, there) + 1e-12).sqrt()
        return [middle, spread, torch.where(some, low, 0.0), torch.where(some, high, 0.0)]

    def measures(view: Any, share: float) -> Any:
        value, there = view[..., 0], view[..., 2] > 0
        bins = value.shape[1]
        away = torch.from_numpy(np.abs(np.arange(bins) - 0.5 * (bins - 1)) > 0.5 * share * bins)
        within, pairs, step = there & ~away, there[:, 1:] & there[:, :-1], value[:, 1:] - value[:, :-1]
        mirrored, skew = there & there.flip(1), (value - value.flip(1)).abs()
        columns = [*levels(value, there), *levels(value, there & away), mean(value, within)]
        columns += [mean(step.abs(), pairs), mean(step**2, pairs).sqrt(), mean(value[:, 1:] * value[:, :-1], pairs)]
        columns += [mean(skew, mirrored), mean(skew, mirrored & within)]
        columns += [mean((value < cut).float(), there) for cut in LEVELS]
        columns += [mean(view[..., 1], there), view[..., 2].mean(dim=1)]
        shape = place(mirror(view)[..., :1], WINDOWS)[..., 0]
        return torch.where(
            there.any(dim=1)[:, None], torch.cat([torch.stack(columns, dim=-1), shape], dim=-1), torch.nan
        )

    def interpolated(x: Any, quantiles: Any) -> Any:
        high = torch.searchsorted(quantiles, x, right=True).clamp(1, MOMENTS - 1)
        low = high - 1
        width = quantiles[high] - quantiles[low]
        part = torch.where(width > 0, (x - quantiles[low]) / torch.where(width > 0, width, 1.0), 0.0).clamp(0.0, 1.0)
        return torch.where(torch.isnan(x), torch.nan, level[low] + part * (level[high] - level[low]))

    def share(x: Any, half: float, quantiles: Any) -> Any:
        return interpolated(x + half, quantiles) - interpolated(x - half, quantiles) + 0.1 / MOMENTS

    def encode(columns: Any) -> Any:
        known = ~torch.isnan(columns)
        x = torch.where(known, columns, center)
        scaled = torch.arcsinh((x - center) / spread).clamp(-4.0, 4.0)
        low, high = knots[None, :, :-1], knots[None, :, 1:]
        part = ((x[..., None] - low) / (high - low).clamp(min=1e-9)).clamp(0.0, 1.0) - 0.5
        part = torch.where(known[..., None], part, 0.0).reshape(len(x), -1)
        figures = known[:, PLAIN :: (columns.shape[1] - PLAIN) // 6]
        return torch.cat([scaled, part, 1.0 - known[:, :PLAIN].float(), 1.0 - figures.float()], dim=-1)

    def seen(kind: str, x: Any) -> Any:
        x = x.transpose(1, 2)
        for i, (_, size, window) in enumerate(net.layers):
            x = F.relu(F.conv1d(x, *kernels[kind, i], padding=size // 2))
            if window > 1 and x.shape[2] >= 2 * window:
                x = F.max_pool1d(x, window)
        kept = place(x.transpose(1, 2), net.windows).reshape(len(x), -1)
        return torch.cat([kept, x.amax(dim=2)], dim=-1)

    def network(folded: Folded) -> Any:
        kinds = {
            "whole": {"global": folded["global_view"], "double": folded["double_view"]},
            "near": {
                "local": folded["local_view"],
                "secondary": folded["secondary_view"],
                "half": folded["half_view"],
                "parity": parity(folded["odd_view"], folded["even_view"]),
            },
        }
        scalars, first = folded["scalars"], SCALARS.index("epoch")
        epoch, period = scalars[:, first], scalars[:, SCALARS.index("log_period")]
        near = [share(epoch, half, stats["epochs"]) for half in NEIGHBOURHOODS]
        alike = [torch.log10(a / b) for a, b in pairwise(near)] + [torch.log10(near[-1])]
        same = torch.log10(share(period, 0.00087, stats["periods"]))
        alike.append(torch.where(torch.isnan(epoch), torch.nan, same))
        figures = [measures(view, TRANSIT[kind]) for kind, views in kinds.items() for view in views.values()]
        plain = [scalars[:, :first], scalars[:, first + 1 :], torch.stack(alike, dim=-1)]
        parts = [F.relu(dense("columns", encode(torch.cat([*plain, *figures], dim=-1))))]
        for kind, views in kinds.items():
            for name, view in views.items():
                there = (view[..., 2] > 0).any(dim=1)[:, None]
                parts.append(torch.where(there, F.relu(dense(name, seen(kind, mirror(view)))), 0.0))
        logits = dense("Dense_1", F.relu(dense("Dense_0", torch.cat(parts, dim=-1))))[:, 0]
        return torch.where((folded["global_view"][..., 2] > 0).any(dim=1), logits, ABSENT)

    return network
