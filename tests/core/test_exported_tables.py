"""Tables as spreadsheets, ad managers and foreign shops export them: read rightly, or asked about."""

import gzip

import numpy as np
import pandas as pd
import pytest

from sb3_ecom.core.tables.files import find_column
from sb3_ecom.core.tables.months import translate_months
from sb3_ecom.core.tables.times import TimeReading
from tests.core.test_tables import read, stamp, write

HEAD = "session,item,time\n"


def rows(cells, column):
    """A table of as many rows, whose column holds the cells."""
    columns = {"session": "s", "item": "i", "time": "2024-01-01"} | {column: "{}"}
    return HEAD + "".join(",".join(columns.values()).format(cell) + "\n" for cell in cells)


MONTHS = {
    "german": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "german short": "Jan. Feb. Mär. Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez.",
    "french": "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
    "spanish": "de_enero de_febrero de_marzo de_abril de_mayo de_junio de_julio de_agosto de_septiembre "
    "de_octubre de_noviembre de_diciembre",
    "turkish": "Ocak Şubat Mart Nisan May\u0131s Haziran Temmuz Ağustos Eylül Ekim Kas\u0131m Aral\u0131k",
    "turkish short": "Oca Şub Mar Nis May Haz Tem Ağu Eyl Eki Kas Ara",
    "dutch": "januari februari maart april mei juni juli augustus september oktober november december",
    "italian": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre nov. dicembre",
}


@pytest.mark.parametrize("language", MONTHS)
def test_no_month_is_lost_for_its_language(tmp_path, language):
    names = [name.replace("_", " ") for name in MONTHS[language].split()]
    table = read(write(tmp_path, rows([f"5 {name} 2024 10:30" for name in names], "time")))
    assert table.dropped == {}
    expected = [stamp(f"2024-{month:02d}-05 10:30") for month in range(1, 13)]
    assert table.columns["time"].tolist() == expected
    upper = read(write(tmp_path, rows([f"05 {name.upper()} 2024 10:30" for name in names], "time")))
    assert upper.columns["time"].tolist() == expected


def test_a_weekday_is_no_month():
    assert translate_months("mardi 5 janvier") == "mardi 5 Jan"


def test_months_that_are_not_known_stop_the_reading_instead_of_losing_a_third_of_the_log(tmp_path):
    cells = ["5 Apr 2024"] * 20 + ["5 toukokuuta 2024"] * 10
    with pytest.raises(ValueError, match=r"10 of 30 values of column 'time' .--time. do not parse as a time"):
        read(write(tmp_path, rows(cells, "time")))


def test_a_date_that_stands_in_the_first_row_of_a_group_only_is_asked_for(tmp_path):
    with pytest.raises(ValueError, match=r"'time' .--time. is empty in 8 of 10 rows .*Then fill it down"):
        read(write(tmp_path, rows(["2024-01-01", *[""] * 4, "2024-01-02", *[""] * 4], "time")))


@pytest.mark.parametrize("decimal", [".", ","])
def test_days_of_excel_are_dates(tmp_path, decimal):
    days = ["45292", f"45292{decimal}25", f"45293{decimal}5"]
    text = "session;item;time\n" + "".join(f"1;a;{day}\n" for day in days)
    table = read(write(tmp_path, text))
    expected = ["2024-01-01", "2024-01-01 06:00", "2024-01-02 12:00"]
    assert table.columns["time"].tolist() == [stamp(one) for one in expected]
    assert table.time_unit == "seconds"
    assert table.notes == ["time: numbers were read as the dates of Excel (days since 1899-12-30)"]


@pytest.mark.parametrize("orders", [[1, 2, 3], [19_999, 20_000, 20_001], [79_998, 79_999, 80_000]])
def test_other_small_numbers_are_an_order(tmp_path, orders):
    table = read(write(tmp_path, rows(orders, "time")))
    assert (table.time_unit, table.columns["time"].tolist()) == ("order", orders)


@pytest.mark.parametrize(
    ("column", "cells"), [("item", ["8.71E+12", "8,71E+12"]), ("time", ["1.70E+12"] * 2)]
)
def test_numbers_that_excel_shortened_are_refused(tmp_path, column, cells):
    text = rows(cells, column).replace(",", ";").replace("8;71", "8,71")
    with pytest.raises(ValueError, match=rf"'{column}'.*scientific notation.*export the column as text"):
        read(write(tmp_path, text))


def test_whole_numbers_in_scientific_notation_are_times(tmp_path):
    assert read(write(tmp_path, rows(["1.7040672000e+09"], "time"))).columns["time"].tolist() == [1704067200]


