"""SB3 policies: sequence encoders, slates, item heads, residual actions."""
