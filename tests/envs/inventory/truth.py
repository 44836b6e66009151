"""Ground truth of single-item models, recomputed and published; conventions in the module docstrings.

Optimum, best base stock, capped base stock, myopic and constant order of the lost-sales test bed with Poisson
demand of mean 5 and holding cost 1 (Zipkin 2008, Table 3, recomputed to more digits); (s, S) and backlog
base stock after Snyder and Shen; dual sourcing after Gijsbrechts et al. (2022); serial systems after
Snyder and Shen, example 6.1.
"""

# penalty, lead time: optimum, (S, cost), (S, r, cost), myopic, (order, cost)
LOST_SALES = {
    (4, 1): (4.04071, (12, 4.162803), (12, 6, 4.065419), 4.111308, (4, 5.274794)),
    (4, 2): (4.39530, (16, 4.638644), (17, 5, 4.405732), 4.558071, (4, 5.274794)),
    (4, 3): (4.59872, (20, 4.974996), (21, 5, 4.630770), 4.843478, (4, 5.274794)),
    (4, 4): (4.72853, (25, 5.197769), (26, 5, 4.797850), 5.062808, (4, 5.274794)),
    (9, 1): (5.43822, (13, 5.547472), (14, 6, 5.481227), 5.447175, (4, 10.274794)),
    (9, 2): (6.09364, (19, 6.316261), (19, 6, 6.119093), 6.223125, (4, 10.274794)),
    (9, 3): (6.53137, (23, 6.864027), (24, 6, 6.616440), 6.798325, (4, 10.274794)),
    (9, 4): (6.83594, (28, 7.270933), (29, 5, 6.912279), 7.199112, (4, 10.274794)),
}

# penalty, lead time: published cost of the base stock that would be best with backlog (Zipkin 2008, Table 3)
STANDARD_BASE_STOCK = {
    (4, 1): 4.39,
    (4, 2): 4.94,
    (4, 3): 5.77,
    (4, 4): 6.14,
    (9, 1): 5.56,
    (9, 2): 6.55,
    (9, 3): 7.47,
    (9, 4): 8.37,
}

# penalty, lead time: published costs of Myopic2 and the standard vector base stock (Zipkin 2008, Table 3)
MYOPIC2_VECTOR = {
    (4, 1): (4.04, 4.31),
    (4, 2): (4.41, 4.80),
    (4, 3): (4.64, 5.51),
    (4, 4): (4.82, 5.83),
    (9, 1): (5.44, 5.51),
    (9, 2): (6.10, 6.45),
    (9, 3): (6.57, 7.31),
    (9, 4): (6.92, 8.16),
}

# law, penalty: (S, cost) of the best base stock for lead times 1, 2, ... (mean 5, holding cost 1), by
# `best_base_stock`: the cells of the test bed that LOST_SALES does not hold
BASE_STOCK = {
    ("poisson", 19): ((15, 6.727785), (21, 7.842169), (26, 8.604479), (31, 9.231919)),
    ("poisson", 39): ((16, 7.862647), (22, 9.190268), (28, 10.217604), (33, 11.062261)),
    ("geometric", 4): ((12, 10.041800), (15, 10.704982), (18, 11.133727), (21, 11.438278)),
    ("geometric", 9): ((17, 14.727332), (22, 15.988173), (26, 16.871665), (30, 17.542785)),
    ("geometric", 19): ((22, 19.402597), (28, 21.308146), (33, 22.725765), (38, 23.849484)),
    ("geometric", 39): ((27, 24.006637), (34, 26.553505), (40, 28.510880), (45, 30.107839)),
}

# demand mean, penalty, fixed cost: s, S, cost (lead time 0, backlog, holding cost 1)
REORDER_LEVELS = {(6, 4, 5): (4, 10, 8.034112), (10, 9, 64): (6, 40, 35.021555)}

# penalty, lead time: S, cost (Poisson 5, backlog, holding cost 1)
BACKLOG_BASE_STOCK = {
    (4, 0): (7, 3.277405),
    (9, 0): (8, 4.221093),
    (4, 1): (13, 4.612364),
    (9, 1): (14, 5.869372),
    (4, 2): (18, 5.588048),
    (9, 2): (20, 7.123000),
    (4, 4): (29, 7.169839),
    (9, 4): (32, 9.151049),
}

# express cost: optimum (regular lead time 2, regular cost 100, h 5, b 495, demand uniform on 0..4)
DUAL_SOURCING = {105: 216.7698, 110: 219.73333}

# echelon holding costs, lead times (retailer first), penalty: echelon base stocks, cost
SERIAL = {
    ((3, 2, 2), (1, 1, 2), 37.12): ((9, 15, 26), 72.046741),
    ((1, 1), (1, 2), 19.0): ((9, 21), 17.888902),
    ((1,), (2,), 9.0): ((14,), 5.869372),
}
