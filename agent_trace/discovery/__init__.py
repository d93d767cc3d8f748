"""Reads a codebase, without running it, and proposes the entry points to attach to: `discover(path)`."""

from agent_trace.discovery.answers import DirectCall, EntryPoint, Factory, Proposal, Unreadable
from agent_trace.discovery.discovering import discover

__all__ = ["DirectCall", "EntryPoint", "Factory", "Proposal", "Unreadable", "discover"]
