"""`tito`: commands that parse, call a service and print."""
