//! The price list: 63 face values of seven operators, and two data packages of each.

use serde::Serialize;

/// A row as the price list shows it, beside what the sandbox reckons with.
pub(super) struct Item {
    pub kind: &'static str,
    pub operator: &'static str,
    pub code: String,
    pub note: &'static str,
    /// The face value as it is printed; `-` for one data package.
    pub denomination: String,
    /// What the partner pays, in rupiah.
    pub price: i64,
    pub ready: bool,
}

pub(super) const PULSA: &str = "PULSA";
const DATA: &str = "PAKET DATA";

/// Operator, prefix of its codes, face values in thousands, and note and price of its two data packages.
type Operator = (&'static str, &'static str, &'static [i64], [(&'static str, i64); 2]);

const OPERATORS: [Operator; 7] = [
    ("AXIS", "AXM", &[5, 10, 15, 25, 30, 50, 100], [("1 GB, 7 hari", 8000), ("8 GB, 30 hari", 41_250)]),
    (
        "TELKOMSEL",
        "TEL",
        &[5, 10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200],
        [("3 GB, 7 hari", 25_600), ("12 GB, 30 hari", 98_300)],
    ),
    (
        "INDOSAT",
        "IND",
        &[5, 10, 12, 15, 20, 25, 30, 50, 60, 80, 100, 150],
        [("2 GB, 5 hari", 12_750), ("14 GB, 28 hari", 61_400)],
    ),
    ("XL", "XL", &[5, 10, 15, 25, 30, 50, 100, 150, 200], [("5 GB, 7 hari", 27_850), ("20 GB, 30 hari", 104_900)]),
    ("TRI", "TRI", &[5, 10, 15, 20, 25, 30, 50, 100], [("1,5 GB, 3 hari", 9400), ("6 GB tanpa masa aktif", 34_200)]),
    ("SMARTFREN", "SMF", &[5, 10, 20, 25, 50, 60, 100, 150], [("4 GB, 14 hari", 19_900), ("30 GB, 30 hari", 72_400)]),
    ("BY.U", "BYU", &[5, 10, 15, 20, 25, 50, 100], [("3 GB, 14 hari", 15_300), ("40 GB, 30 hari", 120_000)]),
];

/// Prices that the provider's document names.
const NAMED: [(&str, i64); 5] =
    [("AXM5", 5850), ("AXM10", 10_900), ("AXM25", 25_350), ("TEL5", 5630), ("SI100", 96_950)];
const CLOSED: [&str; 3] = ["TRI100", "SMF150", "BYU100"];
/// The package without a face value.
const NO_DENOMINATION: &str = "TRID2";

pub(super) fn list() -> Vec<Item> {
    let pulsa = OPERATORS.iter().flat_map(|(operator, prefix, thousands, _)| {
        thousands.iter().map(move |thousands| {
            let code = match (*prefix, *thousands) {
                ("TEL", 100) => "SI100".to_owned(),
                _ => format!("{prefix}{thousands}"),
            };
            let face = thousands * 1000;
            let named = NAMED.iter().find(|(name, _)| *name == code);
            Item {
                kind: PULSA,
                operator,
                note: "Pulsa Reguler",
                denomination: face.to_string(),
                price: named.map_or_else(|| price_of(face), |(_, price)| *price),
                ready: !CLOSED.contains(&code.as_str()),
                code,
            }
        })
    });
    let data = OPERATORS.iter().flat_map(|(operator, prefix, _, packages)| {
        (1..).zip(packages).map(move |(number, (note, price))| {
            let code = format!("{prefix}D{number}");
            let denomination = match code.as_str() {
                NO_DENOMINATION => "-".to_owned(),
                _ => ((price + 500) / 1000 * 1000).to_string(),
            };
            Item { kind: DATA, operator, code, note, denomination, price: *price, ready: true }
        })
    });
    pulsa.chain(data).collect()
}

/// What a face value costs where the document names no price.
fn price_of(face: i64) -> i64 {
    match face {
        ..20_000 => face + 800,
        20_000..=50_000 => face + 400,
        // 98.5 %, rounded up to the next 50.
        _ => (face * 985 + 49_999) / 50_000 * 50,
    }
}

/// A row in the provider's words; every value is a string.
#[derive(Serialize)]
pub(super) struct Row<'a> {
    tipe: &'a str,
    operator: &'a str,
    kodeoperator: &'a str,
    keterangan: &'a str,
    nominal: &'a str,
    harga: String,
    status: &'a str,
}

impl Item {
    pub(super) fn row(&self) -> Row<'_> {
        Row {
            tipe: self.kind,
            operator: self.operator,
            kodeoperator: &self.code,
            keterangan: self.note,
            nominal: &self.denomination,
            harga: self.price.to_string(),
            status: if self.ready { "Ready" } else { "Close" },
        }
    }

    /// What the once-a-day rule goes by beside the number: the face value, for packages the code.
    pub(super) fn daily_key(&self) -> &str {
        if self.kind == PULSA { &self.denomination } else { &self.code }
    }

    /// As messages name it: `PULSA TELKOMSEL 100.000(SI100)`.
    pub(super) fn title(&self) -> String {
        let mut face = self.denomination.clone();
        if face.len() > 3 {
            face.insert(face.len() - 3, '.');
        }
        format!("{} {} {face}({})", self.kind, self.operator, self.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seventy_seven_rows_with_distinct_codes() {
        let list = list();
        let mut codes: Vec<_> = list.iter().map(|item| item.code.as_str()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!((list.len(), codes.len()), (77, 77));
        let counted =
            |operator: &str, kind: &str| list.iter().filter(|i| i.operator == operator && i.kind == kind).count();
        let pulsa = ["AXIS", "TELKOMSEL", "INDOSAT", "XL", "TRI", "SMARTFREN", "BY.U"]
            .map(|o| (counted(o, PULSA), counted(o, DATA)));
        assert_eq!(pulsa, [(7, 2), (12, 2), (12, 2), (9, 2), (8, 2), (8, 2), (7, 2)]);
        let closed: Vec<_> = list.iter().filter(|item| !item.ready).map(|item| item.code.as_str()).collect();
        assert_eq!(closed, ["TRI100", "SMF150", "BYU100"]);
        let without: Vec<_> = list.iter().filter(|i| i.denomination == "-").map(|item| item.code.as_str()).collect();
        assert_eq!(without, ["TRID2"]);
    }

    #[test]
    fn prices() {
        let list = list();
        for (code, price) in [
            ("AXM5", 5850),
            ("AXM10", 10_900),
            ("AXM15", 15_800),
            ("AXM25", 25_350),
            ("TEL5", 5630),
            ("TEL20", 20_400),
            ("TEL50", 50_400),
            ("TEL75", 73_900),
            ("SI100", 96_950),
            ("IND60", 59_100),
            ("IND80", 78_800),
            ("TEL200", 197_000),
            ("AXMD1", 8000),
            ("BYUD2", 120_000),
        ] {
            let found: Vec<_> = list.iter().filter(|item| item.code == code).map(|item| item.price).collect();
            assert_eq!(found, [price], "{code}");
        }
    }
}
