"""`python -m central.broker_child CONFIG PARENT`: the broker process. It never outlives the process that started it."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import threading

from iotcore.iotcore import IotCoreBroker

_PR_SET_PDEATHSIG = 1


def _die_with(parent: int) -> None:
    """Ask the kernel for SIGKILL when the parent dies (prctl(2)), and check that it has not died already."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def _leave_with_stdin() -> None:
    """The same for a parent thread that ended before its process: our standard input closes with the parent."""
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    """Serve until killed."""
    _die_with(int(sys.argv[2]))
    threading.Thread(target=_leave_with_stdin, daemon=True).start()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # rumqttd reports every packet at ERROR.
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    IotCoreBroker(config_path=sys.argv[1]).run_forever()


if __name__ == "__main__":
    main()
