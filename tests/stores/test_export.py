"""Rows as people read them, and audit rows as they are made."""

from gateway.state.audit import audited
from gateway.state.ledger.export import columns_of, csv_page, told
from gateway.state.ledger.query import UsageRow
from tests.stores.rows import UNIX, a_record


def test_money_is_told_in_dollars() -> None:
    fields = told(a_record(cost_nano_usd=1_500_000_000, estimate_nano_usd=2_000_000_000))
    assert (fields["cost_usd"], fields["estimate_usd"]) == (1.5, 2.0)
    assert not [name for name in fields if "nano" in name]


def test_csv_has_a_head_and_no_formulas() -> None:
    rows = [{"asked": "=HYPERLINK(1)", "n": 1, "meta": None}, {"asked": 'a,"b"', "n": 2, "meta": "\t=1"}]
    page = csv_page(["asked", "n", "meta"], rows)
    assert page == 'asked,n,meta\r\n\'=HYPERLINK(1),1,\r\n"a,""b""",2,\'\t=1\r\n'


def test_a_page_without_rows_still_has_its_head() -> None:
    head = csv_page(columns_of(UsageRow), [])
    assert head.startswith("day,key,model,provider,requests,")
    assert head.endswith(",estimate_usd,cost_usd\r\n")


def test_an_audit_row_says_who_did_what_from_where() -> None:
    row = audited("provider.disable", "openai", who="admin-token", where="10.0.0.1", unix=UNIX, after={"since": 1.0})
    assert (row.who, row.what, row.subject, row.where) == ("admin-token", "provider.disable", "openai", "10.0.0.1")
    assert (row.before, row.after) == (None, '{"since":1.0}')
    assert audited("x", "y", who="a", where="b", unix=UNIX, after="z" * 9000).after == '{"omitted_chars":9002}'
