"""SB3 callbacks: e-commerce metrics, time limits, dual ascent, pictures of histories."""
