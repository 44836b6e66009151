import numpy as np
import pytest
import torch
from gymnasium import spaces

from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.sb3 import (
    AttentionExtractor,
    GRUExtractor,
    ItemEmbedding,
    LastClickExtractor,
    LSTMExtractor,
    TransformerExtractor,
)

LAYOUT = Layout(context=3, steps=6, features=4)
SPACE = LayoutBox(LAYOUT)
READERS = [LSTMExtractor, GRUExtractor, AttentionExtractor, TransformerExtractor]
EXTRACTORS = [*READERS, LastClickExtractor]


def windows(valid_steps, seed=0):
    """Observations whose windows hold the given numbers of valid steps."""
    generator = torch.Generator().manual_seed(seed)
    observation = torch.randn(len(valid_steps), LAYOUT.size, generator=generator)
    history = LAYOUT.split(observation)[1]
    for row, count in enumerate(valid_steps):
        history[row, :, 0] = (torch.arange(LAYOUT.steps) >= LAYOUT.steps - count).float()
    return observation


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("extractor", EXTRACTORS)
def test_padding_content_cannot_change_the_output(extractor):
    net = extractor(SPACE)
    observation = windows([0, 1, 3, 6])
    other = observation.clone()
    history = LAYOUT.split(other)[1]
    padding = history[..., 0] == 0
    history[..., 1:][padding] = 1e4
    assert not torch.equal(observation, other)
    torch.testing.assert_close(net(observation), net(other), rtol=0, atol=0)


@pytest.mark.parametrize(("extractor", "cell"), [(LSTMExtractor, "lstm"), (GRUExtractor, "gru")])
@pytest.mark.parametrize("count", range(1, 7))
def test_the_state_is_zero_before_the_first_valid_step(extractor, cell, count):
    net = extractor(SPACE)
    context, history = LAYOUT.split(windows([count]))
    expected = getattr(net, cell)(history[:, -count:])[0][:, -1]  # a net that never saw the padding
    features = net(torch.cat([context, history.flatten(1)], 1))
    torch.testing.assert_close(features[:, :64], expected)
    assert features.shape == (1, net.features_dim) == (1, 80)


@pytest.mark.parametrize("extractor", [LSTMExtractor, GRUExtractor, TransformerExtractor])
def test_an_empty_window_encodes_to_zero(extractor):
    assert (extractor(SPACE)(windows([0]))[:, :64] == 0).all()


@pytest.mark.parametrize("extractor", READERS)
def test_the_order_of_the_history_matters(extractor):
    observation = windows([6])
    swapped = observation.clone()
    history = LAYOUT.split(swapped)[1]
    history[:, [0, 3]] = history[:, [3, 0]]
    net = extractor(SPACE)
    assert (net(observation) - net(swapped)).abs().max() > 1e-3


def test_only_the_newest_step_matters_to_the_last_click():
    observation = windows([6])
    other = observation.clone()
    LAYOUT.split(other)[1][:, :-1, 1:] += 1.0
    net = LastClickExtractor(SPACE)
    torch.testing.assert_close(net(observation), net(other), rtol=0, atol=0)
    LAYOUT.split(other)[1][:, -1, 1:] += 1.0
    assert (net(observation) - net(other)).abs().max() > 0.9


@pytest.mark.parametrize("extractor", EXTRACTORS)
def test_layouts_of_flat_box_and_dict_give_the_same(extractor):
    observation = windows([2, 6])
    context, history = LAYOUT.split(observation)
    flat = spaces.Box(-np.inf, np.inf, (LAYOUT.size,))
    parts = spaces.Dict({"history": spaces.Box(-1, 1, (6, 4)), "context": spaces.Box(-1, 1, (3,))})
    nets = [extractor(SPACE), extractor(flat, sequence=(6, 4)), extractor(parts)]
    for net in nets[1:]:
        net.load_state_dict(nets[0].state_dict())
    first, second = nets[0](observation), nets[1](observation)
    torch.testing.assert_close(first, second)
    torch.testing.assert_close(first, nets[2]({"history": history, "context": context}))


@pytest.mark.parametrize(
    ("space", "kwargs", "message"),
    [
        (spaces.Box(-1, 1, (5,)), {}, "LayoutBox"),
        (spaces.Box(-1, 1, (5,)), {"sequence": (3, 2)}, r"within 5 floats, got \(3, 2\)"),
        (LayoutBox(Layout(4, 0, 0)), {}, "history"),
        (spaces.Dict({"a": spaces.Box(-1, 1, (5,))}), {}, "history"),
    ],
)
def test_spaces_without_a_history_are_refused(space, kwargs, message):
    with pytest.raises(ValueError, match=message):
        LSTMExtractor(space, **kwargs)


@pytest.mark.parametrize(
    ("extractor", "kwargs", "message"),
    [
        (LSTMExtractor, {"hidden_size": 0}, ">= 1 unit, got 0"),
        (GRUExtractor, {"hidden_size": 0}, ">= 1 unit, got 0"),
        (GRUExtractor, {"context_size": 0}, "context_size=0"),
        (AttentionExtractor, {"heads": 0}, "heads must be >= 1, got 0"),
        (AttentionExtractor, {"units": 0}, ">= 1 unit, got 0"),
        (TransformerExtractor, {"depth": 0}, "depth must be >= 1, got 0"),
        (TransformerExtractor, {"heads": 0}, "heads must be >= 1, got 0"),
        (TransformerExtractor, {"width": 30}, "multiple of heads=4, got 30"),
    ],
)
def test_sizes_out_of_range_are_refused(extractor, kwargs, message):
    with pytest.raises(ValueError, match=message):
        extractor(SPACE, **kwargs)


