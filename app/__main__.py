"""`python -m everlisten.app`: the same as the command `everlisten`."""

from everlisten.app.main import main

if __name__ == "__main__":  # a spawned child process imports this file again
    raise SystemExit(main())
