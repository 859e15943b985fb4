"""`tito`: commands that parse arguments, call a service and print its result."""
