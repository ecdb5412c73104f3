use biller_core::{Biller, Msisdn, OperatorPrefixes, Rupiah};
use mmbc_pulsa::PriceList;
use mmbc_pulsa::price_list::{Availability, ChangeKind, ProductKind};

use crate::Bench;

/// Rows of code, price and status; the rest is alike.
fn list(rows: &[(&str, &str, &str)]) -> PriceList {
    let rows: Vec<_> = rows
        .iter()
        .map(|(code, price, status)| {
            format!(
                r#"{{"tipe":"PULSA","operator":"XL","kodeoperator":"{code}","keterangan":"","nominal":"5000","harga":{price},"status":"{status}"}}"#
            )
        })
        .collect();
    PriceList::parse(format!("[{}]", rows.join(","))).unwrap()
}

#[tokio::test]
async fn the_sandbox_list_is_searched() {
    let bench = Bench::new();
    let list = bench.mmbc.client().price_list().await.unwrap();
    assert_eq!((list.len(), list.dropped()), (77, 0));
    assert_eq!(list.changes_to(&PriceList::parse(list.body().clone()).unwrap()), []);
    assert_eq!(list.iter().filter(|item| !item.is_ready()).count(), 3);
    assert_eq!(list.find("TEL5").unwrap().price, Rupiah::new(5630));
    assert_eq!(list.find("tel5"), None);
    assert_eq!(list.of_operator(" telkomsel").count(), 14);
    assert_eq!(list.of_denomination(Rupiah::new(5000)).count(), 7);
    let codes = |number: &str| -> Vec<String> {
        let prefixes = OperatorPrefixes::default();
        let number = Msisdn::parse(number).unwrap();
        list.suggested_for(&number, &prefixes).map(|item| item.operator.to_owned()).collect()
    };
    assert_eq!(codes("089512345678"), ["TRI"; 10]);
    assert_eq!(codes("081912345678"), ["XL"; 11]);
    // Where the prefix says nothing, nothing is left out.
    assert_eq!(codes("088412345678").len(), 77);
    let products = bench.mmbc.products().await.unwrap();
    let dear = products.iter().find(|product| product.code.as_str() == "TRI100").unwrap();
    assert_eq!(
        (dear.name.as_str(), dear.available, dear.face_value),
        ("TRI Pulsa Reguler", false, Some(Rupiah::new(100_000)))
    );
}

#[test]
fn unknown_values_are_kept() {
    let body = r#"[{"tipe":"VOUCHER","operator":"PLAY\u0020A\/B","kodeoperator":"V\u0031","keterangan":null,"nominal":"5GB","harga":"7000","status":"Habis","neu":{"a":[1]}}]"#;
    let list = PriceList::parse(body).unwrap();
    let item = list.find("V1").unwrap();
    assert_eq!((item.kind, item.operator, item.description), (ProductKind::Other("VOUCHER"), "PLAY A/B", None));
    assert_eq!((item.denomination, item.price), (None, Rupiah::new(7000)));
    assert_eq!((item.availability, item.is_ready()), (Availability::Other("Habis"), false));
}

#[test]
fn a_row_that_cannot_be_read_is_dropped_and_counted() {
    let good =
        r#"{"tipe":"PULSA","operator":"XL","kodeoperator":"XL5","nominal":5000,"harga":5850.00,"status":"READY"}"#;
    for bad in [
        "null",
        "7",
        r#""text""#,
        "[]",
        "{}",
        r#"{"tipe":"PULSA","operator":"XL","kodeoperator":"XL6","harga":"18.181","status":"Ready"}"#,
        r#"{"tipe":"PULSA","operator":"XL","kodeoperator":"XL6","harga":"-5","status":"Ready"}"#,
        r#"{"tipe":"PULSA","operator":"XL","kodeoperator":"XL6","harga":1e3,"status":"Ready"}"#,
        r#"{"tipe":"PULSA","operator":"XL","kodeoperator":"XL6","harga":1e999,"status":"Ready"}"#,
        r#"{"tipe":"PULSA","operator":{"a":1e999},"kodeoperator":"XL6","harga":"5","status":"Ready"}"#,
        r#"{"tipe":"PULSA","operator":"\ud800","kodeoperator":"XL6","harga":"5","status":"Ready"}"#,
        r#"{"tipe":"PULSA","operator":"XL","kodeoperator":"X L6","harga":"5","status":"Ready"}"#,
        r#"{"tipe":"PULSA","operator":"XL","kodeoperator":"","harga":"5","status":"Ready"}"#,
        r#"{"tipe":"PULSA","operator":"XL","kodeoperator":["XL6"],"harga":"5","status":"Ready"}"#,
        r#"{"tipe":"PULSA","operator":"XL","kodeoperator":"XL6","harga":"5"}"#,
        r#"{"operator":"XL","kodeoperator":"XL6","harga":"5","status":"Ready"}"#,
    ] {
        let list = PriceList::parse(format!("[{good},{bad},{good}]")).unwrap();
        assert_eq!((list.len(), list.dropped()), (2, 1), "{bad}");
        let item = list.find("XL5").unwrap();
        assert_eq!(
            (item.denomination, item.price, item.is_ready()),
            (Some(Rupiah::new(5000)), Rupiah::new(5850), true)
        );
    }
    for body in ["", "<html>", "{}", r#"{"result":"no"}"#, "null", "[{]", "[1", "[] []"] {
        assert!(PriceList::parse(body).is_err(), "{body}");
    }
    assert!(PriceList::parse("\u{feff}\r\n[]\n").unwrap().is_empty());
}

