"""The hook modules: where pytest calls the plugin. Each calls the services that it needs."""
