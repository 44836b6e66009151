"""What do product titles alone say about what is bought together? A web shop's items, cold and warm.

The log is the UK online gift retailer's (CC0). A fifth of its items is made cold: no model sees a basket
with them. Then, for baskets that hold warm items and a cold one, every cold item is ranked by

- "similar": the mean cosine to the basket's warm items;
- "mapped": a ridge map from item vector to co-purchase factors, fitted on the warm items only, and the
  product with the mean factors of the basket's warm items;

with vectors of the titles (TextItemEncoder) and with random ones of the same size. Reported: recall at 20
and mean reciprocal rank over baskets, with the standard error over baskets, and nearest neighbours.

Answer: benchmarks/results/text_items.csv and text_neighbours.csv. Needs sb3-ecom[text].

    python benchmarks/studies/text_items.py ../shared/data/inv_online_retail_uk/online_retail.parquet
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from records import save

from sb3_ecom.sb3.extractors.text import TextItemEncoder

FACTORS = 64  # of the co-purchases
EXAMPLES = ("WHITE HANGING HEART T-LIGHT HOLDER", "LUNCH BAG RED RETROSPOT", "ALARM CLOCK BAKELIKE RED")


class Shop(NamedTuple):
    """Who bought what with what."""

    titles: list[str]  # one per item
    baskets: list[np.ndarray]  # item numbers, no repeats, >= 2 of them


def read_shop(path: Path) -> Shop:
    """Read the log and clean it as its PROVENANCE.md says; an item's title is its most frequent one."""
    log = pd.read_parquet(path).astype({"InvoiceNo": str, "StockCode": str, "Description": str})
    sold = (log.Quantity > 0) & (log.UnitPrice > 0) & ~log.InvoiceNo.str.startswith("C")
    named = log.StockCode.str.match(r"\d{5}") & (log.Description.str.strip() != "")
    log = log[sold & named & (log.Description != "nan")].assign(StockCode=log.StockCode.str.upper())
    titles = log.groupby("StockCode").Description.agg(lambda names: names.mode()[0].strip())
    item = pd.Series(range(len(titles)), index=titles.index)
    baskets = [np.unique(item[codes].to_numpy()) for _, codes in log.groupby("InvoiceNo").StockCode]
    return Shop(titles.tolist(), [basket for basket in baskets if len(basket) > 1])


def factors(shop: Shop, cold: np.ndarray) -> np.ndarray:
    """Return (N, FACTORS) factors of the warm items' positive pointwise mutual information; cold rows 0."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.linalg import svds

    rows = np.concatenate([np.full(len(basket), row) for row, basket in enumerate(shop.baskets)])
    columns = np.concatenate(shop.baskets)
    bought = csr_matrix((np.ones(len(rows)), (rows, columns)), (len(shop.baskets), len(shop.titles)))
    bought = bought.multiply(~cold).tocsr()
    together = (bought.T @ bought).toarray()
    counts = np.maximum(together.diagonal().copy(), 1.0)
    np.fill_diagonal(together, 0.0)
    lift = together * len(shop.baskets) / counts[:, None] / counts[None]
    information = np.log(np.maximum(lift, 1.0)) * (together >= 5)  # fewer are chance
    vectors, values, _ = svds(csr_matrix(information), k=FACTORS, random_state=0)
    return vectors * np.sqrt(values)


def ridge(vectors: np.ndarray, targets: np.ndarray, penalty: float = 1.0) -> np.ndarray:
    """Return predictions (N, f) for all items of a linear map fitted to rows whose target is not zero."""
    known = np.abs(targets).sum(1) > 0
    mean = targets[known].mean(0)
    inner = vectors[known].T @ vectors[known] + penalty * np.eye(vectors.shape[1])
    return mean + vectors @ np.linalg.solve(inner, vectors[known].T @ (targets[known] - mean))


def rank_cold(
    shop: Shop, cold: np.ndarray, asked: np.ndarray, offered: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return recall at 20 and reciprocal rank of each basket's best-ranked cold item.

    `asked` (N, f) stands for the warm items in the basket, `offered` (N, f) for the cold ones.
    """
    names = np.flatnonzero(cold)
    recalls, ranks = [], []
    for basket in shop.baskets:
        warm, wanted = basket[~cold[basket]], basket[cold[basket]]
        if not len(warm) or not len(wanted):
            continue
        order = names[np.argsort(-(offered[names] @ asked[warm].mean(0)), kind="stable")]
        places = np.flatnonzero(np.isin(order, wanted))
        recalls.append((places < 20).mean())
        ranks.append(1.0 / (1 + places[0]))
    return np.array(recalls), np.array(ranks)


def neighbours(titles: list[str], vectors: np.ndarray, title: str, count: int = 3) -> list[str]:
    """Return the titles nearest to one of them."""
    place = titles.index(title)
    near = np.argsort(-(vectors @ vectors[place]), kind="stable")
    return [titles[other] for other in near if other != place][:count]


def main() -> None:
    """Encode, rank, print and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("log", type=Path)
    parser.add_argument("--cache", type=Path, default=None, help="of the vectors, .npz")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    shop = read_shop(options.log)
    rng = np.random.default_rng(options.seed)
    cold = np.zeros(len(shop.titles), bool)
    cold[rng.choice(len(cold), len(cold) // 5, replace=False)] = True
    text = TextItemEncoder(cache=options.cache).encode(shop.titles).astype(np.float64)
    noise = rng.normal(size=text.shape)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    known = factors(shop, cold)
    print(f"{len(shop.titles)} items, {cold.sum()} of them cold; {len(shop.baskets)} baskets")
    rows = []
    for name, vectors in (("title", text), ("random", noise)):
        for way, asked, offered in (
            ("similar", vectors, vectors),
            ("mapped", known, ridge(vectors, known)),
        ):
            found = rank_cold(shop, cold, asked, offered)
            numbers = [f(part) for part in found for f in (np.mean, lambda x: x.std(ddof=1) / len(x) ** 0.5)]
            rows.append((way, name, len(found[0]), *(f"{number:.4f}" for number in numbers)))
    save("text_items.csv", ("way", "vectors", "baskets", "recall@20", "s.e.", "mrr", "s.e."), rows)
    near = [
        (title, *neighbours(shop.titles, vectors, title), name)
        for title in EXAMPLES
        for name, vectors in (("title", text), ("random", noise))
    ]
    save("text_neighbours.csv", ("item", "nearest", "second", "third", "vectors"), near)


if __name__ == "__main__":
    main()
