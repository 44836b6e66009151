"""Copies spread over the actors of a Ray cluster: `vec_env.RayVecEnv`."""
