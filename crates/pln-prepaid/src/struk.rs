//! The receipt that the customer gets, as plain text.

use std::fmt::Write as _;

use biller_core::Rupiah;

use crate::bill::{ElectricityReceipt, Printed};
use crate::model::Transaction;

/// Printers of receipts have 32 columns and more.
const LABEL_WIDTH: usize = 12;
const WIDTH: usize = 40;

/// A struk: the token in groups of four, rupiah and kWh as they are written in Indonesia.
///
/// ```
/// # use biller_core::RawJson;
/// # use pln_prepaid::{Struk, Transaction};
/// # fn example(transaction: &Transaction) -> Option<String> {
/// let struk = Struk::of(transaction)?.with_shop("TOKO MAJU").with_admin_fee(biller_core::Rupiah::new(2_500));
/// let text = struk.render(); // holds the token: for the customer's eyes only
/// # Some(text) }
/// ```
#[derive(Clone, Debug)]
pub struct Struk<'a> {
    transaction: &'a Transaction,
    receipt: &'a ElectricityReceipt,
    shop: Option<String>,
    admin_fee: Option<Rupiah>,
}

impl<'a> Struk<'a> {
    /// Of a purchase of prepaid electricity that has its token; `None` for anything else.
    pub fn of(transaction: &'a Transaction) -> Option<Self> {
        let receipt = transaction.electricity().filter(|receipt| receipt.stroom_token.is_some())?;
        Some(Self { transaction, receipt, shop: None, admin_fee: None })
    }

    /// The shop's name, as the first line.
    #[must_use]
    pub fn with_shop(mut self, name: impl Into<String>) -> Self {
        self.shop = Some(name.into());
        self
    }

    /// What the shop charges on top of the denomination.
    #[must_use]
    pub fn with_admin_fee(mut self, fee: Rupiah) -> Self {
        self.admin_fee = Some(fee);
        self
    }

    /// The lines, each ended by a line break, without trailing blanks. The text shows the token: whoever reads it can use it.
    ///
    /// What the provider did not tell has no line. Amounts that are not whole rupiah stand as the provider printed them, and then there
    /// is no total.
    pub fn render(&self) -> String {
        let Self { transaction, receipt, .. } = self;
        let mut text = String::new();
        for line in self.shop.iter().map(String::as_str).chain(["STRUK PEMBELIAN LISTRIK PRABAYAR"]) {
            let _ = writeln!(text, "{}", clean(line));
        }
        let _ = writeln!(text, "{}", "-".repeat(WIDTH));
        let mut row = |label: &str, value: Option<String>| {
            if let Some(value) = value.map(|value| clean(&value)).filter(|value| !value.is_empty()) {
                let _ = writeln!(text, "{label:LABEL_WIDTH$}: {value}");
            }
        };
        row("TANGGAL", transaction.transaction_date.map(|at| at.to_wib_seconds()[..19].replace('T', " ")));
        row("NO METER", receipt.meter_number.as_ref().map(|number| number.text.clone()));
        row("IDPEL", receipt.customer_number.as_ref().map(|number| number.text.clone()));
        row("NAMA", receipt.customer_name.clone());
        row("TARIF/DAYA", receipt.tariff_power.as_ref().map(|text| text.as_str().to_owned()));
        row("NO REF", receipt.reference.clone());
        for (label, amount) in [
            ("RP TOKEN", &receipt.energy_cost),
            ("PPJ", &receipt.street_light_tax),
            ("PPN", &receipt.vat),
            ("ANGSURAN", &receipt.instalment),
            ("MATERAI", &receipt.stamp_duty),
        ] {
            row(label, amount.as_ref().map(rupiah));
        }
        row("ADMIN", self.admin_fee.map(|fee| fee.to_string()));
        row("TOTAL BAYAR", self.total().map(|total| total.to_string()));
        row(
            "JML KWH",
            receipt.energy.as_ref().map(|energy| match energy.value {
                Some(kwh) => format!("{kwh} kWh"),
                None => energy.text.clone(),
            }),
        );
        let _ = writeln!(text, "{}", "-".repeat(WIDTH));
        if let Some(token) = &receipt.stroom_token {
            let _ = writeln!(text, "STROOM/TOKEN\n{}", token.reveal_grouped().replace('-', " "));
        }
        text
    }

    /// The denomination, and the shop's fee on top.
    fn total(&self) -> Option<Rupiah> {
        self.receipt.sum()?.checked_add(self.admin_fee.unwrap_or(Rupiah::ZERO))
    }
}

fn rupiah(amount: &Printed<Rupiah>) -> String {
    amount.value.map_or_else(|| amount.text.clone(), |value| value.to_string())
}

/// What somebody else wrote, without line breaks and other control characters, so that it cannot forge a line.
fn clean(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.trim().to_owned()
}
