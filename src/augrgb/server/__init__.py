"""The page and its API: upload videos, detect, look at scores and events, correct them, export.

Everything stays on this machine: one process serves, and child processes open the videos. Jobs, versions and the audit
log are in one SQLite file in the work folder, so a stopped or killed server goes on where it was.

The packages of the extra `serve` are imported by the modules here, and by nothing else.
"""
