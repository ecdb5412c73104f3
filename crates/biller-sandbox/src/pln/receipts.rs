//! Invented bill descriptions: JSON inside a JSON string, whose sums hold.

use serde::Serialize;
use serde_json::json;

use super::catalogue::{Family, Product};
use crate::random::Random;

/// What a token costs and buys.
struct Split {
    tariff: &'static str,
    energy: i64,
    street_light_tax: i64,
    vat: i64,
    instalment: i64,
    stamp_duty: i64,
    hundredths_of_kwh: i64,
}

impl Split {
    fn of(denomination: i64, customer: &str) -> Self {
        let (instalment, stamp_duty) = match customer {
            "829374298311" => (5_000, 0),
            "829374298313" => (0, 3_000),
            _ => (0, 0),
        };
        let (tariff, rate) = tariff(customer);
        let rest = denomination - instalment - stamp_duty;
        let with_vat = customer == "829374298312";
        let (energy, vat) = if with_vat {
            let energy = rest * 100 / 121;
            (energy, energy * 11 / 100)
        } else {
            (rest * 10 / 11, 0)
        };
        let street_light_tax = rest - energy - vat;
        Self { tariff, energy, street_light_tax, vat, instalment, stamp_duty, hundredths_of_kwh: energy * 100 / rate }
    }
}

