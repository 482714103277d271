"""The report of a transition: the certificate first, then what stands behind each of its lines."""

from alignthermo.report.transition.model import TransitionData
from alignthermo.report.transition.page import render_transition, render_transition_summary

__all__ = ["TransitionData", "render_transition", "render_transition_summary"]
