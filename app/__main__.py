"""`python -m everlisten.app`: the same as the command `everlisten`."""

from everlisten.app.main import main

raise SystemExit(main())