/// Tariff and power, and rupiah for one kWh.
fn tariff(customer: &str) -> (&'static str, i64) {
    if customer == "829374298312" { ("R3/6600VA", 1699) } else { ("R1M/900VA", 1352) }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlnCustomer {
    customer_name: String,
    id_pelanggan: String,
    nomor_meter: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tarif_daya: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlnReceipt {
    #[serde(flatten)]
    customer: PlnCustomer,
    #[serde(rename = " noRef")]
    no_ref: String,
    jumlah_kwh: String,
    tarif_daya: &'static str,
    angsuran: String,
    materai: String,
    stroom_token: String,
    rp_stroom_token: String,
    ppj: String,
    ppn: String,
}

fn name(customer: &str) -> String {
    format!("SANDBOX {}", last(customer, 3))
}

fn pln_customer(customer: &str, tarif_daya: Option<&'static str>) -> PlnCustomer {
    let id_pelanggan = if customer.len() == 12 { customer.to_owned() } else { format!("5{customer}") };
    PlnCustomer {
        customer_name: name(customer),
        nomor_meter: last(&id_pelanggan, 11).to_owned(),
        id_pelanggan,
        tarif_daya,
    }
}

/// What an inquiry, or a purchase that has not succeeded, tells about the customer.
pub(super) fn customer(product: &Product, customer: &str) -> String {
    match product.family {
        Family::Pln(_) => text(&pln_customer(customer, Some(tariff(customer).0))),
        Family::Water => water(product, customer),
        _ => json!({ "customerName": name(customer) }).to_string(),
    }
}

/// What a purchase that succeeded tells.
pub(super) fn purchase(product: &Product, number: &str, token: &str, random: &mut Random) -> String {
    let Family::Pln(denomination) = product.family else { return customer(product, number) };
    let split = Split::of(denomination, number);
    let groups: Vec<&str> = (0..5).map(|group| &token[group * 4..group * 4 + 4]).collect();
    let cents = |amount: i64| format!("{amount},00");
    text(&PlnReceipt {
        customer: pln_customer(number, None),
        no_ref: format!("0UAK{}{}", random.digits(10), crate::crypto::hex(&random.bytes::<3>()).to_uppercase()),
        jumlah_kwh: format!("{},{:02}", split.hundredths_of_kwh / 100, split.hundredths_of_kwh % 100),
        tarif_daya: split.tariff,
        angsuran: cents(split.instalment),
        materai: cents(split.stamp_duty),
        stroom_token: groups.join("-"),
        rp_stroom_token: format!("RP{},00", with_dots(split.energy)),
        ppj: cents(split.street_light_tax),
        ppn: cents(split.vat),
    })
}

/// Two months of water, whose amounts and penalty make the price less the fee.
fn water(product: &Product, customer: &str) -> String {
    const PENALTY: i64 = 15_000;
    let bills = product.price - product.admin_fee - PENALTY;
    let month = |periode: &str, nilai_tagihan: i64, denda: i64, from: u32| {
        json!({
            "biayaLain": "00000000",
            "denda": denda.to_string(),
            "meterAkhir": (from + 12).to_string(),
            "meterAwal": from.to_string(),
            "nilaiTagihan": nilai_tagihan.to_string(),
            "periode": periode,
            "additionalDetail": {
                "jatuhTempo": "1 s/d 15",
                "retribusi": "0",
                "tuggakanDanDenda": "0",
                "adminTutupBuka": "0",
            },
        })
    };
    json!({
        "customerName": name(customer),
        "desc": {
            "alamat": "JALAN SANDBOX 1",
            "detail": [month("202008", bills / 2, PENALTY, 59), month("202009", bills - bills / 2, 0, 71)],
            "jatuhTempo": "1 s/d 15",
            "lembarTagihan": 2,
            "tarif": "1.1",
        },
    })
    .to_string()
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// The last characters of a number, or all of it; customers outside ASCII are cut at a character.
fn last(text: &str, count: usize) -> &str {
    text.char_indices().rev().nth(count - 1).map_or(text, |(at, _)| &text[at..])
}

/// `18181` as `18.181`.
fn with_dots(amount: i64) -> String {
    let digits = amount.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('.');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pln::catalogue;

    fn receipt(code: &str, number: &str) -> serde_json::Value {
        let product = catalogue::find(code).expect("listed");
        let text = purchase(product, number, "61560790055664777418", &mut Random::new(1, "pln"));
        serde_json::from_str(&text).expect("JSON")
    }

    #[test]
    fn the_smallest_token_is_split_as_documented() {
        let receipt = receipt("PLNPR20", "86034655976");
        assert_eq!(receipt["rpStroomToken"], "RP18.181,00");
        assert_eq!(receipt["ppj"], "1819,00");
        assert_eq!(receipt["ppn"], "0,00");
        assert_eq!(receipt["jumlahKwh"], "13,44");
        assert_eq!(receipt["stroomToken"], "6156-0790-0556-6477-7418");
        assert_eq!(receipt["idPelanggan"], "586034655976");
        assert_eq!(receipt["nomorMeter"], "86034655976");
        assert_eq!(receipt["customerName"], "SANDBOX 976");
        assert_eq!(receipt[" noRef"].as_str().map(str::len), Some(20));
    }

    #[test]
    fn sums_hold_for_every_product_and_kind_of_receipt() {
        for (code, denomination) in [
            ("PLNPR20", 20_000),
            ("PLNPR50", 50_000),
            ("PLNPR100", 100_000),
            ("PLNPR200", 200_000),
            ("PLNPR500", 500_000),
            ("PLNPR1000", 1_000_000),
        ] {
            for number in ["829374298301", "829374298311", "829374298312", "829374298313"] {
                let receipt = receipt(code, number);
                let amount = |member: &str| -> i64 {
                    let text = receipt[member].as_str().expect("text").replace("RP", "").replace('.', "");
                    text.strip_suffix(",00").expect("no sen").parse().expect("digits")
                };
                let parts = ["rpStroomToken", "ppj", "ppn", "angsuran", "materai"].map(amount);
                assert_eq!(parts.iter().sum::<i64>(), denomination, "{code} {number}");
            }
        }
    }

    #[test]
    fn special_receipts_are_special() {
        assert_eq!(receipt("PLNPR50", "829374298311")["angsuran"], "5000,00");
        assert_eq!(receipt("PLNPR50", "829374298313")["materai"], "3000,00");
        let vat = receipt("PLNPR50", "829374298312");
        assert_eq!(vat["rpStroomToken"], "RP41.322,00");
        assert_eq!(vat["ppn"], "4545,00");
        assert_eq!(vat["ppj"], "4133,00");
        assert_eq!(vat["tarifDaya"], "R3/6600VA");
        assert_eq!(vat["jumlahKwh"], "24,32");
    }

    #[test]
    fn water_adds_up_to_the_price() {
        let product = catalogue::find("PDAMKABTANGERANG").expect("listed");
        let bill: serde_json::Value = serde_json::from_str(&customer(product, "735711761")).expect("JSON");
        let detail = bill["desc"]["detail"].as_array().expect("array");
        let sum: i64 = detail
            .iter()
            .flat_map(|month| {
                ["nilaiTagihan", "denda", "biayaLain"].map(|member| month[member].as_str().expect("text"))
            })
            .map(|text| text.parse::<i64>().expect("digits"))
            .sum();
        assert_eq!(sum + product.admin_fee, product.price);
    }
}
