//! What MyBills sells here, what it costs, and what the customers' numbers make happen.

use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// Electricity tokens, with their denomination in rupiah.
    Pln(i64),
    Wallet,
    Data,
    Pulsa,
    Water,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Product {
    pub code: &'static str,
    pub reference_code: &'static str,
    pub name: &'static str,
    pub family: Family,
    /// What the partner pays, in rupiah.
    pub price: i64,
    pub admin_fee: i64,
    pub merchant_fee: i64,
}

const fn pln(code: &'static str, name: &'static str, denomination: i64) -> Product {
    product(code, "PLNPREPAIDV2", name, Family::Pln(denomination), denomination + 500)
}

const fn product(
    code: &'static str,
    reference_code: &'static str,
    name: &'static str,
    family: Family,
    price: i64,
) -> Product {
    Product { code, reference_code, name, family, price, admin_fee: 0, merchant_fee: 0 }
}

const PRODUCTS: [Product; 11] = [
    pln("PLNPR20", "PLN PREPAID 20", 20_000),
    pln("PLNPR50", "PLN PREPAID 50", 50_000),
    pln("PLNPR100", "PLN PREPAID 100", 100_000),
    pln("PLNPR200", "PLN PREPAID 200", 200_000),
    pln("PLNPR500", "PLN PREPAID 500", 500_000),
    pln("PLNPR1000", "PLN PREPAID 1000", 1_000_000),
    product("EWOV20", "EOVO", "OVO 20", Family::Wallet, 20_100),
    product("EWSP20", "ESPAY", "SHOPEEPAY 20", Family::Wallet, 20_100),
    product("DTSFL2GB", "DSFL", "DATA FLASH 2GB", Family::Data, 24_000),
    product("VTS25", "VTSEL", "PULSA 25", Family::Pulsa, 25_050),
    Product {
        admin_fee: 2_300,
        merchant_fee: 700,
        ..product("PDAMKABTANGERANG", "PDAM", "PDAM KAB TANGERANG", Family::Water, 164_858)
    },
];

pub(super) fn find(code: &str) -> Option<&'static Product> {
    PRODUCTS.iter().find(|product| product.code == code)
}

/// What an inquiry and a payment for one customer lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    Succeeds,
    SucceedsLater,
    /// Ends with this code.
    FailsLater(&'static str),
    /// The payment answers this code, and the charge has failed; so does the advice, with its own code.
    Fails {
        payment: String,
        advice: &'static str,
    },
    /// The payment answers this code although the charge succeeds.
    Hidden(String),
    /// The inquiry answers this code.
    NoInquiry(String),
}

/// Codes whose meaning for a payment is certain: a provider that executes it never answers them.
const CERTAIN: [&str; 17] =
    ["00", "02", "03", "10", "12", "13", "14", "16", "19", "24", "26", "28", "30", "36", "37", "38", "39"];

/// Where the scenario's number begins, for each family.
fn scenario_prefix(family: Family) -> &'static str {
    match family {
        Family::Pln(_) => "82937429830",
        Family::Wallet => "08128435113",
        Family::Data => "08128435112",
        Family::Pulsa => "08128435111",
        Family::Water => "73571176",
    }
}

impl Product {
    pub(super) fn is_pln(&self) -> bool {
        matches!(self.family, Family::Pln(_))
    }

    /// 1 prepaid, 2 postpaid.
    pub(super) fn type_id(&self) -> u8 {
        if self.family == Family::Water { 2 } else { 1 }
    }

    pub(super) fn plan(&self, customer: &str) -> Plan {
        match customer.strip_prefix(scenario_prefix(self.family)) {
            Some("2") => return Plan::SucceedsLater,
            Some("3") => return Plan::FailsLater("96"),
            Some("4") => return Plan::Fails { payment: "96".into(), advice: "96" },
            Some("5") => return Plan::NoInquiry("96".into()),
            _ => {}
        }
        let group =
            customer.strip_prefix("829374298").filter(|_| self.is_pln()).and_then(|rest| rest.split_at_checked(1));
        match group {
            Some(("4", code)) if is_code(code) && code != "00" && code != "02" => {
                Plan::Fails { payment: code.into(), advice: "03" }
            }
            Some(("5", code)) if is_code(code) && !CERTAIN.contains(&code) => Plan::Hidden(code.into()),
            Some(("6", code)) if is_code(code) && code != "00" => Plan::NoInquiry(code.into()),
            _ => Plan::Succeeds,
        }
    }
}

fn is_code(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Products and customers, as the control interface shows them.
pub(super) fn overview() -> Value {
    let products = PRODUCTS.iter().map(|product| {
        json!({
            "product": product.code,
            "reference_code": product.reference_code,
            "name": product.name,
            "price": product.price,
            "admin_fee": product.admin_fee,
            "merchant_fee": product.merchant_fee,
        })
    });
    let rows = [
        ("1", "00", "00", "00"),
        ("2", "00", "02", "00 once settled"),
        ("3", "00", "02", "96 once settled, refunded"),
        ("4", "00", "96, refunded", "96"),
        ("5", "96", "-", "-"),
    ];
    let families = ["PLNPR20", "EWSP20", "DTSFL2GB", "VTS25", "PDAMKABTANGERANG"].into_iter().filter_map(find);
    let numbered = families.flat_map(|product| {
        rows.map(|(digit, inquiry, payment, advice)| {
            let customer = format!("{}{digit}", scenario_prefix(product.family));
            json!({ "product": product.code, "customer": customer, "inquiry": inquiry, "payment": payment, "advice": advice })
        })
    });
    let more = [
        ("829374298311", "00", "00", "00", "receipt with an instalment of 5000"),
        ("829374298312", "00", "00", "00", "receipt with VAT, tariff R3/6600VA"),
        ("829374298313", "00", "00", "00", "receipt with a stamp duty of 3000"),
        ("8293742984CC", "00", "CC, refunded", "03", "CC: a code of two digits, not 00, 02"),
        (
            "8293742985CC",
            "00",
            "CC although it succeeds",
            "00",
            "CC: a code that proves nothing at a payment, or an unlisted one",
        ),
        ("8293742986CC", "CC", "-", "-", "CC: a code of two digits, not 00"),
        ("any other 11 or 12 digits", "00", "00", "00", "succeeds at once"),
    ];
    let more = more.map(|(customer, inquiry, payment, advice, note)| {
        json!({
            "product": "PLNPR*",
            "customer": customer,
            "inquiry": inquiry,
            "payment": payment,
            "advice": advice,
            "note": note,
        })
    });
    Value::Array(products.chain(numbered).chain(more).collect())
}