#[test]
fn a_byte_that_is_no_utf_8_loses_its_text_alone() {
    let row = |code: &[u8], text: &[u8]| {
        let (start, price) = (&br#"{"tipe":"PULSA","operator":"XL","kodeoperator":""#[..], &br#"","harga":"5850""#[..]);
        [start, code, price, br#","status":"Ready","keterangan":""#, text, br#""}"#].concat()
    };
    let body =
        [&b"["[..], &row(b"XL5", b"plain"), b",", &row(b"XL6", b"a\xffb"), b",", &row(b"X\xff", b""), b"]"].concat();
    let list = PriceList::parse(body.clone()).unwrap();
    let shown: Vec<_> = list.iter().map(|item| (item.product_code, item.description)).collect();
    assert_eq!(shown, [("XL5", Some("plain")), ("XL6", None)]);
    assert_eq!((list.dropped(), &list.body()[..]), (1, &body[..]));
}

#[test]
fn two_lists_are_compared() {
    let before = list(&[
        ("A", "1000", "Ready"),
        ("B", "1000", "Ready"),
        ("C", "1000", "Close"),
        ("D", "1000", "Ready"),
        ("E", "1000", "Ready"),
        ("G", "1000", "Habis"),
    ]);
    let after = list(&[
        ("F", "7", "Close"),
        ("E", "900", "close"),
        ("C", "1000", "Ready"),
        ("B", "1001", "ready"),
        ("A", "1000", "Ready"),
        ("G", "1000", "Close"),
    ]);
    let changes: Vec<_> = before
        .changes_to(&after)
        .iter()
        .map(|change| {
            let price = |item: Option<mmbc_pulsa::PriceItem<'_>>| item.map(|item| item.price.get());
            (
                change.after.or(change.before).unwrap().product_code,
                change.kind,
                price(change.before),
                price(change.after),
            )
        })
        .map(|(code, kind, before, after)| (code.to_owned(), kind, before, after))
        .collect();
    let change = |code: &str, kind, before, after| (code.to_owned(), kind, before, after);
    assert_eq!(
        changes,
        [
            change("F", ChangeKind::New, None, Some(7)),
            change("E", ChangeKind::PriceDown, Some(1000), Some(900)),
            change("E", ChangeKind::Closed, Some(1000), Some(900)),
            change("C", ChangeKind::Opened, Some(1000), Some(1000)),
            change("B", ChangeKind::PriceUp, Some(1000), Some(1001)),
            change("D", ChangeKind::Gone, Some(1000), None),
        ]
    );
    assert_eq!(before.changes_to(&before), []);
    // Of a code that is listed twice the first row counts, on both sides.
    let twice = list(&[("A", "1000", "Ready"), ("A", "2000", "Ready")]);
    assert_eq!(twice.changes_to(&twice), []);
    assert_eq!(twice.changes_to(&PriceList::default()).len(), 1);
}

#[tokio::test]
async fn purchases_share_a_list_for_ten_minutes() {
    let bench = Bench::new();
    for seconds in [0, 300, 300] {
        bench.clock.advance(std::time::Duration::from_secs(seconds));
        bench.prepare(crate::pulsa("P-1", "081234567891")).await;
    }
    assert_eq!(bench.tape.count("/daftarharga"), 1);
    bench.clock.advance(std::time::Duration::from_secs(1));
    bench.prepare(crate::pulsa("P-1", "081234567891")).await;
    assert_eq!(bench.tape.count("/daftarharga"), 2);
}

proptest::proptest! {
    #[test]
    fn no_list_panics(text in r#"[\[\]{},:"a-z0-9\\ue. -]{0,80}"#) {
        if let Ok(list) = PriceList::parse(text) {
            proptest::prop_assert_eq!(list.iter().count(), list.len());
        }
    }

    /// Whatever stands in the texts, escaped or not, is read as serde_json reads it.
    #[test]
    fn texts_are_read_back(note in ".{0,20}", operator in ".{0,20}", price in 0..1_000_000_i64) {
        let row = serde_json::json!([{
            "tipe": "PULSA", "operator": operator, "kodeoperator": "C1", "keterangan": note, "harga": price, "status": "Ready",
        }]);
        let list = PriceList::parse(row.to_string()).unwrap();
        let item = list.find("C1").unwrap();
        proptest::prop_assert_eq!(item.operator, operator.trim_ascii());
        proptest::prop_assert_eq!(item.description.unwrap_or_default(), note.trim_ascii());
        proptest::prop_assert_eq!(item.price, Rupiah::new(price));
    }
}
