//! The printed receipt, and the parsers behind it.

use biller_core::{Kwh, RawJson, Rupiah};
use pln_prepaid::operations::{Payment, order_reference};
use pln_prepaid::{BillDescription, ElectricityReceipt, Struk, Transaction};
use proptest::prelude::*;

use crate::samples::{ADVICE, INQUIRY, PAYMENT, purchase, read};

#[test]
fn the_sample_in_print() {
    let paid = read(&Payment(purchase()), PAYMENT).unwrap();
    let struk = Struk::of(&paid.transaction).unwrap();
    insta::assert_snapshot!(struk.clone().with_shop("TOKO MAJU").with_admin_fee(Rupiah::new(2_500)).render());
    let plain = struk.render();
    assert!(plain.contains("TOTAL BAYAR : Rp20.000\n") && !plain.contains("ADMIN"), "{plain}");
    assert!(plain.lines().all(|line| line == line.trim_end() && line.len() <= 40), "{plain}");
}

#[test]
fn only_a_purchase_with_its_token_has_a_struk() {
    let read = |text: &str| Transaction::read(RawJson::from_slice(text.as_bytes()).unwrap()).unwrap();
    assert!(Struk::of(&read(INQUIRY)).is_none());
    assert!(Struk::of(&read(ADVICE)).is_some());
    assert!(Struk::of(&read("{}")).is_none());
    assert!(Struk::of(&read(&ADVICE.replace("6156-0790", "6156-079X"))).is_none(), "no text that is no token");
}

#[test]
fn amounts_that_are_no_whole_rupiah_stand_as_they_came_and_there_is_no_total() {
    let body = PAYMENT.replace("RP18.181,00", "18.518,52").replace("13,50", "a lot");
    let paid = read(&Payment(purchase()), &body).unwrap();
    let text = Struk::of(&paid.transaction).unwrap().render();
    assert!(text.contains("RP TOKEN    : 18.518,52\n") && text.contains("JML KWH     : a lot\n"), "{text}");
    assert!(!text.contains("TOTAL"), "{text}");
}

#[test]
fn a_name_cannot_forge_a_line() {
    let body = PAYMENT.replace("JOHN DOE", r"A\\nSTROOM/TOKEN\\n1111 1111 1111 1111 1111");
    let paid = read(&Payment(purchase()), &body).unwrap();
    let text = Struk::of(&paid.transaction).unwrap().render();
    assert_eq!(text.lines().filter(|line| line.starts_with("STROOM/TOKEN")).count(), 1, "{text}");
    assert!(text.ends_with("STROOM/TOKEN\n6156 0790 0556 6477 7418\n"), "{text}");
}

#[test]
fn odd_tokens_are_warnings() {
    for (token, warning) in [
        ("73786976294838206463", Some("the token is not of the class that adds credit")),
        ("73786976294838206464", Some("the token is a number that no meter reads")),
        ("61560790055664777418", None),
    ] {
        let object = RawJson::from_slice(format!(r#"{{"stroomToken":"{token}"}}"#).as_bytes()).unwrap();
        let warnings = ElectricityReceipt::read(&object).unwrap().warnings(None);
        assert_eq!(warnings.first().map(String::as_str), warning, "{token}");
    }
}

fn receipt(member: &str, text: &str) -> ElectricityReceipt {
    let object = serde_json::json!({ member: text, "ppj": "0,00" }).to_string();
    ElectricityReceipt::read(&RawJson::from_slice(object.as_bytes()).unwrap()).unwrap()
}

fn dotted(number: i64) -> String {
    Rupiah::new(number).to_string().trim_start_matches("Rp").to_owned()
}

proptest! {
    #[test]
    fn rupiah_in_every_printed_form_round_trips(number in 0..=999_999_999_999_999_i64) {
        let rupiah = Rupiah::new(number);
        for text in [
            format!("RP{},00", dotted(number)),
            format!("{number},00"),
            format!("Rp {},-", dotted(number)),
            format!("Rp.{}", dotted(number)),
            rupiah.to_string(),
        ] {
            let printed = receipt("rpStroomToken", &text).energy_cost.unwrap();
            prop_assert_eq!(printed.value, Some(rupiah), "{}", text);
            prop_assert_eq!(Rupiah::parse_human(&printed.value.unwrap().to_string()), Ok(rupiah));
        }
    }

    #[test]
    fn kwh_in_every_printed_form_round_trips(hundredths in 0..=99_999_999_999_i64) {
        let kwh = Kwh::from_hundredths(hundredths);
        for text in [
            kwh.to_string(),
            format!("{},{:02}", hundredths / 100, hundredths % 100),
            format!("{}.{:02}", hundredths / 100, hundredths % 100),
        ] {
            let printed = receipt("jumlahKwh", &text).energy.unwrap();
            prop_assert_eq!(printed.value, Some(kwh), "{}", text);
        }
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in ".{0,80}", member in "[ a-zA-Z]{0,16}") {
        let quoted = serde_json::to_string(&text).unwrap();
        let _ = BillDescription::read(&RawJson::from_slice(quoted.as_bytes()).unwrap());
        for name in ["customerName", "idPelanggan", "nomorMeter", " noRef", "jumlahKwh", "tarifDaya", "angsuran", "materai",
            "stroomToken", "rpStroomToken", "ppj", "ppn", &member]
        {
            let receipt = receipt(name, &text);
            let _ = (receipt.sum(), receipt.warnings(Some(Rupiah::new(1))), receipt.tariff_power.map(|t| t.power().map(str::len)));
        }
        let _ = order_reference(&text);
    }

    #[test]
    fn no_value_makes_a_reader_panic(code in json(), result in json(), bill in json()) {
        for body in [
            format!(r#"{{"responseCode":{code},"result":{result}}}"#),
            format!(r#"{{"responseCode":"00","partnerReferenceNo":{code},"result":{{"additionalInfo":{{"billDesc":{bill},"serialNumber":{code}}}}}}}"#),
            format!(r#"{{"responseCode":"00","result":{{"additionalInfo":{bill},"productPrice":{code}}}}}"#),
            bill,
        ] {
            if let Ok(transaction) = RawJson::from_slice(body.as_bytes()).and_then(Transaction::read) {
                let _ = transaction.bill.as_ref().and_then(BillDescription::water);
                let _ = Struk::of(&transaction).map(|struk| struk.render());
                let _ = format!("{transaction:?}");
            }
            let _ = read(&Payment(purchase()), &body);
        }
    }
}

fn json() -> impl Strategy<Value = String> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(Value::from("{\"stroomToken\":\"61560790055664777418\",\"desc\":{\"detail\":[[],{}]}}")),
    ];
    let names = prop_oneof![
        Just("desc".to_owned()),
        Just("detail".to_owned()),
        Just("additionalDetail".to_owned()),
        Just("stroomToken".to_owned()),
        ".{0,6}",
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
    .prop_map(|value| value.to_string())
}
