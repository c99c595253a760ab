"""Views of reports and posted rows."""
