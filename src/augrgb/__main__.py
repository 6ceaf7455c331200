"""`python -m augrgb`."""

from augrgb.cli.main import main

main()
