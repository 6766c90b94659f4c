"""torchrun that dies with the process that started it, so that no training outlives its dispatcher."""

from __future__ import annotations

import sys

from mlperf_runners.worker import die_with_parent, pin_cores


def main() -> None:
    """Run torchrun on the process's arguments."""
    die_with_parent()
    pin_cores()
    from torch.distributed.run import main as torchrun

    torchrun(sys.argv[1:])


if __name__ == "__main__":
    main()
