"""What SB3 asks of every VecEnv and a toy task has no use for."""

from stable_baselines3.common.vec_env.base_vec_env import VecEnv


class PlainVecEnv(VecEnv):
    """A VecEnv without attributes, methods or wrappers of its own."""

    def close(self):
        pass

    def get_attr(self, attr_name, indices=None):
        return [None] * self.num_envs

    def set_attr(self, attr_name, value, indices=None):
        pass

    def env_method(self, method_name, *args, indices=None, **kwargs):
        return [None] * self.num_envs

    def env_is_wrapped(self, wrapper_class, indices=None):
        return [False] * self.num_envs
