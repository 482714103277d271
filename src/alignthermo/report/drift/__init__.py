"""The report of a drift run: drift beside compliance, what it is made of, and what holds it."""

from alignthermo.report.drift.model import DriftData
from alignthermo.report.drift.page import render_drift, render_drift_summary

__all__ = ["DriftData", "render_drift", "render_drift_summary"]
