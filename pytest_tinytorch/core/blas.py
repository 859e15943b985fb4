"""Names the environment variables that limit NumPy's matrix library to one thread.

NumPy reads them when it loads. `plugin` sets them for tests, and `isolation.levels` for student
code: with one thread, a measurement means the same on any machine.
"""

ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
