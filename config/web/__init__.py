"""Configure the web server and its middleware."""
