#!/usr/bin/env bash
# prometheus-client 0.26.0: one `observe(float("nan"))` makes a histogram's sum NaN for ever, while
# its count and buckets do not show that anything was observed.
# A good guess: the value is refused, or counted in the +Inf bucket.
# Seen after 0.5, NaN, 0.25: _count 2, _sum NaN. Every rate over the sum is NaN from then on.
exec "$(dirname "$0")/in_venv.sh" prometheus-client==0.26.0 <<'PY'
import math

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

registry = CollectorRegistry()
latency = Histogram("latency_seconds", "time of a request", registry=registry, buckets=(1, 2))
for value in (0.5, math.nan, 0.25):
    latency.observe(value)
text = generate_latest(registry).decode()
families = text_string_to_metric_families(text)
found = {(s.name, s.labels.get("le")): s.value for family in families for s in family.samples}
print({name: value for (name, _), value in found.items() if name.endswith(("_count", "_sum"))})
assert found["latency_seconds_count", None] == found["latency_seconds_bucket", "+Inf"] == 2
assert math.isnan(found["latency_seconds_sum", None])
PY
