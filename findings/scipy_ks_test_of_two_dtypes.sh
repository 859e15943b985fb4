#!/usr/bin/env bash
# SciPy 1.17.1, NumPy 2.4.6: `ks_2samp` of the same readings, once as float64 and once as float32,
# finds them to be of different distributions, beyond any doubt.
# A good guess: the test compares after converting to one dtype, so rounding of 1e-9 says little.
# Seen for 1,000 readings with the values 0.1, 0.2, 0.3: D = 0.355, p = 2e-56. A drift detector
# that keeps its reference in another dtype than live data alarms on features with few values.
exec "$(dirname "$0")/in_venv.sh" numpy==2.4.6 scipy==1.17.1 <<'PY'
import numpy as np
from scipy.stats import ks_2samp

readings = np.array([0.1, 0.2, 0.3])[np.random.default_rng(0).integers(0, 3, 1000)]
mixed = ks_2samp(readings, readings.astype(np.float32))
equal = ks_2samp(readings.astype(np.float32), readings.astype(np.float32))
print(f"float64 and float32: D = {mixed.statistic:.3f}, p = {mixed.pvalue:.0e}")
print(f"float32 and float32: D = {equal.statistic:.3f}, p = {equal.pvalue:.0f}")
assert mixed.statistic > 0.3 and mixed.pvalue < 1e-50
assert equal.statistic == 0 and equal.pvalue == 1
PY
