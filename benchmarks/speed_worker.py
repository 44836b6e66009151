"""Times the environments of one checkout on demand: a process of `speed.py environments --against`.

Run with the checkout on PYTHONPATH. Reads one JSON request a line, {"env", "copies", "seconds"} (0 copies:
the single `gymnasium.Env`), and answers with {"steps_per_s"}; its first line says which package it times.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import sb3_ecom


def load_timing() -> ModuleType:
    """Return the timing code of the checkout that compares: the same for both sides."""
    path = Path(__file__).resolve().parents[1] / "sb3_ecom" / "cli" / "throughput.py"
    found = importlib.util.spec_from_file_location("timing", path)
    module = importlib.util.module_from_spec(found)
    sys.modules["timing"] = module
    found.loader.exec_module(module)
    return module


def main() -> None:
    """Answer requests until the input ends."""
    timing = load_timing()
    known: tuple[object, object] = (None, None)  # the last request's environment, warm
    print(json.dumps({"package": sb3_ecom.__file__, "ids": sorted(sb3_ecom.specs())}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        env_id, copies = key = request["env"], request["copies"]
        if known[0] != key:
            advance = timing.native_env(env_id, copies) if copies else timing.single_env(env_id)
            timing.calls_per_second(advance, min(request["seconds"], 0.2))
            known = (key, advance)
        rate = max(copies, 1) * timing.calls_per_second(known[1], request["seconds"])
        print(json.dumps({"steps_per_s": rate}), flush=True)


if __name__ == "__main__":
    main()
