#!/usr/bin/env bash
# A counter in Prometheus's text format, read by the parser of its own client (0.26.0).
# A good guess: samples have the names that stand in the text, whatever the type line says.
# Seen: with the type `counter`, the sample `jobs 3` is read as `jobs_total`; without a type, or as a
# gauge, it is `jobs`. So a test that looks for its own name finds nothing, and one written for the
# parsed name passes where a query of the server for `jobs_total` finds nothing.
exec "$(dirname "$0")/in_venv.sh" prometheus-client==0.26.0 <<'PY'
from prometheus_client.parser import text_string_to_metric_families


def names(text):
    families = text_string_to_metric_families(text)
    return [sample.name for family in families for sample in family.samples]


found = {kind: names(f"# TYPE jobs {kind}\njobs 3\n") for kind in ("counter", "gauge", "untyped")}
print(found)
assert found == {"counter": ["jobs_total"], "gauge": ["jobs"], "untyped": ["jobs"]}
PY
