"""`python -m netspec` and the command `netspec`."""

from netspec.cli.main import main

if __name__ == "__main__":
    main()
