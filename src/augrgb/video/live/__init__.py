"""Live video: sources that are read in a child process, so that a decoder that hangs can be ended.

`LiveVideo` is this side: it starts the process, takes its messages and replaces it when it falls silent.
"""
