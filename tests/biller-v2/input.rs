use biller_core::{Biller, ErrorKind, Execution, Rupiah, Settings};
use biller_v2::{Body, Config, InquiryRequest, Language, Purchase};

use crate::{Bench, bill, inquire, inquired, order};

fn refused<T>(result: Result<T, biller_core::InvalidValue>) -> String {
    result.err().map(|error| error.to_string()).unwrap()
}

#[test]
fn values_are_refused_by_name() {
    let request = || InquiryRequest::new("P", "1").unwrap();
    assert_eq!(
        refused(InquiryRequest::new("has blank", "1")),
        "product code: 9 characters (8 letters, 1 other); expected 1 to 64 printable ASCII characters without blanks"
    );
    for account in ["", "  ", "é", "a\nb", &"1".repeat(65)] {
        assert!(refused(InquiryRequest::new("P", account)).starts_with("account_number: "), "{account:?}");
    }
    assert_eq!(refused(request().with_amount(Rupiah::ZERO)), "amount: Rp0; expected at least Rp1");
    assert_eq!(refused(request().with_zone_id("")), "zone_id: empty; expected 1 to 64 printable ASCII characters");
    assert_eq!(refused(request().with_month(0)), "month: 0; expected a number of months from 1");
}

#[test]
fn payments_are_built_from_what_the_inquiry_says() {
    let request = inquire("1").request;
    let reply = inquired("1", r#""amount":747250"#);
    let pay = |reference: &str, amount| Purchase::new(reference, &request, &reply, amount);
    assert_eq!(pay("R", None).unwrap().amount(), Rupiah::new(747_250));
    assert_eq!(pay("R", Some(Rupiah::new(747_250))).unwrap().amount(), Rupiah::new(747_250));
    assert_eq!(
        refused(pay("R", Some(Rupiah::new(747_251)))),
        "amount: Rp747.251; expected Rp747.250, as the inquiry says"
    );
    assert_eq!(
        refused(pay(&"R".repeat(37), None)),
        "reference: 37 characters (37 letters); expected at most 36 characters"
    );
    for reference in ["", "a b", "a/b", "é"] {
        assert!(refused(pay(reference, None)).starts_with("reference: "), "{reference:?}");
    }
    let free = inquired("1", r#""amount":0"#);
    assert_eq!(
        refused(Purchase::new("R", &request, &free, None)),
        "amount: absent; expected what to pay, since the inquiry does not say"
    );
    assert!(refused(Purchase::new("R", &request, &free, Some(Rupiah::new(-1)))).starts_with("amount: "));
    for url in ["", "/callback", "ftp://partner.test/", "partner.test"] {
        let error = refused(pay("R", None).unwrap().with_callback_urls([url]));
        assert!(error.starts_with("callback_urls: ") && error.ends_with("expected an absolute address"), "{error}");
    }
}

/// What the provider would refuse is refused here, before anything is sent.
#[tokio::test]
async fn bad_orders_are_refused_before_anything_is_sent() {
    let bench = Bench::new();
    for order in [
        bill(&"R".repeat(37), "123223341"),
        bill("R", "123223341").with_amount(Rupiah::ZERO),
        bill("R", "123223341").with_expected_price(Rupiah::new(-5)),
        bill("R", "123223341").with_months(0),
        bill("R", "123223341").with_option("zone_id", ""),
    ] {
        let error = bench.biller.prepare(order).await.unwrap_err();
        assert_eq!((error.kind(), error.execution()), (ErrorKind::InvalidInput, Execution::NotExecuted));
    }
    assert!(bench.tape.sent().is_empty());
}

#[tokio::test]
async fn another_price_stops_the_purchase() {
    let bench = Bench::new();
    let error =
        bench.biller.prepare(bill("R", "123223341").with_expected_price(Rupiah::new(747_000))).await.unwrap_err();
    assert_eq!((error.kind(), error.execution()), (ErrorKind::PriceChanged, Execution::NotExecuted));
    assert_eq!(bench.payments(), 0);
    let inquiry = bench.biller.inquire(&order("R", "SBPLNPOST3", "530000000011")).await.unwrap();
    assert_eq!((inquiry.price, inquiry.admin_fee), (crate::rupiah(145_750), crate::rupiah(9000)));
    assert_eq!(inquiry.rows.iter().filter(|(key, _)| key == "Jumlah Tagihan").count(), 3);
}

#[test]
fn settings_are_read_and_refused_by_name() {
    let settings = |pairs: &[(&str, &str)]| {
        let map = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::from_settings(&Settings::from_map(map))
    };
    let base = [("base_url", "https://host.test/prefix"), ("api_key", "key"), ("api_secret", "secret-in-settings")];
    let with = |more: &[(&'static str, &'static str)]| settings(&[&base[..], more].concat());
    with(&[]).unwrap();
    with(&[
        ("language", "id"),
        ("body", "empty"),
        ("timeout", "5"),
        ("callback_urls", "https://a.test/x, https://b.test/y"),
    ])
    .unwrap();
    with(&[("signing", "false")]).unwrap();
    settings(&[("base_url", "http://host.test"), ("allow_http", "true"), ("api_key", "k"), ("api_secret", "s")])
        .unwrap();
    for (more, expected) in [
        (("signing", "maybe"), "signing is not usable; expected true or false"),
        (("body", "both"), "body is not usable; expected payload or empty"),
        (("language", "fr"), "language is not usable; expected en or id"),
        (("timeout", "1.5"), "timeout is not usable; expected a whole number of seconds"),
        (("callback_urls", "nowhere"), "callback_urls: "),
    ] {
        let error = with(&[more]).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("secret-in-settings"), "{error}");
    }
    for (missing, expected) in [(0, "base_url is missing"), (1, "api_key is missing"), (2, "api_secret is missing")] {
        let mut rest = base.to_vec();
        rest.remove(missing);
        assert!(settings(&rest).unwrap_err().to_string().contains(expected));
    }
    let both = with(&[("signing", "false"), ("body", "empty")]).unwrap_err();
    assert!(both.to_string().contains("body is empty while signing is off"), "{both}");
    for (base_url, key, secret) in [
        ("http://host.test", "k", "s"),
        ("https://host.test", "", "s"),
        ("https://host.test", "k", ""),
        ("https://host.test", "k\n", "s"),
    ] {
        assert!(Config::new(base_url, key, secret).is_err(), "{base_url} {key:?}");
    }
    let config = Config::new("https://host.test", "key", "secret").unwrap().with_language(Language::Indonesian);
    assert!(config.with_body(Body::Empty).is_ok());
}
