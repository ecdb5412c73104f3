//! What an account number makes happen, and what the codes mean for a charge.

use serde_json::{Value, json};

use super::products::{Kind, PRODUCTS, Product};

/// What a code says about money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Succeeded,
    Pending,
    Failed,
    Unknown,
}

/// What a code means as the answer to a payment.
pub(super) fn payment_class(code: u16) -> Class {
    match code {
        0..=99 => Class::Succeeded,
        100 | 101 | 103..=107 | 109..=112 | 114 | 180 | 181 | 184..=186 | 198 | 199 | 312 | 313 => Class::Failed,
        200..=299 => Class::Pending,
        _ => Class::Unknown,
    }
}

/// What a code means as the answer to a status call.
pub(super) fn status_class(code: u16) -> Class {
    match code {
        0..=99 => Class::Succeeded,
        102 | 108 | 183 | 188 => Class::Unknown,
        100..=199 | 312 | 313 => Class::Failed,
        200..=299 => Class::Pending,
        _ => Class::Unknown,
    }
}

/// What becomes of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// The code of the payment's answer.
    pub answer: u16,
    /// The code with which the transaction ends.
    pub end: u16,
    /// A code that status calls answer once the settling time has passed; the transaction then ends on demand only.
    pub stuck: Option<u16>,
}

/// With what code an inquiry about this account is refused, if it is.
pub(super) fn inquiry_refusal(account: &str) -> Option<u16> {
    match pattern(account) {
        Some((999, 300)) => (last_digit(account) == Some(5)).then_some(304),
        Some((999, code)) => Some(code),
        Some(_) => None,
        None => (last_digit(account) == Some(5)).then_some(304),
    }
}

/// What becomes of a payment for this account.
pub(super) fn plan(account: &str, product: &Product) -> Plan {
    let success = product.success_code();
    let later = Plan { answer: 299, end: success, stuck: None };
    match pattern(account) {
        Some((998, code)) => match payment_class(code) {
            Class::Succeeded | Class::Failed => Plan { answer: code, end: code, ..later },
            Class::Pending | Class::Unknown => Plan { answer: code, ..later },
        },
        Some((997, code)) => match status_class(code) {
            Class::Succeeded | Class::Failed => Plan { end: code, ..later },
            Class::Pending | Class::Unknown => Plan { stuck: Some(code), ..later },
        },
        _ => match last_digit(account) {
            Some(1) => Plan { answer: success, ..later },
            Some(3) => Plan { end: 100, ..later },
            Some(4) => Plan { answer: 103, end: 103, ..later },
            _ => later,
        },
    }
}

/// `999CCC`, `998CCC` or `997CCC` at the beginning, CCC being three digits.
fn pattern(account: &str) -> Option<(u16, u16)> {
    let head = account.get(..6).filter(|head| head.bytes().all(|byte| byte.is_ascii_digit()))?;
    let kind = head[..3].parse().ok().filter(|kind| (997..=999).contains(kind))?;
    Some((kind, head[3..].parse().ok()?))
}

/// The last ASCII digit anywhere in the text: accounts can be e-mail addresses and number plates.
fn last_digit(account: &str) -> Option<u8> {
    account.bytes().rfind(u8::is_ascii_digit).map(|digit| digit - b'0')
}

/// The products, each with an account for every row of the table.
pub(super) fn listing() -> Value {
    PRODUCTS
        .iter()
        .map(|product| {
            let rows = [
                (product.example_account(1), "payment succeeds at once"),
                (product.example_account(2), "payment pending (299), then succeeded"),
                (product.example_account(3), "payment pending (299), then failed (100) and refunded"),
                (product.example_account(4), "payment refused with 103, not charged"),
                (product.example_account(5), "inquiry refused with 304"),
                (product.example_account(6), "payment pending (299), then succeeded; so do 0, 7, 8, 9 and no digit"),
                ("999302000001".to_owned(), "999CCC: inquiry answers CCC; here the bill is already paid"),
                ("999312000001".to_owned(), "999CCC: inquiry answers CCC; here the inquiry has expired"),
                (
                    "998312000001".to_owned(),
                    "998CCC: payment answers CCC; here the inquiry has expired, nothing is charged",
                ),
                (
                    "998102000001".to_owned(),
                    "998CCC: payment answers CCC; here a duplicate, yet charged, pending, then succeeded",
                ),
                ("998004000001".to_owned(), "998CCC: payment answers CCC; here it succeeds with code 4"),
                ("997100000001".to_owned(), "997CCC: payment pending, ends with CCC; here failed and refunded"),
                (
                    "997188000001".to_owned(),
                    "997CCC: payment pending; status answers CCC, here 188, until POST /_sandbox/settle",
                ),
            ];
            let customers: Vec<_> = rows
                .into_iter()
                .map(|(account, effect)| json!({ "accountNumber": account, "effect": effect }))
                .collect();
            let mut entry = json!({
                "productCode": product.code,
                "name": product.name,
                "category": product.category(),
                "active": product.active,
                "customers": customers,
            });
            match product.kind {
                _ if product.is_open() => entry["amount"] = json!("inquiry: 10000 to 2000000"),
                Kind::GooglePlay => entry["amount"] = json!(format!("payment: {}", product.bills[0])),
                Kind::Game => entry["zoneId"] = json!("inquiry: any text"),
                Kind::BpjsBpu => entry["month"] = json!("inquiry: 1 to 12"),
                _ => {}
            }
            entry
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::biller_v2::products::find;

    #[test]
    fn patterns_come_before_digits() {
        for (account, refusal) in [
            ("999302000001", Some(302)),
            ("999004000001", Some(4)),
            ("999300000001", None),
            ("999300000005", Some(304)),
            ("998302000005", None),
            ("99930x", None),
            ("123223345", Some(304)),
            ("B 1235 XYZ", Some(304)),
            ("pembeli@contoh.id", None),
            ("é99830", None),
        ] {
            assert_eq!(inquiry_refusal(account), refusal, "{account}");
        }
    }

    #[test]
    fn accounts_decide_what_becomes_of_a_payment() {
        let plan_of = |account, product| {
            let plan = plan(account, find(product).expect("a product"));
            (plan.answer, plan.end, plan.stuck)
        };
        for (account, expected) in [
            ("123223341", (0, 0, None)),
            ("123223342", (299, 0, None)),
            ("123223343", (299, 100, None)),
            ("123223344", (103, 103, None)),
            ("123223346", (299, 0, None)),
            ("no digit", (299, 0, None)),
            ("999300000001", (0, 0, None)),
            ("998004000001", (4, 4, None)),
            ("998102000001", (102, 0, None)),
            ("998150000001", (150, 0, None)),
            ("998250000001", (250, 0, None)),
            ("998199000002", (199, 199, None)),
            ("997005000003", (299, 5, None)),
            ("997150000001", (299, 150, None)),
            ("997188000001", (299, 0, Some(188))),
            ("997250000001", (299, 0, Some(250))),
            ("997302000001", (299, 0, Some(302))),
        ] {
            assert_eq!(plan_of(account, "SBTV01"), expected, "{account}");
        }
        assert_eq!(plan_of("081200000001", "SBDATA1"), (4, 4, None));
        assert_eq!(plan_of("081200000002", "SBDATA1"), (299, 4, None));
    }
}
