"""``python -m service`` is ``thinkcarer``."""

from service.cli import main

if __name__ == "__main__":
    main()
