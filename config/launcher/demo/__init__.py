"""The demo agency: reports of invented sellers. Pure."""
