"""Use it from other libraries
===========================

Everything is a ``gymnasium.Env`` or ``VectorEnv``, so a loop in the style of CleanRL needs nothing of ours.
"""

# %%
import gymnasium as gym
import torch
from torch import nn

torch.manual_seed(0)
envs = gym.make_vec("EcomLostSales-v0", num_envs=256, vectorization_mode="vector_entry_point")
width, actions = envs.single_observation_space.shape[0], int(envs.single_action_space.n)
policy = nn.Sequential(nn.Linear(width, 64), nn.Tanh(), nn.Linear(64, actions))
optimiser = torch.optim.Adam(policy.parameters(), 1e-2)

# %%
# REINFORCE over windows of 16 periods, with the batch mean as the baseline.
observation, _ = envs.reset(seed=0)
for update in range(60):
    log_probs, rewards = [], []
    for _ in range(16):
        choice = torch.distributions.Categorical(logits=policy(torch.as_tensor(observation)))
        action = choice.sample()
        observation, reward, *_ = envs.step(action.numpy())
        log_probs.append(choice.log_prob(action))
        rewards.append(torch.as_tensor(reward))
    togo = torch.stack(rewards).flip(0).cumsum(0).flip(0)
    advantage = (togo - togo.mean(1, keepdim=True)) / (togo.std() + 1e-6)
    loss = -(torch.stack(log_probs) * advantage).mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    if update % 20 == 19:
        print(f"update {update + 1}: reward a period {torch.stack(rewards).mean():.2f}")
