"""`python -m unravel`."""

from unravel.cli import main

if __name__ == "__main__":
    main()
