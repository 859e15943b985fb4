"""`python -m pytest_tinytorch.cli` is `tito`."""

from pytest_tinytorch.cli.main import main

if __name__ == "__main__":
    main()
