"""Define the tables of reports, rejected rows and exports."""

from ingestion.models.exports import Export
from ingestion.models.reports import RejectedRow, Report

__all__ = ["Export", "RejectedRow", "Report"]
