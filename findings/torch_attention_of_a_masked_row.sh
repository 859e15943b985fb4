#!/usr/bin/env bash
# PyTorch 2.13.0, CPU: `MultiheadAttention` of a query that may attend to nothing gives NaN or 0,
# depending on `need_weights`, which says only whether the weights are returned as well.
# A good guess: the same output both times.
# Seen in evaluation mode: NaN with need_weights=True, the bias of the output layer (0 when new)
# with need_weights=False.
exec "$(dirname "$0")/in_venv.sh" numpy==2.4.6 torch==2.13.0 <<'PY'
import torch

torch.manual_seed(0)
attention = torch.nn.MultiheadAttention(4, 1, batch_first=True).eval()
x = torch.randn(1, 2, 4)
masked = torch.tensor([[True, True], [False, False]])  # the first query sees nothing
with_weights = attention(x, x, x, attn_mask=masked, need_weights=True)[0][0]
without = attention(x, x, x, attn_mask=masked, need_weights=False)[0][0]
print("need_weights=True ", with_weights[0].tolist())
print("need_weights=False", without[0].tolist())
assert with_weights[0].isnan().all() and (without[0] == 0).all()
assert torch.allclose(with_weights[1], without[1])
PY
