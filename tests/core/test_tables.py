import gzip
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sb3_ecom.core.tables.reader import MALFORMED, Column, read_table
from sb3_ecom.core.tables.times import TimeReading

COLUMNS = (
    Column(option="session", kind="id", names=("session_id", "session")),
    Column(option="item", kind="id", names=("item_id", "item")),
    Column(option="time", kind="time", names=("timestamp", "time")),
    Column(option="price", kind="number", names=("price",), required=False),
)


def write(tmp_path, text, name="log.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def read(path, names=None, **kwargs):
    return read_table(path, COLUMNS, names, progress=False, **kwargs)


def test_ids_become_codes_with_labels(tmp_path):
    table = read(write(tmp_path, "Session ID,item,time\nb,é水,1\na,x,2\nb,é水,3\n"))
    assert table.columns["session"].tolist() == [0, 1, 0]
    assert table.labels == {"session": ["b", "a"], "item": ["é水", "x"]}
    assert table.columns["time"].tolist() == [1, 2, 3]
    assert table.time_unit == "order"
    assert "price" not in table.columns
    assert (table.rows_read, table.rows, table.dropped) == (3, 3, {})


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found_from_the_header(tmp_path, delimiter):
    text = "session,item,time,price\n1,a,1,2.5\n".replace(",", delimiter)
    assert read(write(tmp_path, text)).columns["price"].tolist() == [2.5]


def test_rows_that_do_not_parse_are_counted_with_the_first_example(tmp_path):
    rows = ["1,a,1,2", "1,b", "1,c,x,2", "1,,3,2", "1,d,4,cheap", "1,e,5,inf", "1,f,y,1", "1,g,6,"]
    table = read(write(tmp_path, "session,item,time,price\n" + "\n".join(rows) + "\n"))
    found = {reason: (d.count, d.row) for reason, d in table.dropped.items()}
    assert found == {
        MALFORMED: (1, 2),
        "time is not a time": (2, 3),
        "item is missing": (1, 4),
    }
    assert str(table.dropped["time is not a time"]) == "2 (first: row 3)"
    assert {reason: (d.count, d.row) for reason, d in table.lost.items()} == {
        "price is not a number": (1, 5),
        "price is infinite": (1, 6),
        "price is missing": (1, 8),
    }
    assert table.rows_read == 8
    assert table.rows == len(table.columns["item"]) == 4
    assert table.row_numbers.tolist() == [1, 5, 6, 8]
    np.testing.assert_equal(table.columns["price"], [2, np.nan, np.nan, np.nan])


@pytest.mark.parametrize(
    ("times", "expected", "unit"),
    [
        (["2024-01-01T00:00:00Z", "2024-01-01 01:00:00.5+01:00"], [1704067200, 1704067200.5], "seconds"),
        (["2024-01-01", "2024-01-02"], [1704067200, 1704153600], "seconds"),
        (["20240101", "20240102"], [1704067200, 1704153600], "seconds"),
        (["1704067200", "1704067201"], [1704067200, 1704067201], "seconds"),
        (["1704067200000", "1704067200500"], [1704067200, 1704067200.5], "seconds"),
        (["1704067200000000", "1704067200500000"], [1704067200, 1704067200.5], "seconds"),
        (["3", "7"], [3, 7], "order"),
    ],
)
def test_times_are_read_in_every_usual_form(tmp_path, times, expected, unit):
    text = "session,item,time\n" + "".join(f"1,a,{time}\n" for time in times)
    table = read(write(tmp_path, text))
    np.testing.assert_allclose(table.columns["time"], expected, rtol=0, atol=1e-3)
    assert table.time_unit == unit


def test_time_format_reads_other_times(tmp_path):
    table = read(
        write(tmp_path, "session,item,time\n1,a,12/31/2010 8:26\n"),
        times=TimeReading(time_format="%m/%d/%Y %H:%M"),
    )
    assert table.columns["time"].tolist() == [pd.Timestamp("2010-12-31 08:26").timestamp()]


def test_parquet_keeps_its_types(tmp_path):
    path = tmp_path / "log.parquet"
    frame = pd.DataFrame(
        {
            "session": [1.0, np.nan, 3.0],
            "item": pd.Categorical(["a", "b", "a"]),
            "time": pd.to_datetime(["2024-01-01", "2024-01-01", None]),
        }
    )
    frame.to_parquet(path)
    table = read(path)
    assert table.labels["session"] == ["1"]
    assert table.columns["time"].tolist() == [1704067200]
    assert {reason: d.row for reason, d in table.dropped.items()} == {
        "session is missing": 2,
        "time is missing": 3,
    }


def test_gzip_and_latin_1_are_read(tmp_path):
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress("session,item,time\n1,é,1\n".encode("latin-1")))
    assert read(path, encoding="latin-1").labels["item"] == ["é"]
    with pytest.raises(ValueError, match="--encoding latin-1"):
        read(path)


