"""SB3 VecEnvWrappers: rewards, expected advantages, residual actions, item rows."""
