"""The recommendation ids beside the flagship's: other people's benchmarks and special questions."""

from __future__ import annotations

from sb3_ecom.envs.recommendation.bored.spec import BORED
from sb3_ecom.envs.recommendation.cold.spec import COLD
from sb3_ecom.envs.recommendation.context.spec import CONTEXT
from sb3_ecom.envs.recommendation.evolution.spec import EVOLUTION
from sb3_ecom.envs.recommendation.large.spec import LARGE
from sb3_ecom.envs.recommendation.organic.spec import ORGANIC
from sb3_ecom.envs.recommendation.retain.spec import RETAIN

FAMILY_SPECS = (EVOLUTION, BORED, ORGANIC, COLD, CONTEXT, RETAIN, LARGE)