def test_words_for_no_id_are_missing_ids(tmp_path):
    cells = ["(not set)", "undefined", "None", "NULL", "-", "a"]
    table = read(write(tmp_path, rows(cells, "session")))
    assert (table.rows, table.labels["session"]) == (1, ["a"])
    assert table.dropped["session is missing"].count == 5


@pytest.mark.parametrize(
    ("above", "skipped"),
    [
        ("Sales report\n", 1),
        ('Hourly report\n"March 1, 2024 - March 14, 2024"\n', 2),
        ("My shop\n\n", 2),
        ("# made by a tool\n", 1),
        ("Export,,\n,,\n", 2),
        ("", 0),
    ],
)
def test_the_title_of_a_report_is_skipped(tmp_path, above, skipped):
    table = read(write(tmp_path, above + HEAD + "1,a,5\n1,b\n1,c,7\n"))
    assert table.columns["time"].tolist() == [5, 7]
    assert table.dropped["wrong number of fields"].row == 2
    assert table.row_numbers.tolist() == [1, 3]
    assert len(table.notes) == bool(skipped)
    assert all(note.startswith(f"skipped {skipped} line") for note in table.notes)


def test_the_delimiter_that_excel_names_is_taken(tmp_path):
    table = read(write(tmp_path, "sep=;\nsession;item;time\n1;a, b, c, d;5\n"))
    assert table.labels["item"] == ["a, b, c, d"]


def test_commas_in_texts_do_not_move_the_header(tmp_path):
    table = read(write(tmp_path, "session;item;time\n1;a, b, c, d, e, f, g;5\n2;h;6\n"))
    assert table.columns["time"].tolist() == [5, 6]


@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_utf_16_and_hidden_gzip_are_read_and_workbooks_are_named(tmp_path, delimiter):
    text = (HEAD + "1,é,5\n").replace(",", delimiter)
    for content in (text.encode("utf-16"), gzip.compress(text.encode())):
        (tmp_path / "log.csv").write_bytes(content)
        assert read(tmp_path / "log.csv").labels["item"] == ["é"]
    (tmp_path / "book.csv").write_bytes(b"PK\x03\x04" + bytes(1000))
    with pytest.raises(ValueError, match="zip archive or an Excel workbook: save it as CSV"):
        read(tmp_path / "book.csv")


def test_a_currency_beside_a_name_does_no_harm():
    assert find_column(["Amount spent (EUR)", "Impressions"], ["amount_spent"]) == "Amount spent (EUR)"
    assert find_column(["Price [€]"], ["price"]) == "Price [€]"
    for other in ("Cost (micros)", "Clicks (all)", "Price (1000 pieces)"):
        assert find_column([other], ["cost", "clicks", "price"]) is None
    assert find_column(["price (EUR)", "price"], ["price"]) == "price"


def test_columns_that_are_not_used_are_named(tmp_path):
    table = read(write(tmp_path, "session,item,time,status,Cancelled\n1,a,1,paid,0\n"))
    assert table.describe_unused() == ["columns not used: status, Cancelled"]
    table = read(write(tmp_path, "session,item,time,a@b.c\n1,a,1,x\n"))
    assert table.describe_unused() == ["columns not used: 1, which look like data"]
    many = ",".join(f"c{k}" for k in range(30))
    table = read(write(tmp_path, f"session,item,time,{many}\n1,a,1{',' * 30}\n"))
    assert table.describe_unused()[0].endswith("c19 and 10 more")


def test_a_shop_of_another_zone_reads_days_of_excel_by_its_own_clock(tmp_path):
    path = write(tmp_path, rows(["45292.5"], "time"))
    local = read(path, times=TimeReading(local=True)).columns["time"]
    np.testing.assert_array_equal(local, [pd.Timestamp("2024-01-01 12:00").timestamp()])


@pytest.mark.parametrize("cell", ["1.2K", "3 M", "2 Mio.", "5bn", "07 PM", "12 am"])
def test_thousands_and_hours_are_no_currencies(tmp_path, cell):
    table = read(write(tmp_path, f"session,item,time,price\n1,a,1,{cell}\n1,b,2,3 TL\n1,c,3,5 kr\n"))
    np.testing.assert_array_equal(table.columns["price"], [np.nan, 3, 5])
    assert table.lost["price is not a number"].row == 1


def test_a_header_that_lacks_a_name_is_no_title(tmp_path):
    with pytest.raises(ValueError, match="wrong number of fields: 2"):
        read(write(tmp_path, HEAD + "1,a,5,\n1,b,6,\n"))
