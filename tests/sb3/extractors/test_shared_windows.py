import pytest
import torch
from torch import nn

from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.sb3 import GRUExtractor, LSTMExtractor, TransformerExtractor
from sb3_ecom.sb3.extractors import shared_windows
from sb3_ecom.sb3.extractors.shared_windows import encode_recurrent, share
from sb3_ecom.sb3.extractors.windows import Window, at_last_valid, valid_first

STEPS, FEATURES = 7, 3


def sessions(lengths, seed=0, steps=STEPS):
    """The windows of sessions, one row for every moment of each, shuffled."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for length in lengths:
        events = torch.randn(length, FEATURES, generator=generator)
        events[:, 0] = 1.0
        for moment in range(length + 1):
            seen = events[max(moment - steps, 0) : moment]
            rows.append(torch.cat([torch.zeros(steps - len(seen), FEATURES), seen]))
    history = torch.stack(rows)[torch.randperm(len(rows), generator=generator)]
    return Window(torch.zeros(len(rows), 0), history, history[..., 0] > 0.5)


def plain(net, window):
    rolled, count = valid_first(window)
    return at_last_valid(net(rolled)[0], count)


@pytest.mark.parametrize(
    "net", [nn.LSTM(FEATURES, 5, batch_first=True), nn.GRU(FEATURES, 5, batch_first=True)]
)
@pytest.mark.parametrize("lengths", [[20] * 8, list(range(15)), [7] * 12, [1] * 40, [0] * 80])
def test_sharing_changes_neither_states_nor_gradients(net, lengths):
    window = sessions(lengths)
    assert len(window.history) >= 64
    found = {}
    for name, encode in (("plain", plain), ("shared", encode_recurrent)):
        states = encode(net, window)
        net.zero_grad()
        (states * torch.linspace(-1, 1, states.numel()).view_as(states)).sum().backward()
        gradients = [parameter.grad.clone() for parameter in net.parameters()]
        found[name] = (states.detach(), *gradients)
    for one, other in zip(found["plain"], found["shared"], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    with torch.no_grad():
        torch.testing.assert_close(plain(net, window), encode_recurrent(net, window))


@pytest.mark.parametrize("extractor", [LSTMExtractor, GRUExtractor, TransformerExtractor])
def test_every_observation_keeps_its_own_gradient(extractor):
    torch.manual_seed(0)
    net = extractor(LayoutBox(Layout(0, 16, FEATURES)))
    rows = sessions([9] * 8, steps=16).history.flatten(1)
    found = []
    for batch in (rows, rows.split(20)):  # parts of fewer than 64 rows go the plain way
        observations = [part.clone().requires_grad_() for part in ([batch] if batch is rows else batch)]
        for part in observations:
            net(part).sum().backward()
        found.append(torch.cat([part.grad for part in observations]))
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)


def test_only_the_longest_window_of_a_session_is_encoded():
    rolled, count = valid_first(sessions([5, 3, 6]))  # none slides out of its window
    shared = share(rolled, count)
    assert sorted(count[shared.chosen].tolist()) == [3, 5, 6]
    for row, place in enumerate(shared.place):
        owner = shared.chosen[place]
        assert count[owner] >= count[row]
        assert torch.equal(rolled[owner, : count[row]], rolled[row, : count[row]])


def test_windows_that_slide_share_nothing_with_each_other():
    rolled, count = valid_first(sessions([12]))
    assert sorted(count[share(rolled, count).chosen].tolist()) == [7] * 6


def test_a_hash_that_errs_costs_time_not_truth(monkeypatch):
    net = nn.LSTM(FEATURES, 5, batch_first=True)
    window = sessions([6] * 12)
    monkeypatch.setattr(shared_windows, "_prefix_keys", lambda rolled: torch.zeros(rolled.shape[:2]).long())
    torch.testing.assert_close(encode_recurrent(net, window), plain(net, window))


@pytest.mark.parametrize("extractor", [LSTMExtractor, GRUExtractor, TransformerExtractor])
def test_small_and_large_batches_encode_alike(extractor):
    """Below 64 rows nothing is cut off or shared."""
    torch.manual_seed(0)
    net = extractor(LayoutBox(Layout(0, 16, FEATURES)))
    rows = sessions([9] * 7 + [16] * 2, steps=16).history.flatten(1)
    assert len(rows) >= 64
    alone = torch.cat([net(row[None]) for row in rows])
    torch.testing.assert_close(net(rows), alone, rtol=1e-4, atol=1e-5)


def test_fewer_steps_are_computed(monkeypatch):
    """What a rollout's batch costs: the sum of the shapes that reach the recurrent net."""
    net = LSTMExtractor(LayoutBox(Layout(0, 16, FEATURES)))
    cells = []
    net.lstm.register_forward_hook(
        lambda _, inputs, __: cells.append(inputs[0].shape[0] * inputs[0].shape[1])
    )
    rows = sessions([4] * 20, steps=16).history.flatten(1)
    net(rows)
    assert sum(cells) == 20 * 4  # one pass over each session's four steps
    cells.clear()
    with torch.no_grad():
        net(rows)
    assert sum(cells) <= 20 * (2 + 2 + 2 + 4 + 4)  # no sharing while acting, but no padding either
