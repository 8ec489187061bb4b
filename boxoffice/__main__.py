"""`python -m boxoffice` is `boxoffice`."""

from boxoffice.cli.main import main

main()