def test_integers_must_be_whole(tmp_path):
    path = write(tmp_path, "n\n1\n2.5\n")
    table = read_table(path, [Column(option="count", kind="integer", names=("n",))], progress=False)
    assert table.columns["count"].tolist() == [1]
    assert list(table.dropped) == ["count is not a whole number"]


def test_a_column_of_lists_is_refused(tmp_path):
    path = tmp_path / "log.parquet"
    pd.DataFrame({"session": [1], "item": ["a"], "time": [1], "price": [[1, 2]]}).to_parquet(path)
    with pytest.raises(ValueError, match=r"'price' .--price. of type list"):
        read(path)


def test_quoted_line_breaks_and_a_byte_order_mark_do_no_harm(tmp_path):
    table = read(write(tmp_path, '\ufeffsession,item,time,title\n1,a,1,"two\nlines"\n1,b,2,x\n'))
    assert table.rows == 2


def test_columns_are_named_by_options(tmp_path):
    table = read(write(tmp_path, "visit,item,time\n1,a,1\n"), {"session": "visit", "item": None})
    assert table.names == {"session": "visit", "item": "item", "time": "time"}


def test_batches_agree_with_the_whole(tmp_path, monkeypatch):
    rows = np.arange(999)
    frame = pd.DataFrame({"session": rows // 7, "item": rows % 13, "time": rows})
    path = tmp_path / "log.csv"
    frame.to_csv(path, index=False)
    whole = read(path)
    monkeypatch.setattr("sb3_ecom.core.tables.files._BLOCK_BYTES", 64)
    parts = read(path)
    for option, values in whole.columns.items():
        np.testing.assert_array_equal(parts.columns[option], values)
    assert parts.labels == whole.labels


CELLS = st.one_of(
    st.sampled_from(["1", "-1", "1e309", "nan", "", " ", "2024-01-01", "20240101", "é", '"', "1,5", "0x1"]),
    st.text(max_size=6),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(CELLS, max_size=5), max_size=6), st.booleans())
def test_any_text_is_read_or_refused(tmp_path, rows, header):
    lines = ["session,item,time,price"] if header else []
    path = tmp_path / "log.csv"
    path.write_bytes("\n".join(lines + [",".join(row) for row in rows]).encode("utf-8", "surrogatepass"))
    try:
        table = read(path)
    except ValueError:
        return
    assert table.rows == len(table.columns["item"]) > 0
    assert np.isfinite(table.columns["time"]).all()


@settings(
    max_examples=150, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
@given(
    st.lists(st.binary(max_size=12), max_size=6), st.sampled_from(["log.csv", "log.csv.gz", "log.parquet"])
)
def test_any_bytes_are_read_or_refused_with_the_file(tmp_path, rows, name):
    path = tmp_path / name
    content = b"session,item,time,price\n1,a,1,2\n" + b"\n".join(rows)
    if name.endswith(".gz"):
        packed = gzip.compress(content)
        content = packed[: len(packed) - 7 * (len(rows) % 2)]
    path.write_bytes(content)
    try:
        table = read(path)
    except ValueError as error:
        message = str(error)
    else:
        message = None
    assert table.rows == len(table.columns["item"]) > 0 if message is None else name in message


@pytest.mark.parametrize(
    "row", [b"\xf8", b"1,\xf8", b"1,2,3,4,\xf8", b"1,\xe9,1,2", b"1,a,\xff,2", b"\xfe\xff,a,1,2"]
)
@pytest.mark.parametrize("rows_before", [0, 300_000])
def test_a_row_that_is_not_utf_8_is_refused_with_the_encoding_to_name(tmp_path, row, rows_before, capfd):
    path = tmp_path / "log.csv"
    path.write_bytes(b"session,item,time,price\n" + b"1,a,1,2\n" * rows_before + row + b"\n1,b,2,2\n")
    with pytest.raises(ValueError, match=r"log\.csv is not utf-8 text .*give its encoding"):
        read(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_a_million_rows_are_read_in_bounded_memory(tmp_path):
    rng = np.random.default_rng(0)
    n = 1_000_000
    frame = pd.DataFrame(
        {
            "session": np.arange(n) // 7,
            "item": rng.integers(0, 5000, n),
            "time": 1.7e9 + np.arange(n),
            "unused": [f"a long text that nobody asked for, {k}" for k in range(n)],
        }
    )
    path = tmp_path / "log.csv"
    frame.to_csv(path, index=False)
    code = (
        "import resource, sys; from tests.core.test_tables import read\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        "before = peak(); table = read(sys.argv[1]); print(table.rows, peak() - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    rows, megabytes = done.stdout.split()
    assert int(rows) == n
    assert float(megabytes) < 250


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("session,item,time\n", "a header and no row"),
        ("a,b\n1,2\n", "known as session: name it with --session; .*columns found: a, b"),
        ("session,item,time,time\n1,2,3,4\n", "2 columns named 'time'"),
        ("session,item,time\n1,a,soon\n1,b,later\n", "'time' .--time. parses as a time .first: row 1"),
        ("session,item,time\n,a,1\n1,,2\n", "all 2 rows were dropped: session is missing: 1 .first: row 1."),
    ],
)
def test_a_log_that_can_not_be_used_says_why(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read(write(tmp_path, text))


def test_a_wrong_column_name_suggests_the_nearest(tmp_path):
    with pytest.raises(ValueError, match=r"--item names 'itm'.*did you mean 'item'.*columns found: se"):
        read(write(tmp_path, "session,item,time\n1,a,1\n"), {"item": "itm"})


def test_a_file_that_can_not_be_read_says_why(tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        read(tmp_path / "absent.csv")
    with pytest.raises(ValueError, match="is a folder"):
        read(tmp_path)
    with pytest.raises(ValueError, match="must be a CSV or parquet file"):
        read(write(tmp_path, "x", "log.xlsx"))
    with pytest.raises(ValueError, match="can not be read"):
        read(write(tmp_path, "not parquet", "log.parquet"))
    with pytest.raises(ValueError, match="can not be read"):
        read(write(tmp_path, "not gzip", "log.csv.gz"))
    with pytest.raises(ValueError, match="can not be read"):
        read(write(tmp_path, "a\x00b,c\n1,2\n"))
    whole = gzip.compress(b"session,item,time\n" + b"1,a,1\n" * 500_000, compresslevel=1)
    (tmp_path / "cut.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="can not be read"):
        read(tmp_path / "cut.csv.gz")
    with pytest.raises(ValueError, match="can not be read"):
        read(write(tmp_path, "session,item,time\n1,a,1\n"), encoding="klingon")


def read_times(tmp_path, cells, **reading):
    text = "session;item;time\n" + "".join(f"1;a;{cell}\n" for cell in cells)
    return read(write(tmp_path, text), times=TimeReading(**reading))


def stamp(text):
    return pd.Timestamp(text).timestamp()


def test_time_kinds_are_read_cell_by_cell(tmp_path):
    cells = ["1704067200", "1704067200000", "2024-01-01 00:00:00 UTC", "2024/1/1", "20240101", "1 Jan 2024"]
    table = read_times(tmp_path, [*cells, "31.12.2023", "7"])
    assert table.columns["time"].tolist() == [1704067200] * 6 + [1704067200 - 86400]
    assert {reason: d.row for reason, d in table.dropped.items()} == {"time is not a time": 8}


@pytest.mark.parametrize(
    ("cells", "first"),
    [
        (["3/4/2024 8:26", "13/4/2024"], "2024-04-03 08:26"),
        (["3/4/2024 8:26 PM", "4/13/2024"], "2024-03-04 20:26"),
    ],
)
def test_one_date_that_fits_one_order_decides_for_all(tmp_path, cells, first):
    assert read_times(tmp_path, cells).columns["time"][0] == stamp(first)


def test_dates_that_fit_both_orders_are_asked_for(tmp_path):
    with pytest.raises(
        ValueError, match=r"both fit the 2 dates: type --dayfirst or --no-dayfirst, .*--date-format"
    ):
        read_times(tmp_path, ["3/4/2024", "5/6/2024"])
    assert read_times(tmp_path, ["3/4/2024"], dayfirst=True).columns["time"][0] == stamp("2024-04-03")
    assert read_times(tmp_path, ["3/4/2024"], dayfirst=False).columns["time"][0] == stamp("2024-03-04")
    assert read_times(tmp_path, ["3.4.2024"]).columns["time"][0] == stamp("2024-04-03")


def test_an_offset_gives_utc_or_the_local_clock(tmp_path):
    cells = ["2024-01-01T01:30:00+09:00", "2024-01-01 01:30:00.5+0900"]
    assert read_times(tmp_path, cells).columns["time"].tolist() == [
        stamp("2023-12-31 16:30"),
        stamp("2023-12-31 16:30") + 0.5,
    ]
    assert read_times(tmp_path, cells, local=True).columns["time"].tolist() == [
        stamp("2024-01-01 01:30"),
        stamp("2024-01-01 01:30") + 0.5,
    ]


def test_a_log_in_utc_is_read_by_the_clock_of_its_timezone(tmp_path):
    cells = ["2024-07-01T22:30:00Z", "2024-01-01 22:30", "1719873000"]
    table = read_times(tmp_path, cells, local=True, timezone="Europe/Berlin")
    assert table.columns["time"].tolist() == [
        stamp("2024-07-02 00:30"),
        stamp("2024-01-01 23:30"),
        stamp("2024-07-02 00:30"),
    ]
    with pytest.raises(ValueError, match="--timezone must be a name such as Europe/Berlin, got 'Mars'"):
        TimeReading(timezone="Mars")


def test_parquet_times_with_a_zone_keep_its_clock(tmp_path):
    path = tmp_path / "log.parquet"
    time = pd.to_datetime(["2024-01-01T01:30:00+09:00"]).tz_convert("Asia/Tokyo")
    pd.DataFrame({"session": ["s"], "item": ["a"], "time": time}).to_parquet(path)
    assert read(path, times=TimeReading(local=True)).columns["time"].tolist() == [stamp("2024-01-01 01:30")]


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1,5", "2", "1.234,5"], [1.5, 2, 1234.5]),
        (["1,234", "2.5", "1,234,567.25"], [1234, 2.5, 1234567.25]),
        (["1.234", "5,25"], [1234, 5.25]),
        (["1.234", "5.25"], [1.234, 5.25]),
        (["1,234", "999"], [1234, 999]),
        (
            ["$1,234.50", "€ 3", "4 EUR", "-£2.5", "(7)", "1 234.5", "1\u00a0234.5"],
            [1234.5, 3, 4, -2.5, -7, 1234.5, 1234.5],
        ),
        (["R$ 3,50", "1e-3"], [3.5, 0.001]),
    ],
)
def test_numbers_are_read_as_people_write_them(tmp_path, cells, numbers):
    text = "session;item;time;price\n" + "".join(f"1;a;1;{cell}\n" for cell in cells)
    assert read(write(tmp_path, text)).columns["price"].tolist() == numbers


def test_a_comma_that_may_be_either_is_asked_for(tmp_path):
    path = write(tmp_path, "session;item;time;price\n1;a;1;1,234\n1;a;2;5,678\n")
    with pytest.raises(ValueError, match=r"'price'.*both fit all 2 rows: type --decimal , or --decimal ."):
        read(path)
    assert read(path, decimal=",").columns["price"].tolist() == [1.234, 5.678]
    assert read(path, decimal=".").columns["price"].tolist() == [1234, 5678]


def test_no_cell_stands_in_a_message(tmp_path):
    secret = "jane@example.com"
    rows = f"session,item,time,price\n1,a,{secret},1\n1,b,2,{secret}\n{secret},1\n1,b,3\n"
    table = read(write(tmp_path, rows + "1,c,4,1\n"))
    assert secret not in str({**table.dropped, **table.lost})
    with pytest.raises(ValueError, match="the first row holds 4 cells that look like data") as caught:
        read(write(tmp_path, f"1,{secret},3,4\n1,a,2,3\n"))
    assert secret not in str(caught.value)
    with pytest.raises(ValueError, match="parses as a time") as caught:
        read(write(tmp_path, f"session,item,time\n1,a,{secret}\n"))
    assert secret not in str(caught.value)