def test_attention_is_the_query_over_keys_and_values_it_stands_for():
    """The textbook's way, with keys and values of every step, gives the same features."""
    net = AttentionExtractor(SPACE, units=5, heads=2, context_size=1)
    context, history = LAYOUT.split(windows([4]))
    seen = history[0, -4:]
    pooled = []
    for head in range(2):
        scores = seen @ net.query.weight[head] + net.by_age[head, -4:]
        weights = torch.exp(scores) / torch.exp(scores).sum()
        pooled.append(weights @ (seen @ net.values.weight[:, head * 4 : head * 4 + 4].T))
    expected = torch.tanh(sum(pooled) + net.values.bias)
    torch.testing.assert_close(net(torch.cat([context, history.flatten(1)], 1))[0, :5], expected)


def test_attention_heads_start_with_different_reach():
    weights = torch.softmax(AttentionExtractor(SPACE).by_age.detach(), 1)
    assert (weights.diff(dim=1) > 0).all()  # newer steps weigh more
    assert (weights[:, -1].diff() < 0).all()  # and less so from head to head


def test_the_transformer_is_causal():
    net = TransformerExtractor(SPACE, depth=2)
    states = []
    net.layers[0].register_forward_hook(lambda _, __, output: states.append(output[0].detach()))
    observation = windows([6])
    net(observation)
    LAYOUT.split(observation)[1][:, 3, 1:] += 1.0
    net(observation)
    change = (states[1] - states[0]).abs().amax((0, 2))
    assert (change[:3] == 0).all()
    assert (change[3:] > 1e-4).all()


def test_the_transformer_s_last_layer_is_a_whole_layer_seen_at_the_newest_step():
    net = TransformerExtractor(SPACE)
    window = net.window(windows([2, 6]))
    blocked = ~window.valid[:, None, :] | torch.ones(6, 6, dtype=torch.bool).triu(1)
    states, weights = net.layers[0](net.embed(window.history) + net.positions, blocked, 0)
    encoding, attention = net.attend(window)
    torch.testing.assert_close(encoding, net.norm(states[:, -1]))
    torch.testing.assert_close(attention, weights[:, :, -1])


@pytest.mark.parametrize("extractor", [AttentionExtractor, TransformerExtractor])
def test_attention_weights_are_kept_on_demand(extractor):
    net = extractor(SPACE, heads=2)
    observation = windows([0, 3, 6])
    net(observation)
    assert net.last_attention is None
    net.keep_attention = True
    net(observation)
    weights = net.last_attention
    assert weights.shape == (3, 2, 6)
    assert not weights.requires_grad
    torch.testing.assert_close(weights.sum(2), torch.tensor([[0.0, 0], [1, 1], [1, 1]]))
    assert (weights[1, :, :3] == 0).all()  # padding
    assert (weights[1, :, 3:] > 0).all()


@pytest.mark.parametrize("extractor", EXTRACTORS)
@pytest.mark.filterwarnings("ignore:The tensor attributes:UserWarning")  # torch's own, of nn.LSTM and nn.GRU
def test_extractors_export_with_a_free_batch_size(extractor):
    net = extractor(SPACE).eval()
    batch = {0: torch.export.Dim("n", min=2)}
    program = torch.export.export(net, (windows([3, 3]),), dynamic_shapes=(batch,))
    observation = windows([0, 2, 6])
    torch.testing.assert_close(program.module()(observation), net(observation))


@pytest.mark.parametrize("extractor", EXTRACTORS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning")
def test_extractors_become_torch_script(extractor):
    net = extractor(SPACE).eval()
    script = torch.jit.trace(net, windows([3, 3]))
    observation = windows([0, 2, 6])
    torch.testing.assert_close(script(observation), net(observation))


@pytest.mark.parametrize(
    "extractor", [LSTMExtractor, *(pytest.param(other, marks=pytest.mark.slow) for other in EXTRACTORS[1:])]
)
@pytest.mark.filterwarnings("ignore")  # of the exporter's own making
def test_extractors_run_in_onnx(extractor, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    net = extractor(SPACE).eval()
    path = str(tmp_path / "net.onnx")
    torch.onnx.export(
        net, (windows([3, 3]),), path, dynamic_shapes=({0: torch.export.Dim("n", min=2)},), verbose=False
    )
    session = onnxruntime.InferenceSession(path)
    observation = windows([0, 2, 6])
    found = session.run(None, {session.get_inputs()[0].name: observation.numpy()})[0]
    np.testing.assert_allclose(found, net(observation).detach().numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("extractor", EXTRACTORS)
def test_off_the_cpu_no_value_is_asked_for(extractor):
    """On torch's meta device values do not exist: what runs there never makes a GPU wait for the host."""
    ids = ItemEmbedding(items=9, columns=(2,))
    net = extractor(SPACE, item_ids=ids).to("meta")
    observations = torch.empty(128, LAYOUT.size, device="meta")
    features = net(observations)
    features.sum().backward()
    assert features.shape == (128, net.features_dim)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize("extractor", EXTRACTORS)
def test_a_gpu_computes_the_same(extractor):
    net = extractor(SPACE)
    observations = windows([0, 1, 3, 6] * 32)
    expected = net(observations)
    torch.testing.assert_close(net.to("cuda")(observations.cuda()).cpu(), expected, rtol=1e-4, atol=1e-4)
