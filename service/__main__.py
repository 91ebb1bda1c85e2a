"""``python -m service`` is ``thinkcarer``."""

import gc

gc.disable()  # what is imported stays: to look through it again and again is a fifth of the start

from service.cli import main  # noqa: E402

gc.freeze()
gc.enable()

if __name__ == "__main__":
    main()
