"""A seed's shop and observations are the same whatever the number of BLAS threads."""

import os
import subprocess
import sys

CODE = """
import hashlib, numpy as np
from sb3_ecom.sb3 import make_vec_env
venv = make_vec_env("EcomRecLarge-v0", 64, seed=1)
found = [venv.reset()]
draw = np.random.default_rng(0)
for _ in range(5):
    found += venv.step(draw.uniform(-1, 1, (64, *venv.action_space.shape)).astype(np.float32))[:2]
print(hashlib.sha256(b"".join(part.tobytes() for part in found)).hexdigest())
"""


def test_observations_do_not_depend_on_the_number_of_blas_threads():
    hashes = set()
    for threads in ("1", "2", "4"):
        env = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        done = subprocess.run(
            [sys.executable, "-c", CODE], env=env, capture_output=True, text=True, check=True
        )
        hashes.add(done.stdout.strip())
    assert len(hashes) == 1
