"""The hook modules: pytest calls their hooks, and each calls the services that it needs."""
