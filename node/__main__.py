"""`python -m node` is `osteonode`."""

from node.cli import main

main()
