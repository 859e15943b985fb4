#!/usr/bin/env bash
# nbgrader 0.9.6 with NumPy 2.4.6: an autograded cell may end with a number, its score. If that
# is a NumPy number, even `np.float64(0)`, the cell gets full points.
# A good guess: it counts as the float that it is. nbgrader reads the printed form, and NumPy 2
# prints `np.float64(0.5)`, which is no float; whatever is none means "all tests passed".
# Seen for a cell of 2 points: 0.5 gives 0.5; np.float64(0.5), np.float64(0) and np.mean([0, 1]) give 2.
# For users: end the cell with `float(...)`.
exec "$(dirname "$0")/in_venv.sh" numpy==2.4.6 nbgrader==0.9.6 ipykernel==7.1.0 <<'PY'
import nbformat
from nbclient import NotebookClient
from nbgrader.utils import determine_grade

graded = {
    "grade": True, "grade_id": "test", "locked": True, "points": 2, "schema_version": 3,
    "solution": False, "task": False, "cell_type": "code",
}
notebook = nbformat.v4.new_notebook()
notebook.cells = [nbformat.v4.new_code_cell("import numpy as np")]
for source in ("0.5", "float(np.float64(0.5))", "np.float64(0.5)", "np.float64(0)", "np.mean([0, 1])"):
    cell = nbformat.v4.new_code_cell(source)
    cell.metadata = nbformat.from_dict({"nbgrader": graded})
    notebook.cells.append(cell)
NotebookClient(notebook, kernel_name="python3").execute()
scores = {cell.source: determine_grade(cell)[0] for cell in notebook.cells[1:]}
print(scores)
assert [*scores.values()] == [0.5, 0.5, 2, 2, 2]
PY
