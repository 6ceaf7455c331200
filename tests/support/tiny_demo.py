"""`augrgb demo --tiny` as a process for tests to kill: `python tiny_demo.py FOLDER`."""

import sys

from augrgb.cli.main import main

if __name__ == "__main__":
    main(["demo", "-o", sys.argv[1], "--tiny", "--workers", "2"])
