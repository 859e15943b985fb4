"""Runs `tito` for `python -m pytest_tinytorch.cli`."""

from pytest_tinytorch.cli.main import main

if __name__ == "__main__":
    main()
