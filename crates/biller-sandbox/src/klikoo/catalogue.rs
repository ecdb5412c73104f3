//! What Klikoo sells here, and what it costs.

/// The smallest and the largest open amount.
const OPEN_AMOUNT: std::ops::RangeInclusive<i64> = 10_000..=2_000_000;
/// What `CODE-` and `CODEX-` products cost.
const CODE_PRICE: i64 = 10_000;
/// What a bill's total adds to its amount.
const BILL_FEE: i64 = 2_500;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A token for this many rupiah; the price is 500 more.
    Pln(i64),
    /// One price, with an inquiry.
    Closed(i64),
    /// One price, no inquiry.
    NoInquiry(i64),
    /// The price is what the buyer asks for.
    Open,
    /// A postpaid bill, whose amount depends on the account.
    Bill,
    /// Buying it answers this code and executes nothing.
    Refuses(u32),
    /// Buying it answers this code although it is executed.
    Lies(u32),
}

#[derive(Clone, Debug)]
pub(super) struct Product {
    pub code: String,
    pub name: String,
    pub kind: Kind,
}

const PREPAID: [(&str, &str, Kind); 9] = [
    ("PLN20", "PLN 20.000", Kind::Pln(20_000)),
    ("PLN50", "PLN 50.000", Kind::Pln(50_000)),
    ("PLN100", "PLN 100.000", Kind::Pln(100_000)),
    ("OVO10", "OVO 10.000", Kind::Closed(10_150)),
    ("GOPAY10", "GOPAY 10.000", Kind::Closed(10_250)),
    ("DN1", "DANA 10.000", Kind::Closed(10_086)),
    ("DNOPEN", "DANA OPEN", Kind::Open),
    ("MAX5000", "MAXIM 5.000", Kind::Closed(5_300)),
    ("S10", "Tsel 10.000", Kind::NoInquiry(10_450)),
];

const BILLS: [&str; 8] =
    ["POSTPAIDPLN", "PDAMACEHTGR", "PDAMMJK", "PDAMABOJ", "FIRSMEDIA", "RBKREDITBAF", "RBFNFIF", "RBASRBPJSKSH"];

/// Accounts and products that the provider's documents print: they are served whatever their last digit.
const PRINTED: [(&str, &str); 12] = [
    ("514040400482", "POSTPAIDPLN"),
    ("520511567087", "POSTPAIDPLN"),
    ("533512366386", "POSTPAIDPLN"),
    ("1160026", "PDAMACEHTGR"),
    ("1726010024", "PDAMMJK"),
    ("107917", "PDAMABOJ"),
    ("11632498", "FIRSMEDIA"),
    ("12524412", "FIRSMEDIA"),
    ("1778551", "FIRSMEDIA"),
    ("547010008701", "RBKREDITBAF"),
    ("225010040304", "RBKREDITBAF"),
    ("607002393411", "RBFNFIF"),
];

/// All products with a fixed code, in the order of the price list.
pub(super) fn all() -> impl Iterator<Item = Product> {
    let prepaid =
        PREPAID.iter().map(|(code, name, kind)| Product { code: (*code).into(), name: (*name).into(), kind: *kind });
    prepaid.chain(BILLS.iter().map(|code| Product {
        code: (*code).into(),
        name: format!("Tagihan {code}"),
        kind: Kind::Bill,
    }))
}

pub(super) fn find(code: &str) -> Option<Product> {
    all().find(|product| product.code == code).or_else(|| {
        let kind = if let Some(digits) = code.strip_prefix("CODE-") {
            Kind::Refuses(nine_digits(digits)?)
        } else {
            Kind::Lies(nine_digits(code.strip_prefix("CODEX-")?).filter(|code| !tells_the_truth(*code))?)
        };
        Some(Product { code: code.to_owned(), name: format!("UJI {code}"), kind })
    })
}

fn nine_digits(text: &str) -> Option<u32> {
    (text.len() == 9 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Whether the documents list a code, for a buy, as accepted or as certainly not charged: a provider that executes the purchase never
/// answers it.
fn tells_the_truth(code: u32) -> bool {
    matches!(
        (code / 1_000_000, code % 10_000),
        (200, 2000)
            | (201, 2001)
            | (400, 6505 | 6508 | 6510 | 6512 | 6525 | 6568 | 6569)
            | (401, 6500 | 6535 | 6570)
            | (403, 6524 | 6567 | 6571 | 6572)
            | (404, 6525 | 7002 | 7003 | 7009 | 7011 | 7012)
            | (501, 9976)
    )
}

/// What an inquiry answers.
pub(super) struct Quote {
    pub amount: i64,
    pub total: i64,
}

impl Product {
    /// The quote for a customer; `asked` is the open amount. None if that is missing or out of range.
    pub(super) fn quote(&self, customer: &str, asked: Option<i64>) -> Option<Quote> {
        let flat = |amount| Quote { amount, total: amount };
        Some(match self.kind {
            Kind::Pln(value) => Quote { amount: value + 500, total: value + 546 },
            Kind::Closed(price) | Kind::NoInquiry(price) => flat(price),
            Kind::Open => flat(asked.filter(|amount| OPEN_AMOUNT.contains(amount))?),
            Kind::Bill => {
                let amount = 50_000 + 1_000 * last_digits(customer, 2);
                Quote { amount, total: amount + BILL_FEE }
            }
            Kind::Refuses(_) | Kind::Lies(_) => flat(CODE_PRICE),
        })
    }

    /// The only amount at which a buy is accepted; none for open amounts.
    pub(super) fn price(&self, customer: &str) -> Option<i64> {
        match self.kind {
            Kind::Open => None,
            Kind::Bill => self.quote(customer, None).map(|quote| quote.total),
            _ => self.quote(customer, None).map(|quote| quote.amount),
        }
    }

    /// What the customer's number makes happen.
    pub(super) fn scenario(&self, customer: &str) -> Scenario {
        match self.kind {
            Kind::Refuses(code) => return Scenario::Refused(code),
            Kind::Lies(code) => return Scenario::Hidden(code),
            _ => {}
        }
        if PRINTED.contains(&(customer, self.code.as_str())) {
            return Scenario::Succeeds;
        }
        match (customer, customer.bytes().rfind(u8::is_ascii_digit)) {
            ("01105601111", _) | (_, Some(b'5')) => Scenario::Unrecognised,
            (_, Some(b'2')) => Scenario::SucceedsLater,
            (_, Some(b'3')) => Scenario::FailsLater,
            (_, Some(b'4')) => Scenario::Refused(404_027_011),
            _ => Scenario::Succeeds,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scenario {
    Succeeds,
    SucceedsLater,
    FailsLater,
    /// The buy is refused with this code.
    Refused(u32),
    /// The inquiry is refused, and so is the buy.
    Unrecognised,
    /// The buy succeeds, and the reply says this code.
    Hidden(u32),
}

/// The number that the last `count` ASCII digits of a text make.
fn last_digits(text: &str, count: usize) -> i64 {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_digit).collect();
    digits.iter().skip(digits.len().saturating_sub(count)).fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'))
}
