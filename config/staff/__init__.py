"""Serve pages for the operators of the installation at /staff/, if `STAFF_ADMIN` is set."""
